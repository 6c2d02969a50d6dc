import { compilePrintf, Unprintable, type Names, type Printed } from './printf.ts';
import { ByteReader } from '../base/byte-reader.ts';
import { fieldBytes, fieldValue, isNumber, numberAt, upToZero } from './fields.ts';
import type { FormatField } from './event-format.ts';
import type { PrintableFormat } from './parse-format.ts';
import { tokens, type Token } from './print-tokens.ts';

/** Prints one record; null when this record cannot be printed this way. */
export type Printer = (record: Uint8Array, names: Names) => string | null;

/** Where an expression of the print format is evaluated. */
interface Context {
  readonly reader: ByteReader;
  readonly names: Names;
}
type Expression = (context: Context) => Printed;

/**
 * Compiles the `print fmt:` line of a format, which is C: a printf call over REC->fields with casts, ?:, arithmetic and
 * the helpers of include/trace/stages/stage3_trace_output.h (Linux 6.12). So events are shown in the kernel's own words
 * and nothing here knows a tracepoint. Null for what is not understood: the caller then lists the fields.
 */
export function compilePrint(format: PrintableFormat): Printer | null {
  try {
    if (format.print === null) return null;
    const print = new Parser(format, tokens(format.print)).whole();
    return (record, names) => {
      try {
        return print({ reader: new ByteReader(record, !names.bigEndian), names });
      } catch (error) {
        if (error instanceof Unprintable) return null;
        throw error;
      }
    };
  } catch (error) {
    if (error instanceof Unprintable) return null;
    throw error;
  }
}

/** Nested deeper than this is no kernel's print format. */
const DEEPEST = 100;

/** Binary operators by precedence, weakest first. */
const OPERATORS: readonly Readonly<Record<string, (a: bigint, b: bigint) => bigint>>[] = [
  { '||': (a, b) => truth(a !== 0n || b !== 0n) },
  { '&&': (a, b) => truth(a !== 0n && b !== 0n) },
  { '|': (a, b) => a | b },
  { '^': (a, b) => a ^ b },
  { '&': (a, b) => a & b },
  { '==': (a, b) => truth(a === b), '!=': (a, b) => truth(a !== b) },
  {
    '<': (a, b) => truth(a < b),
    '>': (a, b) => truth(a > b),
    '<=': (a, b) => truth(a <= b),
    '>=': (a, b) => truth(a >= b),
  },
  { '<<': (a, b) => (b < 0n || b > 63n ? 0n : a << b), '>>': (a, b) => (b < 0n || b > 63n ? 0n : a >> b) },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  { '*': (a, b) => a * b, '/': (a, b) => a / nonzero(b), '%': (a, b) => a % nonzero(b) },
];

