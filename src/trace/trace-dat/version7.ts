import { SpinbackError } from '../../base/errors.ts';
import { isDamage, readChain } from './chain.ts';
import { openCodec } from '../../io/codec.ts';
import type { ByteSource } from '../../io/source.ts';
import { MOST_CPUS, type Contents, type DatBuffer, type Extent } from './contents.ts';
import type { DatDamageLog } from './damage.ts';
import { FormatIndex } from './formats.ts';
import type { FileHeader } from './header.ts';
import { readHeaderPage } from './header-page.ts';
import { readTable, SYMBOLS, type Load } from './names.ts';
import { lostBuffers } from './lost-index.ts';
import { cpuCountOf, OPTION, optionReader, optionsOf, type Option } from './options.ts';
import { Sections, type Section } from './sections.ts';

/**
 * Version 7: sections anywhere in the file, found through options (trace-cmd.dat.v7.5.txt of trace-cmd 3.4). Throws
 * DAMAGED without the first options or the header page; the rest may be missing.
 */
export async function readVersion7(
  source: ByteSource,
  header: FileHeader,
  log: DatDamageLog,
): Promise<Contents> {
  if (header.next === 0) {
    throw new SpinbackError(
      'DAMAGED',
      'the recorder was interrupted before it wrote the options of the file',
      {
        offset: source.size,
      },
    );
  }
  if (header.next >= source.size) {
    throw new SpinbackError(
      'DAMAGED',
      `the file was cut: its options should be at offset ${header.next}, and it ends at ${source.size}`,
      { offset: source.size },
    );
  }
  const codec = header.compression === 'none' ? null : await openCodec(header.compression, source.size);
  const sections = new Sections(source, header.littleEndian, codec);
  const chain = readChain(sections, header.next);
  const { options } = chain;
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
  const listed = readBuffers(sections, options, header, log);
  const lost = lostBuffers({ source, sections, codec, header, headerPage, chain, listed, log });

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
      return readTable(cursor, size, what);
    };
  return {
    headerPage,
    formats,
    options,
    buffers: [...listed, ...lost],
    codec,
    cpuCount: cpuCountOf(options),
    kallsyms: blob(OPTION.kallsyms, SYMBOLS, false),
    printkFormats: blob(OPTION.printk, 'the printk formats', false),
    cmdlines: blob(OPTION.cmdlines, 'the command lines', true),
  };
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
    if (isDamage(error)) return header.compression !== 'none';
    throw error;
  }
}

/** Runs `read`; damage is written to the log instead of thrown. */
function tolerate(name: 'formats-damaged' | 'options-damaged', log: DatDamageLog, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!isDamage(error)) throw error;
    log.add(name, error.offset, error.message);
  }
}
