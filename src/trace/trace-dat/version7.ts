import { SpinbackError } from '../../base/errors.ts';
import { openCodec } from '../../io/codec.ts';
import type { ByteSource } from '../../io/source.ts';
import { MOST_CPUS, type Contents, type DatBuffer, type Extent } from './contents.ts';
import type { DatDamageLog } from './damage.ts';
import { FormatIndex } from './formats.ts';
import type { FileHeader } from './header.ts';
import { readHeaderPage } from './header-page.ts';
import type { Load } from './names.ts';
import { OPTION, optionReader, optionsOf, readOptions, type Option } from './options.ts';
import { Sections, type Section } from './sections.ts';

/** trace-cmd writes one options section with the metadata and one behind each buffer. */
const MOST_OPTION_SECTIONS = 10_000;

/**
 * Version 7: sections anywhere in the file, found through options (trace-cmd.dat.v7.5.txt of trace-cmd 3.4). Throws
 * DAMAGED without the first options, the header page or any buffer; the rest may be missing.
 */
export async function readVersion7(
  source: ByteSource,
  header: FileHeader,
  log: DatDamageLog,
): Promise<Contents> {
  if (header.next >= source.size) {
    throw new SpinbackError(
      'DAMAGED',
      `the file was cut: its options should be at offset ${header.next}, and it ends at ${source.size}`,
      { offset: source.size },
    );
  }
  const codec = header.compression === 'none' ? null : await openCodec(header.compression);
  const sections = new Sections(source, codec);
  const options = readAllOptions(sections, header.next, log);
  const sectionOf = (id: number, what: string): Section | null => {
    const option = optionsOf(options, id).at(-1);
    return option ? sections.open(optionReader(option).size64(`the place of ${what}`), id, what) : null;
  };

  const pageSection = sectionOf(OPTION.headerInfo, 'the header page');
  if (pageSection === null) {
    throw new SpinbackError('DAMAGED', 'the file has no header page, so its data cannot be decoded', {
      offset: header.next,
    });
  }
  const headerPage = readHeaderPage(pageSection.cursor);
  const buffers = readBuffers(sections, options, header, log);
  if (buffers.length === 0) {
    throw new SpinbackError(
      'DAMAGED',
      `the list of the CPUs' data is missing: it should lie behind the data, and the file ends at ${source.size}`,
      { offset: source.size },
    );
  }

  const formats = new FormatIndex();
  tolerate('formats-damaged', log, () => {
    const ftrace = sectionOf(OPTION.ftraceFormats, 'the ftrace formats');
    if (ftrace) formats.scanFtrace(ftrace.cursor, ftrace.source);
  });
  tolerate('formats-damaged', log, () => {
    const events = sectionOf(OPTION.eventFormats, 'the event formats');
    if (events) formats.scanEvents(events.cursor, events.source);
  });

  const blob =
    (id: number, what: string, wide: boolean): Load =>
    () => {
      const section = sectionOf(id, what);
      if (section === null) return new Uint8Array(0);
      const { cursor } = section;
      const size = wide ? cursor.size64(`the size of ${what}`) : cursor.u32(`the size of ${what}`);
      return cursor.view(size, what);
    };
  const cpuCount = optionsOf(options, OPTION.cpuCount).at(-1);
  return {
    headerPage,
    formats,
    options,
    buffers,
    codec,
    cpuCount: cpuCount && cpuCount.data.length >= 4 ? optionReader(cpuCount).u32() : null,
    kallsyms: blob(OPTION.kallsyms, 'kallsyms', false),
    printkFormats: blob(OPTION.printk, 'the printk formats', false),
    cmdlines: blob(OPTION.cmdlines, 'the command lines', true),
  };
}

/** Follows the chain of options sections. Only the first must be whole. */
function readAllOptions(sections: Sections, first: number, log: DatDamageLog): Option[] {
  const all: Option[] = [];
  const seen = new Set<number>();
  for (let at = first; at !== 0;) {
    if (seen.has(at) || seen.size >= MOST_OPTION_SECTIONS) {
      log.add('options-damaged', at, 'the options sections run in a circle');
      break;
    }
    seen.add(at);
    try {
      const options = readOptions(sections.open(at, OPTION.done, 'the options').cursor, 7);
      all.push(...options);
      at = optionReader(options.at(-1)!).size64('the place of the next options');
    } catch (error) {
      if (at === first || !(error instanceof SpinbackError && error.code === 'DAMAGED')) throw error;
      log.add('options-damaged', at, error.message);
      break;
    }
  }
  return all;
}

function readBuffers(
  sections: Sections,
  options: readonly Option[],
  header: FileHeader,
  log: DatDamageLog,
): DatBuffer[] {
  const buffers: DatBuffer[] = [];
  for (const option of options) {
    if (option.id !== OPTION.buffer && option.id !== OPTION.bufferText) continue;
    tolerate('options-damaged', log, () => buffers.push(readBuffer(sections, option, header)));
  }
  return buffers;
}

/** u64 section, name\0, clock\0; for pages also u32 page size, u32 CPUs, CPUs x (u32 cpu, u64 offset, u64 size). */
function readBuffer(sections: Sections, option: Option, header: FileHeader): DatBuffer {
  const reader = optionReader(option);
  const sectionAt = reader.size64('the place of a buffer');
  const name = reader.cstring('the name of a buffer');
  const clock = reader.cstring('the clock of a buffer');
  const packed = isPacked(sections, sectionAt, header);
  const common = { name, clock: clock === '' ? null : clock, packed, offset: option.offset };
  if (option.id === OPTION.bufferText)
    return { ...common, kind: 'text', pageSize: header.pageSize, extents: [] };
  const pageSize = reader.u32('the page size of a buffer');
  const count = reader.u32('the number of CPUs of a buffer');
  const extents: Extent[] = [];
  for (let index = 0; index < count && index < MOST_CPUS; index++) {
    const [cpu, at, size] = [reader.u32(), reader.u64(), reader.u64()];
    extents.push({ cpu, at, size });
  }
  return { ...common, kind: 'pages', pageSize, extents };
}

/** The buffer's section says whether its data is compressed; where it is lost, the whole file's compression does. */
function isPacked(sections: Sections, at: number, header: FileHeader): boolean {
  try {
    return sections.header(at).packed;
  } catch (error) {
    if (error instanceof SpinbackError && error.code === 'DAMAGED') return header.compression !== 'none';
    throw error;
  }
}

/** Runs `read`; damage is written to the log instead of thrown. */
function tolerate(name: 'formats-damaged' | 'options-damaged', log: DatDamageLog, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof SpinbackError && error.code === 'DAMAGED')) throw error;
    log.add(name, error.offset, error.message);
  }
}