class Parser {
  readonly #format: PrintableFormat;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(format: PrintableFormat, list: readonly Token[]) {
    this.#format = format;
    this.#tokens = list;
  }

  whole(): (context: Context) => string {
    const text = this.#text();
    const values: Expression[] = [];
    while (this.#accept(',')) values.push(this.#expression());
    if (this.#at < this.#tokens.length) throw new Unprintable('more than a printf call');
    const print = compilePrintf(text, values.length);
    return (context) =>
      print(
        values.map((value) => value(context)),
        context.names,
      );
  }

  #expression(): Expression {
    if (++this.#depth > DEEPEST) throw new Unprintable('nested too deeply');
    const condition = this.#binary(0);
    this.#depth--;
    if (!this.#accept('?')) return condition;
    const yes = this.#expression();
    this.#expect(':');
    const no = this.#expression();
    return (context) => (isTrue(condition(context)) ? yes(context) : no(context));
  }

  #binary(level: number): Expression {
    const operators = OPERATORS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const token = this.#tokens[this.#at];
      const operate = token?.kind === 'mark' ? operators[token.text] : undefined;
      if (operate === undefined) return left;
      this.#at++;
      const [a, b] = [left, this.#binary(level + 1)];
      left = (context) => within64(operate(number(a(context)), number(b(context))));
    }
  }

  #unary(): Expression {
    if (++this.#depth > DEEPEST) throw new Unprintable('nested too deeply');
    const expression = this.#unaryAt(this.#next());
    this.#depth--;
    return expression;
  }

  #unaryAt(token: Token): Expression {
    switch (token.kind) {
      case 'number':
        return () => token.value;
      case 'text': {
        this.#at--;
        const text = this.#text();
        return () => text;
      }
      case 'word':
        return this.#word(token.text);
      case 'mark':
        break;
    }
    if (token.text === '(') {
      const cast = this.#cast();
      if (cast !== null) {
        const value = this.#unary();
        return (context) => cast(value(context));
      }
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    const operate = UNARY[token.text];
    if (operate === undefined) throw new Unprintable(`"${token.text}"`);
    const value = this.#unary();
    return (context) => operate(number(value(context)));
  }

  /** Behind a "(": the conversion that a cast makes, null where this is no cast. */
  #cast(): ((value: Printed) => Printed) | null {
    const words: string[] = [];
    let at = this.#at;
    for (; ; at++) {
      const token = this.#tokens[at];
      if (token === undefined || token.kind === 'number' || token.kind === 'text') return null;
      if (token.kind === 'mark' && token.text === ')') break;
      if (token.kind === 'mark' && token.text !== '*') return null;
      words.push(token.text);
    }
    const isPointer = words.at(-1) === '*';
    if (words.length === 0 || !(isPointer || words.every((word) => TYPE_WORD.test(word)))) return null;
    this.#at = at + 1;
    return isPointer ? (value) => value : conversion(words.join(' '));
  }

  #word(word: string): Expression {
    if (word === 'REC') {
      this.#expect('->');
      return this.#field(this.#fieldNamed(this.#name()));
    }
    if (this.#accept('(')) {
      const helper = this.#helper(word);
      this.#expect(')');
      return helper;
    }
    // A symbol of the kernel: "_stext" in preemptirq's formats.
    return ({ names }) => names.address(word) ?? fail(`no address of ${word}`);
  }

  #field(field: FormatField): Expression {
    if (this.#accept('[')) {
      const index = this.#expression();
      this.#expect(']');
      const size = elementSize(field.type);
      return ({ reader, names }) => {
        const at = number(index({ reader, names })) * BigInt(size);
        if (at < 0n || at + BigInt(size) > BigInt(field.size)) return fail(`index of ${field.name}`);
        return numberAt(reader, field.offset + Number(at), size, field.signed) ?? fail(field.name);
      };
    }
    if (isNumber(field) || /\bchar\b/.test(field.type)) {
      return ({ reader }) => fieldValue(field, reader) ?? fail(field.name);
    }
    return ({ reader }) => fieldBytes(field, reader) ?? fail(field.name);
  }

  #helper(name: string): Expression {
    switch (name) {
      case '__get_str':
      case '__get_rel_str': {
        const field = this.#fieldNamed(this.#name());
        return ({ reader }) => upToZero(fieldBytes(field, reader) ?? fail(field.name));
      }
      case '__get_dynamic_array':
      case '__get_rel_dynamic_array': {
        const field = this.#fieldNamed(this.#name());
        return ({ reader }) => fieldBytes(field, reader) ?? fail(field.name);
      }
      case '__get_dynamic_array_len':
      case '__get_rel_dynamic_array_len': {
        const field = this.#fieldNamed(this.#name());
        return ({ reader }) => BigInt((fieldBytes(field, reader) ?? fail(field.name)).length);
      }
      case '__builtin_expect': {
        const value = this.#expression();
        this.#expect(',');
        this.#expression();
        return value;
      }
      case '__print_flags':
      case '__print_flags_u64': {
        const value = this.#expression();
        this.#expect(',');
        const between = this.#text();
        const table = this.#table();
        return (context) => flagNames(number(value(context)), between, table, context);
      }
      case '__print_symbolic':
      case '__print_symbolic_u64': {
        const value = this.#expression();
        const table = this.#table();
        return (context) => {
          const wanted = number(value(context));
          const entry = table.find(([mask]) => number(mask(context)) === wanted);
          return entry?.[1] ?? `0x${BigInt.asUintN(64, wanted).toString(16)}`;
        };
      }
      case '__print_hex':
      case '__print_hex_str': {
        const value = this.#expression();
        this.#expect(',');
        const length = this.#expression();
        const between = name === '__print_hex' ? ' ' : '';
        return (context) => {
          const bytes = value(context);
          if (!(bytes instanceof Uint8Array)) return fail('not an array');
          const count = Math.max(0, Math.min(bytes.length, Number(number(length(context)))));
          return Array.from(bytes.subarray(0, count), (byte) => byte.toString(16).padStart(2, '0')).join(
            between,
          );
        };
      }
      default:
        throw new Unprintable(`${name}()`);
    }
  }

  /** ", { value, "NAME" }, ..." up to the closing bracket. */
  #table(): (readonly [mask: Expression, name: string])[] {
    const table: (readonly [Expression, string])[] = [];
    while (this.#accept(',')) {
      this.#expect('{');
      const mask = this.#expression();
      this.#expect(',');
      table.push([mask, this.#text()]);
      this.#expect('}');
    }
    return table;
  }

  /** One or several string literals in a row. */
  #text(): string {
    let text = '';
    let found = false;
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token?.kind !== 'text') break;
      text += token.text;
      found = true;
      this.#at++;
    }
    if (!found) throw new Unprintable('no string where one is expected');
    return text;
  }

  #fieldNamed(name: string): FormatField {
    const field = this.#format.fields.find((candidate) => candidate.name === name);
    if (field === undefined) throw new Unprintable(`no field ${name}`);
    return field;
  }

  #name(): string {
    const token = this.#next();
    if (token.kind !== 'word') throw new Unprintable('no name where one is expected');
    return token.text;
  }

  #next(): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new Unprintable('ends too early');
    return token;
  }

  #accept(mark: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'mark' || token.text !== mark) return false;
    this.#at++;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#accept(mark)) throw new Unprintable(`no "${mark}" where one is expected`);
  }
}

