import { decodeText } from '../../base/byte-reader.ts';
import { bisect, hexDigit, lowestAddress, modulesStart, type SymbolLine } from './kallsyms-search.ts';
import type { Load } from './names.ts';

const NEWLINE = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const DOLLAR = 0x24;
/** Symbols have at most 512 characters (include/linux/kallsyms.h, KSYM_NAME_LEN, Linux 6.12). */
const LONGEST_NAME = 512;
/** An address further than this behind the last symbol before it belongs to no symbol. */
const FARTHEST = 1n << 20n;
/** Print formats name hardly any symbol but _stext, which comes behind a few hundred absolute ones. */
const EARLY = 64 * 1024;

/**
 * The kernel's symbols: /proc/kallsyms, lines of "ffffffff81000000 T _stext [module]", 3 MB and 120 thousand lines. A
 * report asks for a dozen of them, so the kernel's own, which are sorted, are found by bisection in the text; those of
 * modules are parsed at the first question, and everything only where that does not answer.
 */
export class Kallsyms {
  readonly #load: Load;
  #bytes: Uint8Array | null = null;
  #modules: Table | null = null;
  #everything: Table | null = null;
  #lowest: bigint | null = null;
  readonly #addresses = new Map<string, bigint | null>();

  constructor(load: Load) {
    this.#load = load;
  }

  get #text(): Uint8Array {
    return (this.#bytes ??= this.#load());
  }

  /** "fn+0x39" for an address, "fn" for its first byte, null where no symbol is near. */
  symbol(address: bigint): string | null {
    if (address === 0n) return null;
    const found = this.#nearest(address);
    if (!found) return null;
    const distance = address - found.address;
    const name = nameAt(this.#text, found.nameAt);
    return distance === 0n ? name : `${name}+0x${distance.toString(16)}`;
  }

  #nearest(address: bigint): SymbolLine | null {
    const isNear = (line: SymbolLine | null): boolean => line !== null && address - line.address <= FARTHEST;
    // Locks on the heap are asked for in numbers: what lies below all of the kernel is in no table but that of modules.
    this.#lowest ??= lowestAddress(this.#text);
    const isBelow = address < this.#lowest;
    const own = isBelow ? null : bisect(this.#text, address);
    if (isNear(own)) return own;
    this.#modules ??= parse(this.#text, modulesStart(this.#text));
    const modules = lookUp(this.#modules, address);
    if (isNear(modules)) return modules;
    if (isBelow) return null;
    this.#everything ??= parse(this.#text, 0);
    const any = lookUp(this.#everything, address);
    return isNear(any) ? any : null;
  }

  /** The address of the first symbol of that name, null when there is none. */
  address(symbol: string): bigint | null {
    let address = this.#addresses.get(symbol);
    if (address === undefined) this.#addresses.set(symbol, (address = addressNamed(this.#text, symbol)));
    return address;
  }
}

/** Goes through the lines as text: a name is asked for once or twice in a capture's life. */
function addressNamed(bytes: Uint8Array, symbol: string): bigint | null {
  const early = bytes.subarray(0, bytes.lastIndexOf(NEWLINE, EARLY) + 1);
  return addressIn(decodeText(early), symbol) ?? addressIn(decodeText(bytes), symbol);
}

function addressIn(text: string, symbol: string): bigint | null {
  for (let at = text.indexOf(` ${symbol}`); at >= 0; at = text.indexOf(` ${symbol}`, at + 1)) {
    const start = text.lastIndexOf('\n', at) + 1;
    const line = LINE.exec(text.slice(start, at + symbol.length + 2));
    if (line?.[2] === symbol && !/^0+$/.test(line[1]!)) return BigInt(`0x${line[1]}`);
  }
  return null;
}

// "ffffffff81000000 T _stext" and what ends the name
const LINE = /^([0-9a-f]{8,16}) [B-Zb-z] (\S+)(?:\s|$)/;

/** Symbols sorted by address: its halves, and where the name begins in the text. */
interface Table {
  readonly count: number;
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly names: Uint32Array;
}

function addressOf(table: Table, index: number): bigint {
  return (BigInt(table.high[index]!) << 32n) | BigInt(table.low[index]!);
}

function nameAt(bytes: Uint8Array, start: number): string {
  let end = start;
  while (end - start < LONGEST_NAME && !isEnd(bytes[end])) end++;
  return decodeText(bytes.subarray(start, end));
}

function isEnd(byte: number | undefined): boolean {
  return byte === undefined || byte === NEWLINE || byte === TAB || byte === SPACE || byte === 0;
}

/** The first of the symbols with the greatest address that is not above `address`; null when all are above. */
function lookUp(table: Table, address: bigint): SymbolLine | null {
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
  return index < 0 ? null : { address: addressOf(table, index), nameAt: table.names[index]! };
}

/** The lines from `start` on. */
function parse(bytes: Uint8Array, start: number): Table {
  // The shortest line has 12 bytes: 8 digits of a 32-bit kernel, a type, a letter.
  const most = Math.ceil((bytes.length - start) / 12);
  const [high, low, names] = [new Uint32Array(most), new Uint32Array(most), new Uint32Array(most)];
  let count = 0;
  for (let at = start; at < bytes.length && count < most;) {
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
  return sorted({ count, high, low, names });
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
