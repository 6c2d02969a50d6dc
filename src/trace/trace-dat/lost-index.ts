import type { Codec } from '../../io/codec.ts';
import type { ByteSource } from '../../io/source.ts';
import { isDamage, type Chain } from './chain.ts';
import type { DatBuffer } from './contents.ts';
import { parseCpuStats } from './cpu-stat.ts';
import type { DatDamageLog } from './damage.ts';
import { closed, countsOf, cpusWithData, nameCpus, type FoundLanes } from './found-cpus.ts';
import type { FileHeader } from './header.ts';
import { pageLayout, type HeaderPage } from './header-page.ts';
import { cpuCountOf, OPTION, optionReader, optionsOf, optionText } from './options.ts';
import { scanChunks } from './scan-chunks.ts';
import { scanPages } from './scan-pages.ts';
import { SECTION_HEADER, type SectionHeader, type Sections } from './sections.ts';

/** Sections are numbered like the options that point to them; trace-cmd 3.4 has numbers up to 26. */
const LARGEST_ID = 64;
/** More sections than this behind the options are not looked at. */
const MOST_SECTIONS = 10_000;

/** What is known of the file when its list of buffers turns out to be incomplete. */
export interface LostFacts {
  readonly source: ByteSource;
  readonly sections: Sections;
  readonly codec: Codec | null;
  readonly header: FileHeader;
  readonly headerPage: HeaderPage;
  readonly chain: Chain;
  /** The buffers that the options tell of. */
  readonly listed: readonly DatBuffer[];
  readonly log: DatDamageLog;
}

/** A section with data that no option names. */
interface LostSection {
  readonly at: number;
  readonly header: SectionHeader;
  /** Where its data ends; all of it is there. null where the file ends before, or the recorder never came to say. */
  readonly end: number | null;
}

/**
 * Since trace-cmd 3.1 a version 7 file says where the CPUs' data lies only behind that data, so a copy that was cut, or a
 * recording onto a full disk, has data without a list of it. This looks behind the options for a section of
 * data that no option names, and finds the CPUs in it by what their data looks like. The damage is told; a healthy file
 * costs the headers of the sections behind its options. A file without any buffer gives one without events.
 */
export function lostBuffers(facts: LostFacts): DatBuffer[] {
  const { source, chain, listed, log } = facts;
  const tail = tailOf(facts);
  if (chain.broken === null && tail === null && listed.length > 0) return [];
  const section = tail === 'cut' ? null : tail;
  const isCut = tail === 'cut' || section?.end === null || isCutChain(facts);
  const told = isCut || chain.broken === null ? [] : [chain.broken.why];
  const lost = section !== null || listed.length === 0 ? [lostBuffer(facts, section, isCut, told)] : [];
  if (lost.length === 0) told.push('as far as is known, no events were in it');
  log.add(
    isCut ? 'truncated' : 'options-damaged',
    isCut ? source.size : (chain.broken?.at ?? chain.end),
    told.join('; '),
  );
  return lost;
}

/** Does the next section of options lie behind the end of the file, or in part? */
function isCutChain({ source, sections, chain: { broken }, listed }: LostFacts): boolean {
  if (broken === null) return listed.length === 0;
  const header = headerAt(sections, broken.at);
  return header === null || broken.at + SECTION_HEADER + header.size > source.size;
}

function headerAt(sections: Sections, at: number): SectionHeader | null {
  try {
    return sections.header(at);
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

/** Walks over the sections behind the options, which give their sizes, to one with data that no option names. */
function tailOf({ source, sections, chain, listed }: LostFacts): LostSection | 'cut' | null {
  const descriptions = new Set(listed.map(({ offset }) => offset));
  const named = new Set(
    chain.options
      .filter(
        ({ id, offset }) => (id === OPTION.buffer || id === OPTION.bufferText) && descriptions.has(offset),
      )
      .map((option) => (option.data.length < 8 ? -1n : optionReader(option).u64())),
  );
  let at = chain.end;
  for (let count = 0; count < MOST_SECTIONS && at < source.size; count++) {
    const header = headerAt(sections, at);
    // A file ends with a section that holds the names of the others, right behind the options.
    if (header === null) return count === 0 && at + SECTION_HEADER > source.size ? 'cut' : null;
    const { size } = header;
    const end = at + SECTION_HEADER + size;
    const isData = header.id === OPTION.buffer || header.id === OPTION.bufferText;
    // The size is written last: 0 says that the recorder was interrupted.
    if (isData && !named.has(BigInt(at)))
      return { at, header, end: size > 0 && end <= source.size ? end : null };
    if (header.id > LARGEST_ID || size === 0) return null;
    if (end > source.size) return header.id === OPTION.strings ? 'cut' : null;
    at = end;
  }
  return null;
}

/** The buffer in that section, or one without events. What is known of it is added to `told`. */
function lostBuffer(
  { source, codec, header, headerPage, chain, listed }: LostFacts,
  section: LostSection | null,
  isCut: boolean,
  told: string[],
): DatBuffer {
  const stats = parseCpuStats(optionsOf(chain.options, OPTION.cpuStat).map(optionText));
  // trace-cmd writes the top instance first, then the others in the order of their statistics (record_data, 3.4).
  const names = ['', ...[...stats.keys()].filter((name) => name !== '')];
  const name = names[listed.length] ?? `instance ${listed.length}`;
  const { pageSize } = header;
  const common = { name, clock: null, pageSize, offset: section?.at ?? chain.end };
  if (section?.header.id === OPTION.bufferText)
    return { ...common, kind: 'text', packed: false, extents: [] };

  const packed = section !== null && section.header.packed && codec !== null;
  const expected = cpusWithData(stats.get(name));
  const found = scan();
  const isOpen = section === null ? isCut : section.end === null;
  const machine = { isOpen, cpuCount: cpuCountOf(chain.options) };
  const extents = nameCpus(found, expected, machine, source.size, told);
  const others = names.slice(listed.length + 1);
  if (isCut && others.length > 0) told.push(`of the instances ${others.join(', ')} nothing is there`);
  return { ...common, kind: 'pages', packed, extents };

  function scan(): FoundLanes {
    if (section === null) return { lanes: [], strangeAt: null, isNumbered: true };
    const layout = pageLayout(headerPage, pageSize, section.at);
    const [from, end] = [section.at + SECTION_HEADER, section.end ?? source.size];
    const lanes = packed
      ? scanChunks(source, codec, layout, from, end, expected)
      : scanPages(source, layout, from, end, countsOf(expected));
    return section.end === null ? lanes : closed(lanes);
  }
}
