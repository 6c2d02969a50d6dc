import { bytesSource } from '../../io/bytes.ts';
import type { ByteSource } from '../../io/source.ts';
import { RowTable } from '../../mapping/row-table.ts';
import { CommTable } from '../ftrace-text/comms.ts';
import { readEventText } from '../ftrace-text/event-text.ts';
import { EventLine, parseEventLine } from '../ftrace-text/line.ts';
import { LineReader } from '../ftrace-text/lines.ts';
import { TypeTable } from '../ftrace-text/types.ts';
import { FormatIndex } from '../trace-dat/formats.ts';
import { Teller } from '../trace-dat/teller.ts';
import { typesOf, type SpinNames } from './capture.ts';
import type { SpinContents } from './contents.ts';
import type { SpinDamageLog } from './damage.ts';
import { LookUp } from './look-up.ts';
import { rowsOf } from './notes.ts';
import { RecordMask, RecordRest } from './record-rest.ts';
import { TextRest } from './text-rest.ts';

/** Names and records of a file that was made of raw pages. */
export function recordNames(source: ByteSource, contents: SpinContents, log: SpinDamageLog): SpinNames {
  const teller = new Teller(formatsOf(contents), contents.head, {
    kallsyms: () => contents.section('kallsyms'),
    cmdlines: () => contents.section('cmdlines'),
    'printk-formats': () => contents.section('printk-formats'),
  });
  const mask = new RecordMask(rowsOf(contents.names), contents.head.bigEndian);
  const lookUp = new LookUp(source, contents.blocks, log, (rest, block) => new RecordRest(rest, block, mask));
  return {
    comm: (pid) => teller.comm(pid),
    symbol: (address) => teller.symbol(address),
    enter: () => {},
    record(place) {
      const found = lookUp.find(place);
      const record = found?.rest.record(found.walk);
      return record ? teller.tell(record) : null;
    },
  };
}

/** The formats, unpacked when the first one is asked for. */
function formatsOf(contents: SpinContents): FormatIndex {
  const formats = new FormatIndex();
  const { sizes } = contents.names;
  let texts: ByteSource | undefined;
  const source: ByteSource = {
    name: contents.head.path,
    size: sizes.reduce((sum, size) => sum + size, 0),
    readInto: (target, position) =>
      (texts ??= bytesSource(contents.section('formats'))).readInto(target, position),
    close() {},
  };
  let at = 0;
  typesOf(contents.names).forEach((type, n) => {
    formats.adopt(type, source, at, sizes[n] ?? 0);
    at += sizes[n] ?? 0;
  });
  return formats;
}

/** Names and records of a file that was made of text. */
export function textNames(source: ByteSource, contents: SpinContents, log: SpinDamageLog): SpinNames {
  const comms = new CommTable();
  const lookUp = new LookUp(
    source,
    contents.blocks,
    log,
    (rest, block) => new TextRest(rest, block.eventCount),
  );
  let types: TypeTable | undefined;
  return {
    comm: (pid) => comms.get(pid),
    symbol: () => null,
    enter({ comms: fresh = [] }) {
      for (let n = 0; n + 1 < fresh.length; n += 2) comms.set(Number(fresh[n]), String(fresh[n + 1]));
    },
    record(place) {
      const found = lookUp.find(place);
      if (!found) return null;
      const bytes = found.rest.lines(found.walk.n);
      const lines = new LineReader(bytesSource(bytes), 0, bytes.length + 1);
      const line = new EventLine();
      if (!lines.next() || !parseEventLine(lines.bytes, lines.start, lines.end, line)) return null;
      types ??= tableOf(contents);
      return readEventText(lines, line, types, comms);
    },
  };
}

/** The types get the numbers that they had when the file was written. */
function tableOf(contents: SpinContents): TypeTable {
  const table = new TypeTable(new RowTable());
  const utf8 = new TextEncoder();
  for (const { name } of typesOf(contents.names)) {
    const bytes = utf8.encode(name);
    table.get(bytes, 0, bytes.length);
  }
  return table;
}
