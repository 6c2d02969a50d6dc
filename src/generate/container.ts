import { OPTION } from '../trace/trace-dat/options.ts';
import { ByteWriter } from './bytes.ts';
import type { Output, Packer } from './output.ts';
import { roundUp } from './record.ts';

// The trace.dat container, versions 6 and 7: trace-cmd 3.1, Documentation/trace-cmd/trace-cmd.dat.v6.5.txt and
// trace-cmd.dat.v7.5.txt.

export interface FileOption {
  readonly id: number;
  readonly data: Uint8Array;
}

/** The pages of one CPU. */
export interface CpuPart {
  readonly cpu: number;
  readonly size: number;
  /** Whole pages in order, in pieces of the given size. */
  pieces(size: number): Iterable<Uint8Array>;
}

/** Everything that a file holds, whatever its version. */
export interface FileParts {
  readonly wordSize: number;
  readonly bigEndian: boolean;
  readonly pageSize: number;
  readonly clock: string;
  /** Name of the ftrace instance, empty for the top one. */
  readonly instance?: string;
  readonly headerInfo: Uint8Array;
  readonly ftraceFormats: Uint8Array;
  readonly eventFormats: Uint8Array;
  readonly kallsyms: Uint8Array;
  readonly printk: Uint8Array;
  readonly cmdlines: Uint8Array;
  /** Options besides those that point to sections. */
  readonly options: readonly FileOption[];
  readonly cpus: readonly CpuPart[];
}

const MAGIC = Uint8Array.of(0x17, 0x08, 0x44);
const PIECE_PAGES = 64;
/** trace-cmd compresses ten pages at a time. */
const CHUNK_PAGES = 10;
const SECTION_COMPRESSED = 1;
const SECTION_HEADER = 16;

function fileHeader(version: string, { wordSize, pageSize, bigEndian }: FileParts): ByteWriter {
  const head = new ByteWriter(bigEndian).bytes(MAGIC).text('tracing').cstring(version);
  return head
    .u8(bigEndian ? 1 : 0)
    .u8(wordSize)
    .u32(pageSize);
}

/** Version 6: everything in a fixed order. */
export function writeVersion6(output: Output, parts: FileParts): void {
  const head = fileHeader('6', parts)
    .bytes(parts.headerInfo)
    .bytes(parts.ftraceFormats)
    .bytes(parts.eventFormats)
    .u32(parts.kallsyms.length)
    .bytes(parts.kallsyms)
    .u32(parts.printk.length)
    .bytes(parts.printk)
    .u64(parts.cmdlines.length)
    .bytes(parts.cmdlines)
    .u32(parts.cpus.length)
    .text('options  \0');
  for (const { id, data } of parts.options) head.u16(id).u32(data.length).bytes(data);
  head.u16(0).text('flyrecord\0');

  const clock = `[${parts.clock}]`;
  const table = head.length + 16 * parts.cpus.length;
  let offset = roundUp(table + 8 + clock.length, parts.pageSize);
  for (const { size } of parts.cpus) {
    head.u64(offset).u64(size);
    offset = roundUp(offset + size, parts.pageSize);
  }
  output.write(head.sizedText(clock, 8).alignTo(parts.pageSize).done());
  for (const cpu of parts.cpus) {
    for (const piece of cpu.pieces(PIECE_PAGES * parts.pageSize)) output.write(piece);
  }
}

/** Version 7: sections that options point to, plain or compressed. */
export function writeVersion7(output: Output, parts: FileParts, packer: Packer | null): void {
  const head = fileHeader('7', parts)
    .cstring(packer?.name ?? 'none')
    .cstring(packer?.version ?? '');
  const pointer = head.length;
  output.write(head.u64(0).done());
  const { bigEndian } = parts;
  const bytes = (): ByteWriter => new ByteWriter(bigEndian);
  const file = new SectionWriter(output, packer, bytes);

  const options: FileOption[] = [];
  const section = (id: number, name: string, payload: Uint8Array): void => {
    options.push({
      id,
      data: bytes()
        .u64(file.section(id, name, payload, true))
        .done(),
    });
  };
  section(OPTION.headerInfo, 'headers', parts.headerInfo);
  section(OPTION.ftraceFormats, 'ftrace events', parts.ftraceFormats);
  section(OPTION.eventFormats, 'events format', parts.eventFormats);
  section(OPTION.kallsyms, 'kallsyms', bytes().u32(parts.kallsyms.length).bytes(parts.kallsyms).done());
  section(OPTION.printk, 'printk', bytes().u32(parts.printk.length).bytes(parts.printk).done());
  section(OPTION.cmdlines, 'command lines', bytes().u64(parts.cmdlines.length).bytes(parts.cmdlines).done());

  const next = file.options([...options, ...parts.options]);
  output.patch(pointer, bytes().u64(next.section).done());
  const buffer = file.buffer(parts);
  const last = file.options([{ id: OPTION.buffer, data: buffer }]);
  output.patch(next.done, bytes().u64(last.section).done());
  file.strings();
}

