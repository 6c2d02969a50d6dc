const NEWLINE = 0x0a;
const SPACE = 0x20;
const DOLLAR = 0x24;
const BRACKET = 0x5d; // "fn\t[module]"
/** Lines are far shorter; whatever is longer is not kallsyms. */
const LONGEST_LINE = 1024;

/** One line of /proc/kallsyms: "ffffffff81000000 T _stext". */
export interface SymbolLine {
  readonly address: bigint;
  /** Offset of the name's first byte in the text. */
  readonly nameAt: number;
}

/**
 * The last symbol at or below `address`, found by bisection over the text as it is: the kernel prints its own symbols sorted,
 * and a report asks for a dozen of 120 thousand. Null when the lines around the place found are not in order, or not
 * ordinary symbols (absolute ones, a module's): then only the whole table can tell.
 */
export function bisect(bytes: Uint8Array, address: bigint): SymbolLine | null {
  let from = 0; // start of a line at or below the address, or the first line
  let to = bytes.length; // start of a line above the address, or the end
  for (;;) {
    const middle = lineStart(bytes, (from + to) >>> 1);
    if (middle === null) return null;
    // The middle lies in the line at `from`: try the line behind it, then stop.
    const probe = middle > from ? middle : lineEnd(bytes, from);
    if (probe >= to) break;
    const line = readLine(bytes, probe);
    // What is no ordinary symbol: absolute ones come before the kernel's own, those of modules behind them.
    if (line ? line.address <= address : isAbsolute(bytes, probe)) from = probe;
    else to = probe;
  }
  let found = readLine(bytes, from);
  const next = to < bytes.length ? readLine(bytes, to) : null;
  if (!found || found.address > address || !next || next.address <= address) return null;
  // Of several names for one address the first counts.
  for (let at = from; at > 0;) {
    const before = lineStart(bytes, at - 1);
    const line = before === null ? null : readLine(bytes, before);
    if (line?.address !== found.address) break;
    found = line;
    at = before!;
  }
  return found;
}

/** Where the symbols of modules begin, which come behind the kernel's own ("fn\t[module]"); the end of the text without any. */
export function modulesStart(bytes: Uint8Array): number {
  let from = 0;
  let to = bytes.length;
  while (from < to) {
    const middle = lineStart(bytes, (from + to) >>> 1);
    if (middle === null) return bytes.length;
    if (isModules(bytes, middle)) to = middle;
    else from = lineEnd(bytes, middle);
  }
  return to;
}

/** Lines that are looked at to tell whether the text is in order. */
const SAMPLES = 64;

/** The address of the first of the kernel's own symbols, 0 where there is none or they are not in order. */
export function lowestAddress(bytes: Uint8Array): bigint {
  let lowest: bigint | null = null;
  let before = 0n;
  for (let at = 0; at < bytes.length;) {
    const line = readLine(bytes, at);
    if (line && line.address < before) return 0n;
    before = line?.address ?? before;
    lowest ??= line?.address ?? null;
    // Line by line up to the first one, then in strides.
    const next = lineEnd(bytes, at);
    at =
      lowest === null
        ? next
        : Math.max(next, lineStart(bytes, at + Math.floor(bytes.length / SAMPLES)) ?? next);
  }
  return lowest ?? 0n;
}

/** Start of the line that `at` lies in; null when no line is that long. */
function lineStart(bytes: Uint8Array, at: number): number | null {
  if (at <= 0) return 0;
  const start = bytes.lastIndexOf(NEWLINE, at - 1) + 1;
  return at - start > LONGEST_LINE ? null : start;
}

/** Start of the line behind the one that begins at `at`. */
function lineEnd(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(NEWLINE, at);
  return end < 0 ? bytes.length : end + 1;
}

/** The line at `at`, null unless it is an ordinary symbol of the kernel itself. */
function readLine(bytes: Uint8Array, at: number): SymbolLine | null {
  let address = 0n;
  let digits = 0;
  for (; digits < 16; digits++) {
    const digit = hexDigit(bytes[at + digits]);
    if (digit < 0) break;
    address = (address << 4n) | BigInt(digit);
  }
  const typeAt = at + digits + 1;
  const isLine = digits >= 8 && bytes[typeAt - 1] === SPACE && bytes[typeAt + 1] === SPACE;
  if (!isLine || isAbsolute(bytes, at) || isModules(bytes, at)) return null;
  if (address === 0n || bytes[typeAt + 2] === DOLLAR) return null;
  return { address, nameAt: typeAt + 2 };
}

function isModules(bytes: Uint8Array, at: number): boolean {
  const end = lineEnd(bytes, at);
  const last = bytes[end - 1] === NEWLINE ? end - 2 : end - 1;
  return end - at > LONGEST_LINE || bytes[last] === BRACKET;
}

/** "0000000000001000 A cpu_debug_store": an offset into each CPU's own area. */
function isAbsolute(bytes: Uint8Array, at: number): boolean {
  const type = bytes[bytes.indexOf(SPACE, at) + 1];
  return type === 0x41 || type === 0x61;
}

export function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
