import type { ByteSource } from '../../io/source.ts';
import { MOST_CPUS, type Contents, type DatBuffer, type Extent } from './contents.ts';
import { Cursor } from './cursor.ts';
import { FormatIndex } from './formats.ts';
import type { FileHeader } from './header.ts';
import { readHeaderPage } from './header-page.ts';
import { cpuCountOf, OPTION, optionReader, optionsOf, readOptions, type Option } from './options.ts';
import type { DatDamageLog } from './damage.ts';
import { SpinbackError } from '../../base/errors.ts';
import { SYMBOLS, tableAt } from './names.ts';

/**
 * Version 6: one piece of metadata after the other, then the data of the CPUs (trace-cmd.dat.v6.5.txt of trace-cmd 3.4).
 * Nothing in it can be skipped, so damage before the data throws DAMAGED.
 */
export function readVersion6(source: ByteSource, header: FileHeader, log: DatDamageLog): Contents {
  const cursor = new Cursor(source, header.next, source.size, header.littleEndian);
  const headerPage = readHeaderPage(cursor);
  const formats = new FormatIndex();
  formats.scanFtrace(cursor, source);
  formats.scanEvents(cursor, source);
  const kallsyms = tableAt(source, cursor, cursor.u32('the size of kallsyms'), SYMBOLS);
  const printkFormats = tableAt(
    source,
    cursor,
    cursor.u32('the size of the printk formats'),
    'the printk formats',
  );
  const cmdlines = tableAt(
    source,
    cursor,
    cursor.size64('the size of the command lines'),
    'the command lines',
  );
  const machineCpus = cursor.u32('the number of CPUs');
  const { options, buffer } = readTail(cursor, '', header.pageSize, machineCpus);
  const instances = optionsOf(options, OPTION.buffer).flatMap((option) =>
    readInstance(source, option, header.pageSize, cpusOf(options, machineCpus), log),
  );
  const buffers = [buffer, ...instances];
  const cpuCount = cpusOf(options, machineCpus);
  return { headerPage, formats, options, buffers, codec: null, cpuCount, kallsyms, printkFormats, cmdlines };
}

/** The options, if any, and the places of the CPUs' data: tags of ten bytes tell what comes. */
function readTail(
  cursor: Cursor,
  name: string,
  pageSize: number,
  cpus: number,
): { options: Option[]; buffer: DatBuffer } {
  let options: Option[] = [];
  let offset = cursor.offset;
  let tag = cursor.text(10, 'the tag of the data');
  if (tag === 'options  \0') {
    options = readOptions(cursor, 6);
    offset = cursor.offset;
    tag = cursor.text(10, 'the tag of the data');
  }
  const common = { name, clock: null, pageSize, packed: false, offset };
  if (tag === 'latency  \0') return { options, buffer: { ...common, kind: 'text', extents: [] } };
  if (tag !== 'flyrecord\0')
    throw cursor.damaged('neither "flyrecord" nor "latency" comes where the data should');
  const count = cpusOf(options, cpus);
  if (count > MOST_CPUS) throw cursor.damaged(`the file claims ${count} CPUs`);
  const extents: Extent[] = [];
  for (let cpu = 0; cpu < count; cpu++) {
    const [at, size] = [cursor.u64("the place of a CPU's data"), cursor.u64("the size of a CPU's data")];
    extents.push({ cpu, at, size });
  }
  return { options, buffer: { ...common, kind: 'pages', extents } };
}

/** An instance's tail lies where its BUFFER option says: u64 offset, then the name. */
function readInstance(
  source: ByteSource,
  option: Option,
  pageSize: number,
  cpus: number,
  log: DatDamageLog,
): DatBuffer[] {
  try {
    const reader = optionReader(option);
    const at = reader.size64('the place of an instance');
    const name = reader.cstring('the name of an instance');
    return [readTail(new Cursor(source, at, source.size, option.littleEndian), name, pageSize, cpus).buffer];
  } catch (error) {
    if (!(error instanceof SpinbackError && error.code === 'DAMAGED')) throw error;
    log.add('options-damaged', option.offset, error.message);
    return [];
  }
}

/** The number of CPUs with data: what the CPUCOUNT option says replaces the header's (trace-cmd 3.4, handle_options). */
function cpusOf(options: readonly Option[], stated: number): number {
  return cpuCountOf(options) ?? stated;
}
