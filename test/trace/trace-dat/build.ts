import { deflateSync } from 'node:zlib';
import { byteOrder } from '../byte-order.ts';

/** A small trace.dat made by hand, byte by byte from the format's description, to test the reader against. */

export interface BuiltRecord {
  /** Raw clock since the record before, or since the page's time. */
  readonly delta: number;
  readonly data: Uint8Array;
}

export interface PageParts {
  readonly time: bigint;
  readonly records: readonly BuiltRecord[];
  readonly pageSize?: number;
  readonly commitSize?: 4 | 8;
  /** Write the data length without caring whether it is true. */
  readonly commit?: number;
}

/** Grows by pieces. */
export class Bytes {
  readonly parts: Uint8Array[] = [];
  size = 0;

  raw(bytes: Uint8Array): this {
    this.parts.push(bytes);
    this.size += bytes.length;
    return this;
  }
  text(text: string): this {
    return this.raw(new TextEncoder().encode(text));
  }
  number(value: number | bigint, size: 1 | 2 | 4 | 8): this {
    const { littleEndian } = byteOrder;
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(value)), littleEndian);
    return this.raw(littleEndian ? bytes.subarray(0, size) : bytes.subarray(8 - size));
  }
  u16(value: number): this {
    return this.number(value, 2);
  }
  u32(value: number): this {
    return this.number(value, 4);
  }
  u64(value: number | bigint): this {
    return this.number(value, 8);
  }
  alignTo(size: number): this {
    return this.raw(new Uint8Array((size - (this.size % size)) % size));
  }
  done(): Uint8Array {
    const all = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/** A record's data: the common fields, then whatever follows. */
export function record(type: number, pid: number, rest: Uint8Array, flags = 0, preempt = 0): Uint8Array {
  return new Bytes().u16(type).number(flags, 1).number(preempt, 1).u32(pid).raw(rest).done();
}

export function page(parts: PageParts): Uint8Array {
  const { pageSize = 4096, commitSize = 8 } = parts;
  const data = new Bytes();
  for (const { delta, data: bytes } of parts.records) {
    const words = Math.ceil(bytes.length / 4);
    if (words >= 1 && words <= 28) data.u32(eventWord(words, delta));
    else data.u32(eventWord(0, delta)).u32(words * 4 + 4);
    data.raw(bytes).alignTo(4);
  }
  const head = new Bytes().u64(parts.time).number(parts.commit ?? data.size, commitSize);
  const whole = head.raw(data.done()).alignTo(pageSize).done();
  if (whole.length !== pageSize) throw new Error('too many records for a page');
  return whole;
}

/** Bit fields begin at the low end of a little-endian word, and at the high end of a big-endian one. */
function eventWord(type: number, delta: number): number {
  return (byteOrder.littleEndian ? type | (delta << 5) : (type << 27) | delta) >>> 0;
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Bytes();
  for (const part of parts) all.raw(part);
  return all.done();
}

const COMMON = `	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
`;

export function formatText(name: string, id: number, fields: string, print: string, common = COMMON): string {
  return `name: ${name}\nID: ${id}\nformat:\n${common}\n${fields}\nprint fmt: ${print}\n`;
}

export const ACQUIRE = 301;
export const CONTENDED = 302;
export const UNMAPPED = 400;

/** systems with their formats: one mapped, one mapped event that misses a field, one that no row names. */
export const SYSTEMS: readonly (readonly [system: string, formats: readonly string[]])[] = [
  [
    'bitlock',
    [
      formatText(
        'bit_spin_acquire',
        ACQUIRE,
        '	field:void * addr;	offset:8;	size:8;	signed:0;\n' +
          '	field:int bitnr;	offset:16;	size:4;	signed:1;\n' +
          '	field:unsigned long ip;	offset:24;	size:8;	signed:0;\n',
        '"addr=0x%lx bitnr=%d ip=%pS", (unsigned long)REC->addr, REC->bitnr, (void *)REC->ip',
      ),
      formatText(
        'bit_spin_contended',
        CONTENDED,
        '	field:void * addr;	offset:8;	size:8;	signed:0;\n',
        '"addr=0x%lx", (unsigned long)REC->addr',
      ),
    ],
  ],
  ['other', [formatText('thing', UNMAPPED, '	field:int x;	offset:8;	size:4;	signed:1;\n', '"x=%d", REC->x')]],
];

export function acquire(pid: number, address: bigint, bit: number, ip = 0xffffffff81000039n): Uint8Array {
  return record(ACQUIRE, pid, new Bytes().u64(address).u32(bit).u32(0).u64(ip).done());
}

export function headerPageText(pageSize = 4096, commitSize = 8): string {
  return `	field: u64 timestamp;	offset:0;	size:8;	signed:0;
	field: local_t commit;	offset:8;	size:${commitSize};	signed:1;
	field: int overwrite;	offset:8;	size:1;	signed:1;
	field: char data;	offset:${8 + commitSize};	size:${pageSize - 8 - commitSize};	signed:1;
`;
}

export interface BuiltOption {
  readonly id: number;
  readonly data: Uint8Array;
}

export const textOption = (id: number, text: string): BuiltOption => ({
  id,
  data: new Bytes().text(`${text}\0`).done(),
});

export interface BuiltBuffer {
  readonly name: string;
  readonly clock: string;
  readonly cpus: readonly { readonly cpu: number; readonly pages: Uint8Array }[];
}

export interface FileParts {
  readonly compression?: 'none' | 'zlib' | 'brotli';
  readonly pageSize?: number;
  readonly commitSize?: 4 | 8;
  readonly systems?: typeof SYSTEMS;
  readonly options?: readonly BuiltOption[];
  readonly buffers?: readonly BuiltBuffer[];
  readonly kallsyms?: string;
  readonly printk?: string;
  readonly cmdlines?: string;
  /** Pages per compressed chunk. */
  readonly chunkPages?: number;
}

export const KALLSYMS = 'ffffffff81000000 T _stext\nffffffff81000000 T _text\nffffffff81000100 t second\n';

/** Two CPUs with two pages and one page; every page has two lock events and one event that no row names. */
export function sampleBuffer(name = '', pageSize = 4096, commitSize: 4 | 8 = 8): BuiltBuffer {
  const make = (time: bigint, pid: number) =>
    page({
      time,
      pageSize,
      commitSize,
      records: [
        { delta: 0, data: acquire(pid, 0xffff888100000000n, 4) },
        { delta: 10, data: record(UNMAPPED, pid, new Bytes().u32(7).done()) },
        { delta: 20, data: acquire(pid, 0xffff888100000040n, 5) },
      ],
    });
  return {
    name,
    clock: 'mono',
    cpus: [
      { cpu: 0, pages: join(make(1000n, 11), make(2000n, 12)) },
      { cpu: 2, pages: make(1500n, 13) },
    ],
  };
}

function eventSystems(systems: typeof SYSTEMS): Uint8Array {
  const all = new Bytes().u32(systems.length);
  for (const [system, formats] of systems) {
    all.text(`${system}\0`).u32(formats.length);
    for (const format of formats) all.u64(format.length).text(format);
  }
  return all.done();
}

const FTRACE_FORMATS = new Bytes()
  .u32(1)
  .u64(formatText('print', 5, '	field:char buf[];	offset:8;	size:0;	signed:0;\n', '"%s", REC->buf').length)
  .text(formatText('print', 5, '	field:char buf[];	offset:8;	size:0;	signed:0;\n', '"%s", REC->buf'))
  .done();

function headers(parts: FileParts): Uint8Array {
  const text = headerPageText(parts.pageSize, parts.commitSize);
  return new Bytes().text('header_page\0').u64(text.length).text(text).text('header_event\0').u64(0).done();
}

function magic(version: number, parts: FileParts): Bytes {
  return new Bytes()
    .raw(Uint8Array.of(0x17, 0x08, 0x44))
    .text(`tracing${version}\0`)
    .raw(Uint8Array.of(byteOrder.littleEndian ? 0 : 1, 8))
    .u32(parts.pageSize ?? 4096);
}

/** A version 7 file: metadata sections, options, one section per buffer, options with the buffers. */
export function buildV7(parts: FileParts = {}): Uint8Array {
  const { compression = 'none', pageSize = 4096, chunkPages = 1 } = parts;
  const packed = compression !== 'none';
  const file = magic(7, parts).text(`${compression}\0${packed ? '1.0' : ''}\0`);
  const placeOfOptions = file.size;
  file.u64(0);
  const fixups: [at: number, value: number][] = [];
  const section = (id: number, content: Uint8Array): number => {
    const at = file.size;
    file
      .u16(id)
      .u16(packed ? 1 : 0)
      .u32(0);
    if (!packed) file.u64(content.length).raw(content);
    else {
      const small = deflateSync(content);
      file
        .u64(small.length + 8)
        .u32(small.length)
        .u32(content.length)
        .raw(small);
    }
    return at;
  };
  const place = (id: number, at: number): BuiltOption => ({ id, data: new Bytes().u64(at).done() });
  const blob = (text: string, size: 4 | 8) => new Bytes().number(text.length, size).text(text).done();
  const options: BuiltOption[] = [
    place(16, section(16, headers(parts))),
    place(17, section(17, FTRACE_FORMATS)),
    place(18, section(18, eventSystems(parts.systems ?? SYSTEMS))),
    place(19, section(19, blob(parts.kallsyms ?? KALLSYMS, 4))),
    place(20, section(20, blob(parts.printk ?? '', 4))),
    place(21, section(21, blob(parts.cmdlines ?? '11 first\n12 second one\n', 8))),
    ...(parts.options ?? []),
  ];
  const optionSection = (list: readonly BuiltOption[]): { at: number; nextAt: number } => {
    const content = new Bytes();
    for (const { id, data } of list) content.u16(id).u32(data.length).raw(data);
    content.u16(0).u32(8).u64(0);
    const at = file.size;
    file.u16(0).u16(0).u32(0).u64(content.size).raw(content.done());
    return { at, nextAt: file.size - 8 };
  };
  const first = optionSection(options);
  fixups.push([placeOfOptions, first.at]);
  const buffers = (parts.buffers ?? [sampleBuffer('', pageSize, parts.commitSize)]).map((buffer) => {
    const at = file.size;
    file
      .u16(3)
      .u16(packed ? 1 : 0)
      .u32(0)
      .u64(0);
    const list = new Bytes();
    for (const { cpu, pages } of buffer.cpus) {
      file.alignTo(pageSize);
      const start = file.size;
      if (!packed) file.raw(pages);
      else {
        const chunkSize = chunkPages * pageSize;
        file.u32(Math.ceil(pages.length / chunkSize));
        for (let from = 0; from < pages.length; from += chunkSize) {
          const chunk = pages.subarray(from, from + chunkSize);
          const small = deflateSync(chunk);
          file.u32(small.length).u32(chunk.length).raw(small);
        }
      }
      list
        .u32(cpu)
        .u64(start)
        .u64(file.size - start);
    }
    fixups.push([at + 8, file.size - at - 16]);
    const head = new Bytes()
      .u64(at)
      .text(`${buffer.name}\0${buffer.clock}\0`)
      .u32(pageSize)
      .u32(buffer.cpus.length);
    return { id: 3, data: head.raw(list.done()).done() };
  });
  fixups.push([first.nextAt, optionSection(buffers).at]);
  const bytes = file.done();
  const view = new DataView(bytes.buffer);
  for (const [at, value] of fixups) view.setBigUint64(at, BigInt(value), byteOrder.littleEndian);
  return bytes;
}

/** A version 6 file; further buffers become instances. Every buffer must have CPUs 0, 1, 2 ... in order. */
export function buildV6(parts: FileParts & { readonly latency?: boolean } = {}): Uint8Array {
  const { pageSize = 4096 } = parts;
  const buffers = parts.buffers ?? [sampleBuffer('', pageSize, parts.commitSize)];
  const cpus = buffers[0]!.cpus.length;
  const file = magic(6, parts)
    .raw(headers(parts))
    .raw(FTRACE_FORMATS)
    .raw(eventSystems(parts.systems ?? SYSTEMS));
  for (const text of [parts.kallsyms ?? KALLSYMS, parts.printk ?? '']) file.u32(text.length).text(text);
  const cmdlines = parts.cmdlines ?? '11 first\n12 second one\n';
  file.u64(cmdlines.length).text(cmdlines).u32(cpus).text('options  \0');
  for (const { id, data } of parts.options ?? []) file.u16(id).u32(data.length).raw(data);
  const fixups: [at: number, value: number][] = [];
  const placeOf = new Map<string, number>();
  for (const { name } of buffers.slice(1)) {
    file.u16(3).u32(8 + name.length + 1);
    placeOf.set(name, file.size);
    file.u64(0).text(`${name}\0`);
  }
  file.u16(0);
  if (parts.latency) return file.text('latency  \0# tracer: irqsoff\n').done();
  const ends: { at: number; pages: Uint8Array }[] = [];
  for (const { name, cpus: lanes } of buffers) {
    if (placeOf.has(name)) fixups.push([placeOf.get(name)!, file.size]);
    file.text('flyrecord\0');
    for (const { pages } of lanes) {
      ends.push({ at: file.size, pages });
      file.u64(0).u64(pages.length);
    }
    for (const { at, pages } of ends.splice(0)) {
      file.alignTo(pageSize);
      fixups.push([at, file.size]);
      file.raw(pages);
    }
  }
  const bytes = file.done();
  const view = new DataView(bytes.buffer);
  for (const [at, value] of fixups) view.setBigUint64(at, BigInt(value), byteOrder.littleEndian);
  return bytes;
}
