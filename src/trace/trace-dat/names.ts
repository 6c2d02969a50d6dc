import { decodeText } from '../../base/byte-reader.ts';
import { SpinbackError } from '../../base/errors.ts';
import type { ByteSource } from '../../io/source.ts';
import { Cursor } from './cursor.ts';
import { unescape } from '../../mapping/print-tokens.ts';

/** Loads a piece of metadata when it is first needed; empty when it is missing or damaged. */
export type Load = () => Uint8Array;

/** The table of symbols, by its name in messages. */
export const SYMBOLS = 'kallsyms';

/** Steps over a table of names, which is read when somebody asks for it, as readTable does. */
export function tableAt(source: ByteSource, cursor: Cursor, size: number, what: string): Load {
  const at = cursor.position;
  cursor.skip(size, what);
  return () => readTable(new Cursor(source, at, at + size), size, what);
}

const strict = new TextDecoder('utf-8', { fatal: true });

/**
 * A table of names, whole. Throws DAMAGED where it is no text: a byte is 0 (but a last one may end it), or symbols are not UTF-8; names of
 * tasks may hold any other byte. With lines missing, an address would get the name of a function in front of its own.
 */
export function readTable(cursor: Cursor, size: number, what: string): Uint8Array {
  const at = cursor.offset;
  const bytes = cursor.view(size, what);
  const zero = bytes.indexOf(0);
  let bad = zero === bytes.length - 1 && zero > 0 ? -1 : zero;
  if (bad < 0 && what === SYMBOLS && !isUtf8(bytes)) bad = bytes.findIndex((byte) => byte > 0x7f);
  if (bad < 0) return bytes;
  // Of what was packed, only where it lies packed is a place in the file.
  const offset = cursor.offset === at ? at : at + bad;
  throw new SpinbackError('DAMAGED', `${what} holds bytes that are no text`, { offset });
}

/** A few times faster than a look at every byte. */
function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** The same, but empty where it is damaged, which is told once. */
export function tolerant(load: Load, tell: (offset: number | undefined, why: string) => void): Load {
  let isDamaged = false;
  return () => {
    if (isDamaged) return new Uint8Array(0);
    try {
      return load();
    } catch (error) {
      if (!(error instanceof SpinbackError && error.code === 'DAMAGED')) throw error;
      isDamaged = true;
      tell(error.offset, error.message);
      return new Uint8Array(0);
    }
  };
}

/** Names of tasks by pid: tracefs' saved_cmdlines, lines of "pid name". */
export class Cmdlines {
  readonly #load: Load;
  #names: Map<number, string> | null = null;

  constructor(load: Load) {
    this.#load = load;
  }

  /** The name of a task, null when it was not saved. Pid 0 is "<idle>", as in ftrace's own text. */
  comm(pid: number): string | null {
    if (pid === 0) return '<idle>';
    this.#names ??= new Map(
      Array.from(decodeText(this.#load()).matchAll(/^ *(\d{1,10}) (.+)$/gm), ([, id, name]) => [
        Number(id),
        name!,
      ]),
    );
    const name = this.#names.get(pid);
    return name === undefined || name === '<...>' ? null : name;
  }
}

/** Texts of the kernel that records point to: tracefs' printk_formats, lines of `0xffffffff81c4fd00 : "text"`. */
export class PrintkFormats {
  readonly #load: Load;
  #texts: Map<bigint, string> | null = null;

  constructor(load: Load) {
    this.#load = load;
  }

  text(address: bigint): string | null {
    this.#texts ??= new Map(
      Array.from(
        decodeText(this.#load()).matchAll(/^(?:0x)?([0-9a-f]{1,16}) : "(.*)"$/gim),
        ([, digits, text]) => [BigInt(`0x${digits}`), unescape(text!)],
      ),
    );
    return this.#texts.get(address) ?? null;
  }
}
