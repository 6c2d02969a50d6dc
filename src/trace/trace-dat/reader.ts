import { SpinbackError } from '../../base/errors.ts';
import { findBytes } from '../../io/bytes.ts';
import type { ByteSource } from '../../io/source.ts';
import { RowTable } from '../../mapping/row-table.ts';
import type { Capture } from '../capture.ts';
import { fewOf } from '../damage.ts';
import { layoutName } from '../layout-name.ts';
import type { OpenOptions, Reader } from '../reader.ts';
import { DatCapture } from './capture.ts';
import { captureClock, selectedClock } from './clock.ts';
import type { Contents, DatBuffer } from './contents.ts';
import { parseCpuStats } from './cpu-stat.ts';
import { datDamageLog, type DatDamageLog } from './damage.ts';
import { checkExtents, type CheckedExtent } from './extents.ts';
import { isTraceDat, MAGIC, readFileHeader } from './header.ts';
import { pageLayout } from './header-page.ts';
import { PlainBytes } from './lane-bytes.ts';
import { DatLane } from './lane.ts';
import { OPTION, optionsOf, optionText } from './options.ts';
import { PackedBytes } from './packed-bytes.ts';
import { readVersion6 } from './version6.ts';
import { readVersion7 } from './version7.ts';

/** trace-cmd's own files, versions 6 and 7: plain, zlib and zstd. docs/formats/trace-dat.md says what is read. */
export const traceDatReader: Reader = {
  name: 'trace.dat (trace-cmd)',
  sniffBytes: MAGIC.length,
  sniff: isTraceDat,
  open,
};

/** Behind the data of a capture come options and tables of names, a few MB at most. */
const MOST_BEHIND = 64 << 20;

async function open(source: ByteSource, options: OpenOptions): Promise<Capture> {
  const log = datDamageLog();
  const header = readFileHeader(source);
  const contents =
    header.version === 6 ? readVersion6(source, header, log) : await readVersion7(source, header, log);
  const buffer = chooseBuffer(contents.buffers, options.instance, log);
  if (buffer.kind === 'text') throw latencyText(buffer);
  const traceClock = optionsOf(contents.options, OPTION.traceClock).at(-1);
  const named = buffer.clock ?? (traceClock ? selectedClock(optionText(traceClock)) : null);
  const { clock, conversion } = captureClock(named, contents.options);
  if (optionsOf(contents.options, OPTION.timeShift).length > 0) log.add('guest-time');
  const stats = parseCpuStats(optionsOf(contents.options, OPTION.cpuStat).map(optionText)).get(buffer.name);
  const layout = pageLayout(contents.headerPage, buffer.pageSize, buffer.offset);
  const uname = optionsOf(contents.options, OPTION.uname).at(-1);

  const bytesOf = ({ at, size, cut, chunks }: CheckedExtent) => {
    if (!buffer.packed || !contents.codec) return new PlainBytes(source, at, size);
    return new PackedBytes(source, at, size, chunks, contents.codec, layout, (name, offset) => {
      // That a lane is cut was told when its place was looked at.
      if (name !== 'truncated' || !cut) log.add(name, offset);
    });
  };
  const ends = contents.buffers.flatMap(({ extents }) => extents.map(({ at, size }) => Number(at + size)));
  const behind = Math.max(MAGIC.length, ...ends);
  // As `cat a.dat b.dat` leaves it.
  const another = findBytes(source, MAGIC, behind, behind + MOST_BEHIND);
  if (another !== null) log.add('another-behind', another);
  const lanes = checkExtents(buffer.extents, source.size, log).map(
    (extent) =>
      new DatLane(bytesOf(extent), {
        cpu: extent.cpu,
        layout,
        clock: conversion,
        loss: stats?.get(extent.cpu) ?? null,
        cut: extent.cut,
        onPartialPage: () =>
          log.add('truncated', extent.at + extent.size, `CPU ${extent.cpu} ends within a page`),
      }),
  );
  const packing = header.compression === 'none' ? '' : ` (${header.compression})`;
  const machine = layoutName(layout.commitSize, layout.bigEndian);
  return new DatCapture(source, log, {
    format: `trace.dat v${header.version}${packing}${machine}`,
    clock,
    kernel: uname ? optionText(uname) : null,
    contents,
    rows: rowsOf(contents, options, log),
    lanes,
  });
}

function rowsOf({ formats }: Contents, options: OpenOptions, log: DatDamageLog) {
  if (formats.unusable > 0)
    log.add('formats-damaged', undefined, `${formats.unusable} formats without name or number`);
  const mappings = new RowTable(options.rows);
  const rows = formats.rows(mappings, (why) => log.add('mapping-misfit', undefined, why));
  const unused = mappings.unused();
  if (unused.length > 0) log.add('mapping-unused', undefined, fewOf(unused), unused.length);
  return rows;
}

/** The instance that was asked for; otherwise the top one, or the first with data where the top one has none. */
function chooseBuffer(
  buffers: readonly DatBuffer[],
  wanted: string | undefined,
  log: DatDamageLog,
): DatBuffer {
  const top = buffers.find(({ name }) => name === '');
  const withData = buffers.find(
    ({ kind, extents }) => kind === 'text' || extents.some(({ size }) => size > 0n),
  );
  const hasData = top?.kind === 'text' || top?.extents.some(({ size }) => size > 0n);
  const chosen =
    wanted === undefined
      ? ((hasData ? top : withData) ?? top ?? buffers[0])
      : buffers.find(({ name }) => name === wanted);
  if (chosen === undefined) {
    const names = buffers.map(({ name }) => (name === '' ? 'the top one' : `"${name}"`)).join(', ');
    throw new SpinbackError('USAGE', `the file has no instance "${wanted}"; it has ${names}`);
  }
  const others = buffers.filter((buffer) => buffer !== chosen);
  for (const { name, offset } of others)
    log.add('instances-not-read', offset, name === '' ? 'the top one' : name);
  return chosen;
}

function latencyText(buffer: DatBuffer): SpinbackError {
  return new SpinbackError(
    'UNSUPPORTED',
    'this trace.dat holds the text of a latency tracer instead of events; ' +
      'write it out with "trace-cmd report FILE > trace.txt" and open that',
    { offset: buffer.offset },
  );
}
