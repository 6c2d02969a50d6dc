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
  const place = placeOf(bytes, address);
  if (place === null) return null;
  const { from, to } = place;
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

/**
 * Where an address belongs in the text: `from` is the start of the last line at or below it, or of the first line, `to` that of the first
 * line above it, or the end. Null where a line is too long.
 */
function placeOf(bytes: Uint8Array, address: bigint): { readonly from: number; readonly to: number } | null {
  let from = 0;
  let to = bytes.length;
  for (;;) {
    const middle = lineStart(bytes, (from + to) >>> 1);
    if (middle === null) return null;
    // The middle lies in the line at `from`: try the line behind it, then stop.
    const probe = middle > from ? middle : lineEnd(bytes, from);
    if (probe >= to) return { from, to };
    const line = readLine(bytes, probe);
    // What is no ordinary symbol: absolute ones come before the kernel's own, those of modules behind them.
    if (line ? line.address <= address : isAbsolute(bytes, probe)) from = probe;
    else to = probe;
  }
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
  // No address is below 1: what comes before the first ordinary line are absolute symbols, hundreds of them.
  const first = readLine(bytes, 0) ? 0 : placeOf(bytes, 0n)?.to;
  const lowest = first === undefined ? null : readLine(bytes, first);
  if (lowest === null) return 0n;
  let before = lowest.address;
  for (let sample = 1; sample < SAMPLES; sample++) {
    const at = lineStart(bytes, first! + Math.floor((sample / SAMPLES) * (bytes.length - first!)));
    const line = at === null ? null : readLine(bytes, at);
    if (line && line.address < before) return 0n;
    before = line?.address ?? before;
  }
  return lowest.address;
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
  let [upper, lower, digits] = [0, 0, 0];
  for (; digits < 16; digits++) {
    const digit = hexDigit(bytes[at + digits]);
    if (digit < 0) break;
    upper = (upper << 4) | (lower >>> 28);
    lower = (lower << 4) | digit;
  }
  const typeAt = at + digits + 1;
  const isLine = digits >= 8 && bytes[typeAt - 1] === SPACE && bytes[typeAt + 1] === SPACE;
  if (!isLine || isAbsolute(bytes, at) || isModules(bytes, at)) return null;
  if ((upper | lower) === 0 || bytes[typeAt + 2] === DOLLAR) return null;
  return { address: (BigInt(upper >>> 0) << 32n) | BigInt(lower >>> 0), nameAt: typeAt + 2 };
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