const UNARY: Readonly<Record<string, (value: bigint) => bigint>> = {
  '-': (value) => -value,
  '~': (value) => ~value,
  '!': (value) => truth(value === 0n),
};

/** Words that a cast to a number is made of. */
const TYPE_WORD =
  /^(?:unsigned|signed|int|long|short|char|void|bool|const|enum|struct|(?:__)?[us](?:8|16|32|64)|\w+_t)$/;

/** What a cast to a type that is no pointer does to a number; anything else passes. */
function conversion(type: string): (value: Printed) => Printed {
  const bits = elementSize(type) * 8;
  const unsigned = /\bunsigned\b|\b(?:__)?u(?:8|16|32|64)\b|\bsize_t\b|\bbool\b/.test(type);
  return (value) => {
    if (typeof value !== 'bigint') return value;
    return unsigned ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value);
  };
}

/** Bytes of a C type by its name; 8 for those whose size depends on the kernel, which printf cuts to size again. */
function elementSize(type: string): 1 | 2 | 4 | 8 {
  if (type.includes('*')) return 8;
  if (/\bchar\b|\b(?:__)?[us]8\b|\bu?int8_t\b|\bbool\b/.test(type)) return 1;
  if (/\bshort\b|\b(?:__)?[us]16\b|\bu?int16_t\b/.test(type)) return 2;
  if (/\blong\b/.test(type)) return 8;
  if (/\bint\b|\bunsigned$|\b(?:__)?[us]32\b|\bu?int32_t\b|\b(?:pid|dev|gfp|uid|gid)_t\b|\benum\b/.test(type))
    return 4;
  return 8;
}

/** The names of the set bits, the rest in hexadecimal (kernel/trace/trace_output.c, trace_print_flags_seq, Linux 6.12). */
function flagNames(
  value: bigint,
  between: string,
  table: readonly (readonly [mask: Expression, name: string])[],
  context: Context,
): string {
  const names: string[] = [];
  let rest = BigInt.asUintN(64, value);
  for (const [maskOf, name] of table) {
    const mask = BigInt.asUintN(64, number(maskOf(context)));
    if ((rest & mask) !== mask || (mask === 0n && value !== 0n)) continue;
    names.push(name);
    rest &= ~mask;
  }
  if (rest !== 0n) names.push(`0x${rest.toString(16)}`);
  return names.join(between);
}

function number(value: Printed): bigint {
  return typeof value === 'bigint' ? value : fail('text where a number is expected');
}

/** A text is a pointer to it, which is never null. */
function isTrue(value: Printed): boolean {
  return typeof value !== 'bigint' || value !== 0n;
}

const truth = (value: boolean): bigint => (value ? 1n : 0n);

function nonzero(value: bigint): bigint {
  return value === 0n ? fail('division by zero') : value;
}

/** Keeps a long chain of operators from growing numbers without end. */
function within64(value: bigint): bigint {
  return value >= -(1n << 63n) && value < 1n << 64n ? value : BigInt.asUintN(64, value);
}

function fail(why: string): never {
  throw new Unprintable(why);
}
