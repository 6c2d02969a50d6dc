import { Unprintable } from './printf.ts';

export type Token =
  | { readonly kind: 'number'; readonly text: string; readonly value: bigint }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'mark'; readonly text: string };

/** Print formats of Linux 6.12 have at most 20 KiB. */
const LONGEST = 128 * 1024;

const TOKEN =
  /\s*(?:(?<word>[A-Za-z_]\w*)|(?<number>0[xX][0-9a-fA-F]+|\d+)[uUlL]*|"(?<text>(?:[^"\\]|\\[^])*)"|'(?<char>[^'\\]|\\.)'|(?<mark>->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>?:,(){}[\]]))/y;

/** Splits the C of a print format into tokens. Throws Unprintable at what is no token. */
export function tokens(text: string): Token[] {
  if (text.length > LONGEST) throw new Unprintable('too long');
  const list: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const found = TOKEN.exec(text)?.groups;
    if (found === undefined) throw new Unprintable('not C as print formats have it');
    const { word, number, text: string, char, mark } = found;
    if (word !== undefined) list.push({ kind: 'word', text: word });
    else if (number !== undefined) list.push({ kind: 'number', text: number, value: integer(number) });
    else if (string !== undefined) list.push({ kind: 'text', text: unescape(string) });
    else if (char !== undefined)
      list.push({ kind: 'number', text: char, value: BigInt(unescape(char).charCodeAt(0)) });
    else list.push({ kind: 'mark', text: mark! });
  }
  return list;
}

/** C's integers: 0x1f, 017, 15. */
function integer(text: string): bigint {
  if (text.length > 24) throw new Unprintable('a number of more than 64 bits');
  return BigInt(/^0[0-7]+$/.test(text) ? `0o${text.slice(1)}` : text);
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0' };

/** Resolves the escapes of a C string. */
export function unescape(text: string): string {
  return text.replace(/\\([^])/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}