class SectionWriter {
  readonly #output: Output;
  readonly #packer: Packer | null;
  /** Makes a writer in the file's byte order. */
  readonly #writer: () => ByteWriter;
  readonly #strings = new ByteWriter();

  constructor(output: Output, packer: Packer | null, writer: () => ByteWriter) {
    this.#writer = writer;
    this.#output = output;
    this.#packer = packer;
  }

  /** Writes a whole section and returns its place. */
  section(id: number, name: string, payload: Uint8Array, compress: boolean): number {
    const at = this.#output.position;
    const stringId = this.#string(name);
    if (!compress || !this.#packer) {
      this.#header(id, 0, stringId, payload.length);
      this.#output.write(payload);
      return at;
    }
    const packed = this.#packer.pack(payload);
    this.#header(id, SECTION_COMPRESSED, stringId, packed.length + 8);
    this.#output.write(this.#writer().u32(packed.length).u32(payload.length).done());
    this.#output.write(packed);
    return at;
  }

  /** Writes an options section; `done` is where the offset of the next one goes. */
  options(options: readonly FileOption[]): { section: number; done: number } {
    const payload = this.#writer();
    for (const { id, data } of options) payload.u16(id).u32(data.length).bytes(data);
    payload.u16(0).u32(8).u64(0);
    const section = this.section(0, 'options', payload.done(), false);
    return { section, done: section + SECTION_HEADER + payload.length - 8 };
  }

  /** Writes the pages of all CPUs and returns the data of the option that describes them. */
  buffer({ pageSize, clock, instance = '', cpus }: FileParts): Uint8Array {
    const at = this.#output.position;
    const flags = this.#packer ? SECTION_COMPRESSED : 0;
    this.#header(OPTION.buffer, flags, this.#string('buffer flyrecord'), 0);
    const option = this.#writer().u64(at).cstring(instance).cstring(clock).u32(pageSize).u32(cpus.length);
    for (const cpu of cpus) {
      this.#align(pageSize);
      const start = this.#output.position;
      if (this.#packer) this.#chunks(cpu, pageSize, this.#packer);
      else for (const piece of cpu.pieces(PIECE_PAGES * pageSize)) this.#output.write(piece);
      option
        .u32(cpu.cpu)
        .u64(start)
        .u64(this.#output.position - start);
    }
    const size = this.#output.position - at - SECTION_HEADER;
    this.#output.patch(at + 8, this.#writer().u64(size).done());
    return option.done();
  }

  strings(): void {
    const own = this.#string('strings');
    this.#header(OPTION.strings, 0, own, this.#strings.length);
    this.#output.write(this.#strings.done());
  }

  #chunks(cpu: CpuPart, pageSize: number, packer: Packer): void {
    if (cpu.size === 0) return;
    const chunk = CHUNK_PAGES * pageSize;
    this.#output.write(
      this.#writer()
        .u32(Math.ceil(cpu.size / chunk))
        .done(),
    );
    for (const piece of cpu.pieces(chunk)) {
      const packed = packer.pack(piece);
      this.#output.write(this.#writer().u32(packed.length).u32(piece.length).done());
      this.#output.write(packed);
    }
  }

  #header(id: number, flags: number, stringId: number, size: number): void {
    this.#output.write(this.#writer().u16(id).u16(flags).u32(stringId).u64(size).done());
  }

  /** Number of a description: its place in the strings section. */
  #string(text: string): number {
    const at = this.#strings.length;
    this.#strings.cstring(text);
    return at;
  }

  #align(unit: number): void {
    const rest = this.#output.position % unit;
    if (rest > 0) this.#output.write(new Uint8Array(unit - rest));
  }
}
