import { decodeText } from '../../base/byte-reader.ts';
import { unescape } from '../../mapping/print-tokens.ts';

/** Loads a piece of metadata when it is first needed; empty when it is missing or damaged. */
export type Load = () => Uint8Array;

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
