import { decodeText } from '../../base/byte-reader.ts';
import type { Load } from './names.ts';

const NEWLINE = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const DOLLAR = 0x24;
/** Symbols have at most 512 characters (include/linux/kallsyms.h, KSYM_NAME_LEN, Linux 6.12). */
const LONGEST_NAME = 512;
/** An address further than this behind the last symbol before it belongs to no symbol. */
const FARTHEST = 1n << 20n;

/**
 * The kernel's symbols: /proc/kallsyms, lines of "ffffffff81000000 T _stext [module]", 3 MB and 120 thousand
 * lines. They are parsed at the first question, into three arrays of numbers; names stay bytes until they are asked for.
 */
export class Kallsyms {
  readonly #load: Load;
  #table: Table | null = null;

  constructor(load: Load) {
    this.#load = load;
  }

  /** "fn+0x39" for an address, "fn" for its first byte, null where no symbol is near. */
  symbol(address: bigint): string | null {
    const table = (this.#table ??= parse(this.#load()));
    const index = lastAtOrBefore(table, address);
    if (index < 0) return null;
    const distance = address - addressOf(table, index);
    if (distance > FARTHEST) return null;
    const name = nameOf(table, index);
    return distance === 0n ? name : `${name}+0x${distance.toString(16)}`;
  }

  /** The address of the first symbol of that name, null when there is none. */
  address(symbol: string): bigint | null {
    const table = (this.#table ??= parse(this.#load()));
    const cached = table.found.get(symbol);
    if (cached !== undefined) return cached;
    const wanted = Uint8Array.from(symbol, (letter) => letter.charCodeAt(0));
    let found: bigint | null = null;
    for (let index = 0; index < table.count && found === null; index++) {
      const at = table.names[index]!;
      let same = 0;
      while (same < wanted.length && table.bytes[at + same] === wanted[same]) same++;
      if (same === wanted.length && isEnd(table.bytes[at + same])) found = addressOf(table, index);
    }
    table.found.set(symbol, found);
    return found;
  }
}

/** Symbols sorted by address: its halves, and where the name begins in the text. */
interface Table {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly names: Uint32Array;
  readonly found: Map<string, bigint | null>;
}

function addressOf(table: Table, index: number): bigint {
  return (BigInt(table.high[index]!) << 32n) | BigInt(table.low[index]!);
}

function nameOf(table: Table, index: number): string {
  const start = table.names[index]!;
  let end = start;
  while (end - start < LONGEST_NAME && !isEnd(table.bytes[end])) end++;
  return decodeText(table.bytes.subarray(start, end));
}

function isEnd(byte: number | undefined): boolean {
  return byte === undefined || byte === NEWLINE || byte === TAB || byte === SPACE || byte === 0;
}

/** The first of the symbols with the greatest address that is not above `address`; -1 when all are above. */
function lastAtOrBefore(table: Table, address: bigint): number {
  let from = 0;
  let to = table.count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (addressOf(table, middle) <= address) from = middle + 1;
    else to = middle;
  }
  let index = from - 1;
  while (
    index > 0 &&
    table.high[index - 1] === table.high[index] &&
    table.low[index - 1] === table.low[index]
  )
    index--;
  return index;
}

function parse(bytes: Uint8Array): Table {
  // The shortest line has 12 bytes: 8 digits of a 32-bit kernel, a type, a letter.
  const most = Math.ceil(bytes.length / 12);
  const [high, low, names] = [new Uint32Array(most), new Uint32Array(most), new Uint32Array(most)];
  let count = 0;
  for (let at = 0; at < bytes.length && count < most;) {
    let [upper, lower, digits] = [0, 0, 0];
    for (; digits < 16; digits++) {
      const digit = hexDigit(bytes[at + digits]);
      if (digit < 0) break;
      upper = ((upper << 4) | (lower >>> 28)) >>> 0;
      lower = ((lower << 4) | digit) >>> 0;
    }
    const typeAt = at + digits + 1;
    const nameAt = typeAt + 2;
    const end = bytes.indexOf(NEWLINE, at);
    const type = bytes[typeAt];
    // Absolute symbols are offsets into per-CPU areas, names with $ are marks of the ARM linker. A kernel
    // that hides its addresses (kptr_restrict) shows all of them as 0.
    const usable = type !== 0x41 && type !== 0x61 && bytes[nameAt] !== DOLLAR && (upper !== 0 || lower !== 0);
    if (
      digits >= 8 &&
      usable &&
      bytes[typeAt - 1] === SPACE &&
      bytes[typeAt + 1] === SPACE &&
      !isEnd(bytes[nameAt])
    ) {
      high[count] = upper;
      low[count] = lower;
      names[count++] = nameAt;
    }
    if (end < 0) break;
    at = end + 1;
  }
  return sorted({ bytes, count, high, low, names, found: new Map() });
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** The kernel's own symbols come sorted, those of its modules do not: only the part behind the sorted one is sorted. */
function sorted(table: Table): Table {
  const { high, low, names, count } = table;
  const compare = (a: number, b: number): number => high[a]! - high[b]! || low[a]! - low[b]! || a - b;
  let head = Math.min(1, count);
  while (head < count && compare(head - 1, head) < 0) head++;
  if (head === count) return table;
  const tail = Array.from({ length: count - head }, (_, index) => head + index).sort(compare);
  const [newHigh, newLow, newNames] = [
    new Uint32Array(count),
    new Uint32Array(count),
    new Uint32Array(count),
  ];
  let [left, right] = [0, 0];
  for (let index = 0; index < count; index++) {
    const fromTail = left === head || (right < tail.length && compare(tail[right]!, left) < 0);
    const from = fromTail ? tail[right++]! : left++;
    newHigh[index] = high[from]!;
    newLow[index] = low[from]!;
    newNames[index] = names[from]!;
  }
  return { ...table, high: newHigh, low: newLow, names: newNames };
}
