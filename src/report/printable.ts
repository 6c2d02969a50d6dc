// Captures bring names and messages from a machine that may be broken or hostile: a task may call itself
// "\x1b]0;owned\x07". Whatever goes to a terminal or into a mail passes through here first.
//
// Cc: control characters, 8-bit ones included (U+009B opens an escape sequence on some terminals).
// Cf: invisible formatting, among it the bidirectional overrides that make text read backwards.
// Cs: halves of surrogate pairs. Zl, Zp: line and paragraph separators.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escape(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0)!;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\u{${code.toString(16)}}`;
}

/** `text` on one line, with everything that a terminal would act on escaped: "\x1b[2J" becomes `\x1b[2J`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escape);
}

/**
 * A copy of plain data (objects, arrays, strings, numbers, null) with every string printable, keys included.
 * The text renderers begin with this, so that no field can be forgotten.
 */
export function printableCopy<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value === 'string') return printable(value);
  if (Array.isArray(value)) return value.map(copy);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [printable(key), copy(item)]));
}
