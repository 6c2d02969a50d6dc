import { SpinbackError } from '../base/errors.ts';
import { readRange } from '../io/bytes.ts';
import { openCodec } from '../io/codec.ts';
import type { ByteSource } from '../io/source.ts';
import { Cursor } from '../trace/trace-dat/cursor.ts';
import { datDamageLog } from '../trace/trace-dat/damage.ts';
import { FormatIndex } from '../trace/trace-dat/formats.ts';
import { isTraceDat, MAGIC, readFileHeader, type FileHeader } from '../trace/trace-dat/header.ts';
import { readHeaderPage } from '../trace/trace-dat/header-page.ts';
import { optionReader, optionsOf, type Option } from '../trace/trace-dat/options.ts';
import { Sections } from '../trace/trace-dat/sections.ts';
import { readVersion6 } from '../trace/trace-dat/version6.ts';
import { readVersion7 } from '../trace/trace-dat/version7.ts';
import { OPTION } from '../trace/trace-dat/options.ts';
import { type FileOption, type FileParts } from './container.ts';

/** The metadata of an existing trace.dat, byte for byte, for writing it again. */
export interface ExistingParts extends Omit<FileParts, 'cpus' | 'clock' | 'pageSize'> {
  readonly version: 6 | 7;
  readonly cpuCount: number | null;
}

/** Options that only say where things lie in the file; they are written anew. */
const PLACES: ReadonlySet<number> = new Set([
  0,
  OPTION.buffer,
  OPTION.strings,
  OPTION.headerInfo,
  OPTION.ftraceFormats,
  OPTION.eventFormats,
  OPTION.kallsyms,
  OPTION.printk,
  OPTION.cmdlines,
]);
const WORD_SIZE_AT = 13;

/** Reads everything but the pages. Throws SpinbackError as the reader of trace.dat files does. */
export async function readParts(source: ByteSource): Promise<ExistingParts> {
  if (!isTraceDat(readRange(source, 0, MAGIC.length))) {
    throw new SpinbackError('NOT_A_CAPTURE', `${source.name} is no trace.dat; only those can be filtered`);
  }
  const header = readFileHeader(source);
  const log = datDamageLog();
  const contents =
    header.version === 6 ? readVersion6(source, header, log) : await readVersion7(source, header, log);
  const raw =
    header.version === 6 ? rawVersion6(source, header) : await rawVersion7(source, header, contents.options);
  const [longSize = 8] = readRange(source, WORD_SIZE_AT, 1);
  return {
    version: header.version,
    wordSize: longSize,
    bigEndian: !header.littleEndian,
    ...raw,
    kallsyms: contents.kallsyms().slice(),
    printk: contents.printkFormats().slice(),
    cmdlines: contents.cmdlines().slice(),
    options: contents.options
      .filter(({ id }) => !PLACES.has(id))
      .map(({ id, data }): FileOption => ({ id, data })),
    cpuCount: contents.cpuCount,
  };
}

type RawParts = Pick<FileParts, 'headerInfo' | 'ftraceFormats' | 'eventFormats'>;

function rawVersion6(source: ByteSource, header: FileHeader): RawParts {
  const cursor = new Cursor(source, header.next, source.size, header.littleEndian);
  const formats = new FormatIndex();
  const part = (read: () => void): Uint8Array => {
    const from = cursor.position;
    read();
    return readRange(source, from, cursor.position - from);
  };
  return {
    headerInfo: part(() => readHeaderPage(cursor)),
    ftraceFormats: part(() => formats.scanFtrace(cursor, source)),
    eventFormats: part(() => formats.scanEvents(cursor, source)),
  };
}

async function rawVersion7(
  source: ByteSource,
  header: FileHeader,
  options: readonly Option[],
): Promise<RawParts> {
  const sections = new Sections(
    source,
    header.littleEndian,
    header.compression === 'none' ? null : await openCodec(header.compression),
  );
  const part = (id: number, what: string): Uint8Array => {
    const option = optionsOf(options, id).at(-1);
    if (!option) throw new SpinbackError('DAMAGED', `the file has no ${what}`, { offset: header.next });
    const { cursor } = sections.open(optionReader(option).size64(what), id, what);
    return cursor.view(cursor.remaining, what).slice();
  };
  return {
    headerInfo: part(OPTION.headerInfo, 'header page'),
    ftraceFormats: part(OPTION.ftraceFormats, 'ftrace formats'),
    eventFormats: part(OPTION.eventFormats, 'event formats'),
  };
}
