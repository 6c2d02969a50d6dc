import { EVENT_SPECS, TraceEvent, type EventSpec, type Slot } from './events.ts';
import { high32 } from './word64.ts';

/** Bytes of a long and of a pointer on the recorded machine. */
export type WordSize = 8 | 4;

/** Size and signedness of the C types in EVENT_SPECS; 0 stands for a long. */
const C_TYPES: Readonly<Record<string, readonly [size: number, signed: boolean]>> = {
  'unsigned short': [2, false],
  'unsigned char': [1, false],
  'unsigned int': [4, false],
  int: [4, true],
  s32: [4, true],
  s64: [8, true],
  pid_t: [4, true],
  long: [0, true],
  'unsigned long': [0, false],
  'void *': [0, false],
  '__data_loc char[]': [4, false],
};

export interface PlacedField {
  readonly declaration: string;
  readonly slot: Slot;
  readonly offset: number;
  readonly size: number;
  readonly signed: boolean;
  readonly kind: 'number' | 'array' | 'text';
}

export interface RecordLayout {
  readonly fields: readonly PlacedField[];
  /** Size of the struct, padding included; dynamic data follows. */
  readonly size: number;
}

const COMMON_SIZE = 8;

/** Lays a tracepoint's fields out as a C compiler does, after the 8 common bytes. */
export function layOutRecord(spec: EventSpec, wordSize: WordSize): RecordLayout {
  let end = COMMON_SIZE;
  let align = 4;
  const fields = spec.fields.map(([declaration, slot]): PlacedField => {
    const array = /^char \w+\[(\d+)\]$/.exec(declaration);
    if (array) {
      const field = { declaration, slot, offset: end, size: Number(array[1]), signed: false };
      end += field.size;
      return { ...field, kind: 'array' };
    }
    const type = declaration.slice(0, declaration.lastIndexOf(' '));
    const [bytes, signed] = C_TYPES[type]!;
    const size = bytes || wordSize;
    align = Math.max(align, Math.min(size, wordSize));
    const offset = roundUp(end, Math.min(size, wordSize));
    end = offset + size;
    return {
      declaration,
      slot,
      offset,
      size,
      signed,
      kind: type.startsWith('__data_loc') ? 'text' : 'number',
    };
  });
  return { fields, size: roundUp(end, align) };
}

export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** The `format` file of a tracepoint (the layout of events/<system>/<name>/format of Linux 6.12). */
export function formatText(spec: EventSpec, wordSize: WordSize): string {
  const line = (declaration: string, offset: number, size: number, signed: boolean): string =>
    `\tfield:${declaration};\toffset:${offset};\tsize:${size};\tsigned:${signed ? 1 : 0};\n`;
  return [
    `name: ${spec.name}\nID: ${spec.id}\nformat:\n`,
    line('unsigned short common_type', 0, 2, false),
    line('unsigned char common_flags', 2, 1, false),
    line('unsigned char common_preempt_count', 3, 1, false),
    line('int common_pid', 4, 4, true),
    '\n',
    ...layOutRecord(spec, wordSize).fields.map((field) =>
      line(field.declaration, field.offset, field.size, field.signed),
    ),
    `\nprint fmt: ${spec.print}\n`,
  ].join('');
}

const SLOT_CODES: Readonly<Record<string, number>> = { a: 0, b: 1, c: 2, d: 3 };
const CONSTANT = 4;
const TEXT = 5;
const ARRAY = 7;

/** One step per field: what to write, where, how wide. Four numbers: code, offset, size, and the constant or which text. */
interface Plan {
  readonly id: number;
  readonly size: number;
  readonly steps: Int32Array;
}
const STEP = 4;

function planOf(spec: EventSpec, wordSize: WordSize): Plan {
  const { fields, size } = layOutRecord(spec, wordSize);
  const steps = fields.flatMap(({ kind, slot, offset, size }) => {
    if (typeof slot === 'number') return [CONSTANT, offset, size, slot];
    const second = slot === 'text2' ? 1 : 0;
    if (kind === 'number') return [SLOT_CODES[slot]!, offset, size, 0];
    return [kind === 'array' ? ARRAY : TEXT, offset, size, second];
  });
  return { id: spec.id, size, steps: Int32Array.from(steps) };
}

const encoder = new TextEncoder();
const KNOWN_TEXTS = 4096;

/** Turns events into the bytes of ftrace records. */
export class RecordEncoder {
  readonly #littleEndian: boolean;
  readonly #plans: readonly Plan[];
  readonly #texts = new Map<string, Uint8Array>();

  constructor(wordSize: WordSize = 8, bigEndian = false) {
    this.#littleEndian = !bigEndian;
    this.#plans = EVENT_SPECS.map((spec) => planOf(spec, wordSize));
  }

  /**
   * Writes the record of `event` at `at` and returns its length in bytes, a multiple of 4 as the ring buffer
   * stores it. Throws RangeError where the target is too short.
   */
  encode(event: TraceEvent, target: Uint8Array, view: DataView, at: number): number {
    const plan = this.#plans[event.type]!;
    const { steps } = plan;
    const littleEndian = this.#littleEndian;
    let end = at + plan.size;
    target.fill(0, at, end);
    view.setUint16(at, plan.id, littleEndian);
    target[at + 2] = event.flags;
    target[at + 3] = event.preempt;
    view.setInt32(at + 4, event.pid, littleEndian);
    for (let i = 0; i < steps.length; i += STEP) {
      const code = steps[i]!;
      const place = at + steps[i + 1]!;
      if (code <= CONSTANT) {
        const value = code === CONSTANT ? steps[i + 3]! : slotOf(event, code);
        // A signed int keeps its low 32 bits, whatever the sign.
        const isWide = steps[i + 2] === 8;
        view.setInt32(isWide && !littleEndian ? place + 4 : place, value | 0, littleEndian);
        if (isWide) view.setInt32(littleEndian ? place + 4 : place, high32(value), littleEndian);
        continue;
      }
      const bytes = this.#bytes(steps[i + 3] === 1 ? event.text2 : event.text);
      if (code === ARRAY) {
        const size = steps[i + 2]! - 1;
        target.set(bytes.length > size ? bytes.subarray(0, size) : bytes, place);
        continue;
      }
      view.setInt32(place, ((bytes.length + 1) << 16) | (end - at), littleEndian);
      target.set(bytes, end);
      end += bytes.length;
      target[end++] = 0;
    }
    const length = roundUp(end - at, 4);
    target.fill(0, end, at + length);
    return length;
  }

  #bytes(text: string): Uint8Array {
    const known = this.#texts.get(text);
    if (known) return known;
    const bytes = encoder.encode(text);
    if (this.#texts.size < KNOWN_TEXTS) this.#texts.set(text, bytes);
    return bytes;
  }
}

function slotOf(event: TraceEvent, code: number): number {
  switch (code) {
    case 0:
      return event.a;
    case 1:
      return event.b;
    case 2:
      return event.c;
    default:
      return event.d;
  }
}
