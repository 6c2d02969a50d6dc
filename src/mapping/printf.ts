import { upToZero } from './fields.ts';

/** What an expression of a print format yields: a number or pointer, a text, an array. */
export type Printed = bigint | string | Uint8Array;

/** Names that a capture knows. */
export interface Names {
  /** "fn+0x39" for a kernel address, "fn" for its first byte, null when unknown. */
  symbol(address: bigint): string | null;
  /** The address of a kernel symbol. */
  address(symbol: string): bigint | null;
  /** A text of the kernel's own that a record points to (printk_formats). */
  text(address: bigint): string | null;
  /** Bytes of the kernel's `long`. */
  readonly longSize: 4 | 8;
  /** Its byte order: that of the records. */
  readonly bigEndian?: boolean | undefined;
}

/** A print format, or a record, that cannot be printed the kernel's way. */
export class Unprintable extends Error {}

type Piece = string | { readonly values: number; print(values: readonly Printed[], names: Names): string };

//  %  flags    width    precision      length           conversion
const DIRECTIVE =
  /%([-+ #0]*)(\d+|\*)?(?:\.(\d+|\*)?)?(hh|h|ll|l|L|q|z|t|j)?(?:(p)([A-Za-z0-9]*)|([diuoxXcs%]))/y;

/** Widths and precisions beyond this only fill the line. */
const WIDEST = 256;

/** Compiles a printf format for `count` values. Throws Unprintable for directives that are not known. */
export function compilePrintf(
  format: string,
  count: number,
): (values: readonly Printed[], names: Names) => string {
  const pieces: Piece[] = [];
  let wanted = 0;
  for (let at = 0; at < format.length;) {
    const start = format.indexOf('%', at);
    if (start !== at) {
      pieces.push(format.slice(at, start < 0 ? undefined : start));
      if (start < 0) break;
    }
    DIRECTIVE.lastIndex = start;
    const match = DIRECTIVE.exec(format);
    if (match === null) throw new Unprintable(`directive at "${format.slice(start, start + 8)}"`);
    at = DIRECTIVE.lastIndex;
    const piece = compileDirective(match);
    pieces.push(piece);
    if (typeof piece !== 'string') wanted += piece.values;
  }
  if (wanted > count) throw new Unprintable(`${wanted} values wanted, ${count} given`);
  return (values, names) => {
    let next = 0;
    let text = '';
    for (const piece of pieces) {
      if (typeof piece === 'string') text += piece;
      else text += piece.print(values.slice(next, (next += piece.values)), names);
    }
    return text;
  };
}

function compileDirective(match: RegExpExecArray): Piece {
  const [, flags = '', width, precision, length = '', pointer, extension = '', letter = 'p'] = match;
  if (letter === '%') return '%';
  const format = pointer === undefined ? FORMATS[letter]! : pointerFormat(extension);
  const dynamic = (width === '*' ? 1 : 0) + (precision === '*' ? 1 : 0);
  return {
    values: 1 + dynamic,
    print(values, names) {
      let next = 0;
      const size = (text: string | undefined): number | undefined =>
        text === undefined
          ? undefined
          : Math.min(WIDEST, text === '*' ? count(values[next++]) : Number(text));
      const columns = size(width) ?? 0;
      const digits = size(precision);
      const text = format({ value: values[next]!, flags, length, digits, names });
      if (flags.includes('-')) return text.padEnd(columns);
      const filler =
        flags.includes('0') && letter !== 's' && letter !== 'c' && digits === undefined ? '0' : ' ';
      const sign = filler === '0' ? (/^(?:-|0x)/.exec(text)?.[0] ?? '') : '';
      return sign + text.slice(sign.length).padStart(columns - sign.length, filler);
    },
  };
}

interface Directive {
  readonly value: Printed;
  readonly flags: string;
  readonly length: string;
  readonly digits: number | undefined;
  readonly names: Names;
}
type Format = (directive: Directive) => string;

/** Bits of an integer by its length modifier. */
function bits({ length, names }: Directive): number {
  if (length === 'll' || length === 'L' || length === 'q' || length === 'j') return 64;
  if (length === 'l' || length === 'z' || length === 't') return names.longSize * 8;
  return length === 'h' ? 16 : length === 'hh' ? 8 : 32;
}

const signed: Format = (directive) => {
  const value = BigInt.asIntN(bits(directive), integer(directive.value));
  const digits = (value < 0n ? -value : value).toString().padStart(directive.digits ?? 1, '0');
  return (value < 0n ? '-' : directive.flags.includes('+') ? '+' : '') + digits;
};

const unsigned =
  (base: number, prefix: string): Format =>
  (directive) => {
    const value = BigInt.asUintN(bits(directive), integer(directive.value));
    const digits = value.toString(base).padStart(directive.digits ?? 1, '0');
    return directive.flags.includes('#') && value !== 0n ? prefix + digits : digits;
  };

const FORMATS: Readonly<Record<string, Format>> = {
  d: signed,
  i: signed,
  u: unsigned(10, ''),
  x: unsigned(16, '0x'),
  X: (directive) => unsigned(16, '0x')(directive).toUpperCase(),
  o: unsigned(8, '0'),
  c: ({ value }) => String.fromCharCode(Number(BigInt.asUintN(8, integer(value)))),
  s: ({ value, digits, names }) => {
    if (typeof value === 'string') return value.slice(0, digits);
    if (typeof value === 'bigint') return names.text(value) ?? address(value, names);
    return upToZero(digits === undefined ? value : value.subarray(0, digits));
  },
};

/** %p and the extensions that name symbols (Documentation/core-api/printk-formats.rst, Linux 6.12). */
function pointerFormat(extension: string): Format {
  switch (extension) {
    case '':
    case 'x':
    case 'K':
      return ({ value, names }) => address(integer(value), names);
    case 's':
    case 'f':
      return ({ value, names }) =>
        names.symbol(integer(value))?.replace(/\+0x[0-9a-f]+$/, '') ?? address(integer(value), names);
    case 'S':
    case 'F':
    case 'B':
    case 'SR':
      return ({ value, names }) => {
        const symbol = names.symbol(integer(value));
        if (symbol === null) return address(integer(value), names);
        return symbol.includes('+') ? symbol : `${symbol}+0x0`;
      };
    default:
      throw new Unprintable(`%p${extension}`);
  }
}

/** The raw value, never hashed. */
function address(value: bigint, names: Names): string {
  return `0x${BigInt.asUintN(names.longSize * 8, value).toString(16)}`;
}

function integer(value: Printed): bigint {
  if (typeof value === 'bigint') return value;
  throw new Unprintable('a text where a number is printed');
}

function count(value: Printed | undefined): number {
  return value === undefined ? 0 : Math.max(0, Number(BigInt.asIntN(32, integer(value))));
}
