import { SpinbackError } from '../../base/errors.ts';
import type { ByteSource } from '../../io/source.ts';
import { Cursor } from '../trace-dat/cursor.ts';
import { FormatIndex } from '../trace-dat/formats.ts';
import { readHeaderPage } from '../trace-dat/header-page.ts';
import { SYMBOLS, tableAt, type Load } from '../trace-dat/names.ts';
import type { PerfDamageLog } from './damage.ts';
import type { Section } from './header.ts';

/** The event formats and names of a perf.data. */
export interface TracingData {
  readonly formats: FormatIndex;
  /** The kernel's size of long. */
  readonly longSize: 4 | 8;
  readonly kallsyms: Load;
  readonly printkFormats: Load;
  readonly cmdlines: Load;
}

const NOTHING: Load = () => new Uint8Array(0);
/** 17 08 44 "tracing" "0.6" 0, endianness, size of long; u32 page size. */
const MAGIC = '\x17\x08Dtracing';

/**
 * HEADER_TRACING_DATA, a trace.dat of version 0.5 or 0.6 without events (tools/perf/util/trace-event-info.c and
 * trace-event-read.c, Linux 6.16): header_page, header_event, ftrace formats, event formats, u32 kallsyms (empty in all but
 * old files), u32 printk formats, and since 0.6 u64 saved command lines. What cannot be read is told and missing.
 */
export function readTracingData(
  source: ByteSource,
  section: Section | null,
  littleEndian: boolean,
  log: PerfDamageLog,
): TracingData {
  const formats = new FormatIndex();
  const found: { -readonly [Name in keyof TracingData]: TracingData[Name] } = {
    formats,
    longSize: 8,
    kallsyms: NOTHING,
    printkFormats: NOTHING,
    cmdlines: NOTHING,
  };
  if (section === null) return found;
  const cursor = new Cursor(source, section.at, section.at + section.size, littleEndian);
  try {
    const version = readHead(cursor);
    found.longSize = readHeaderPage(cursor).commitSize;
    formats.scanFtrace(cursor, source);
    formats.scanEvents(cursor, source);
    found.kallsyms = tableAt(source, cursor, cursor.u32('the size of kallsyms'), SYMBOLS);
    const printkSize = cursor.u32('the size of the printk formats');
    found.printkFormats = tableAt(source, cursor, printkSize, 'the printk formats');
    if (version === '0.6') {
      const size = cursor.size64('the size of the command lines');
      found.cmdlines = tableAt(source, cursor, size, 'the command lines');
    }
  } catch (error) {
    if (!(error instanceof SpinbackError && error.code === 'DAMAGED')) throw error;
    log.add('formats-damaged', error.offset, error.message);
  }
  return found;
}

function readHead(cursor: Cursor): string {
  if (cursor.text(MAGIC.length, 'the magic of the tracing data') !== MAGIC) {
    throw cursor.damaged('the tracing data does not begin like that');
  }
  const version = cursor.cstring('the version of the tracing data');
  const isLittle = cursor.u8('the endianness') === 0;
  if (isLittle !== cursor.littleEndian) {
    throw cursor.damaged(
      `the tracing data is ${isLittle ? 'little' : 'big'}-endian, the file is ${isLittle ? 'big' : 'little'}-endian`,
    );
  }
  cursor.skip(5, 'the sizes of long and page');
  return version;
}
