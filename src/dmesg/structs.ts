import type { StructDraft } from './drafts.ts';

const MOST_STRUCTS = 64;
const MOST_LINES = 400;

// crash: "crash> struct buffer_head ffff880826272138 -x"; "struct buffer_head.b_state ffff..."
const CRASH = /^(?:crash> ?)?(?:struct|p|\*) ?(\w+)(?:\.[\w,.]+)? (?:-[xd] )?(?:0x)?([0-9a-f]{8,16})\b/;
// drgn: ">>> bh", "*(struct buffer_head *)0xffff880826272138 = {"
const DRGN = /\(struct (\w+) \*\)(?:0x)?([0-9a-f]{8,16})\b.*= \{/;
const OPEN = /^(?:struct )?(\w+) \{$/;
// "b_state = 0x131,", ".b_state = (unsigned long)305,", "flags = 0x17ffffc0000001,"
const FIELD = /^\.?(\w+) = (?:\([\w\s*]+\))?(0x[0-9a-f]+|-?\d+)\b/;

/** Reads the struct dumps of crash and drgn that people paste under a log. */
export class StructReader {
  readonly found: StructDraft[] = [];
  #named: { type: string; address: string } | null = null;
  #current: StructDraft | null = null;
  #depth = 0;
  #lines = 0;

  /** Takes a line; false where it belongs to no struct. */
  add(text: string, offset: number): boolean {
    if (this.#current !== null) return this.#field(text);
    const drgn = text.includes('(struct ') ? DRGN.exec(text) : null;
    if (drgn) return this.#begin(drgn[1]!, `0x${drgn[2]}`, offset);
    if (text.includes('struct') || text.startsWith('crash>')) {
      const command = CRASH.exec(text);
      if (command) {
        this.#named = { type: command[1]!, address: `0x${command[2]}` };
        return true;
      }
      const open = OPEN.exec(text);
      if (open && text.startsWith('struct')) {
        const address = this.#named?.type === open[1] ? this.#named!.address : null;
        return this.#begin(open[1]!, address, offset);
      }
    }
    return false;
  }

  #begin(type: string, address: string | null, offset: number): boolean {
    if (this.found.length >= MOST_STRUCTS) return false;
    this.#current = { offset, type, address, fields: new Map() };
    this.found.push(this.#current);
    this.#depth = 1;
    this.#lines = 0;
    return true;
  }

  #field(text: string): boolean {
    const current = this.#current!;
    const field = FIELD.exec(text);
    // Fields of inner structs go by their own name where the outer ones have none of it: "counter".
    if (field && !current.fields.has(field[1]!)) current.fields.set(field[1]!, field[2]!);
    for (const character of text) if (character === '{') this.#depth++;
    for (const character of text) if (character === '}') this.#depth--;
    if (this.#depth <= 0 || ++this.#lines > MOST_LINES) {
      this.#current = null;
      this.#named = null;
    }
    return true;
  }
}
