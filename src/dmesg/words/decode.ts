import type { DecodedWord } from '../../model/kernel-log.ts';
import type { StructDraft } from '../drafts.ts';
import { isBefore, releaseOf, WORD_ERAS, type WordEra, type WordName } from './tables.ts';

/** The era of a word in this kernel; null where the kernel is not known and the eras differ. */
export function eraOf(word: WordName, kernel: string | null): WordEra | null {
  const release = releaseOf(kernel);
  const eras = WORD_ERAS.filter((era) => era.word === word);
  if (release === null) return eras.length === 1 ? eras[0]! : null;
  return eras.find(({ from, before }) => !isBefore(release, from) && isBefore(release, before)) ?? null;
}

/** Which structs' fields are decoded. */
const FIELDS: readonly (readonly [type: string, field: string, word: WordName])[] = [
  ['buffer_head', 'b_state', 'buffer_head.b_state'],
  ['page', 'flags', 'page.flags'],
  ['folio', 'flags', 'page.flags'],
  ['inode', 'i_state', 'inode.i_state'],
  ['hlist_bl_head', 'first', 'hlist_bl_head.first'],
];

/** The bits that are set, by name where this kernel's are known. */
export function bitsOf(value: bigint, era: WordEra): { bit: number; name: string }[] {
  const bits: { bit: number; name: string }[] = [];
  for (let bit = 0; bit < era.bits.length; bit++) {
    if ((value >> BigInt(bit)) & 1n) bits.push({ bit, name: era.bits[bit]! });
  }
  return bits;
}

/** A word decoded; null where its bits are not known for this kernel. */
export function decodeWord(
  word: WordName,
  value: bigint,
  address: string | null,
  kernel: string | null,
): DecodedWord | null {
  const era = eraOf(word, kernel);
  if (!era) return null;
  const unsigned = BigInt.asUintN(64, value);
  const bits = bitsOf(unsigned, era);
  return {
    what: word,
    address,
    value: `0x${unsigned.toString(16)}`,
    era: era.source,
    bits,
    implies: impliedBy(
      word,
      bits.map(({ name }) => name),
    ),
  };
}

/** What set bits mean together. */
function impliedBy(word: WordName, set: readonly string[]): string[] {
  const has = (name: string): boolean => set.includes(name);
  const said: string[] = [];
  if (word === 'buffer_head.b_state') {
    if (has('Uptodate_Lock')) said.push('Uptodate_Lock is set: somebody holds it, or it was left set');
    if (has('Async_Write'))
      said.push(
        "Async_Write is set: as far as the word goes, the buffer's write has not completed (end_buffer_async_write has not run for it)",
      );
    if (has('Async_Read')) said.push("Async_Read is set: the buffer's read has not completed");
    if (has('Dirty') && has('Async_Write')) said.push('Dirty again while its write is under way');
  }
  if (word === 'page.flags' && has('locked'))
    said.push('the page is locked: I/O on it, or whoever locked it, has not ended');
  return said;
}

const PAGE_SIZE = 4096n;

/** The well-known words in pasted structs, with what the struct's other fields say. */
export function decodeStructs(structs: readonly StructDraft[], kernel: string | null): DecodedWord[] {
  const words: DecodedWord[] = [];
  for (const { type, address, fields } of structs) {
    const row = FIELDS.find(([of, field]) => of === type && fields.has(field));
    if (!row) continue;
    const word = decodeWord(row[2], BigInt(fields.get(row[1])!), address, kernel);
    if (word) words.push({ ...word, implies: [...word.implies, ...structSays(type, fields)] });
  }
  return words;
}

function structSays(type: string, fields: ReadonlyMap<string, string>): string[] {
  if (type !== 'buffer_head') return [];
  const said: string[] = [];
  const size = fields.get('b_size');
  if (size !== undefined && BigInt(size) > 0n && BigInt(size) < PAGE_SIZE) {
    said.push(
      `b_size ${size} is below the page size (4096 where not configured otherwise): the lock in the page's first buffer serves all its buffers, so a word that is not under I/O shares it`,
    );
  }
  const count = fields.get('counter') ?? fields.get('b_count');
  if (count !== undefined && BigInt(count) === 0n)
    said.push('b_count is 0: nobody holds a reference to this buffer head');
  if (fields.get('b_end_io') !== undefined && BigInt(fields.get('b_end_io')!) === 0n)
    said.push('b_end_io is 0: this very buffer is not under I/O by itself');
  return said;
}

/** Is the block smaller than the page, as far as a struct tells? */
export function hasSubPageBlocks(structs: readonly StructDraft[]): boolean {
  return structs.some(({ type, fields }) => {
    const size = fields.get('b_size');
    return type === 'buffer_head' && size !== undefined && BigInt(size) > 0n && BigInt(size) < PAGE_SIZE;
  });
}
