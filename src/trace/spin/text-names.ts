import { decodeText } from '../../base/byte-reader.ts';
import { SpinbackError } from '../../base/errors.ts';
import { bytesSource } from '../../io/bytes.ts';
import { loadMapping } from '../../mapping/load.ts';
import type { Mapping } from '../../mapping/mapping.ts';
import { RowTable } from '../../mapping/row-table.ts';
import { CommTable } from '../ftrace-text/comms.ts';
import { FTRACE, type Dialect } from '../ftrace-text/dialect.ts';
import { DUMP } from '../ftrace-text/dump.ts';
import { readEventText } from '../ftrace-text/event-text.ts';
import { EventLine } from '../ftrace-text/line.ts';
import { patternDialect } from '../ftrace-text/line-patterns.ts';
import { LineReader } from '../ftrace-text/lines.ts';
import { TypeTable } from '../ftrace-text/types.ts';
import { PERF_SCRIPT } from '../perf-script/dialect.ts';
import { typesOf, type SpinNames } from './capture.ts';
import type { SpinContents } from './contents.ts';
import type { SpinDamageLog } from './damage.ts';
import { LookUp } from './look-up.ts';
import type { Parts } from './names.ts';
import { TextRest } from './text-rest.ts';

const NO_MAPPING: Mapping = { rows: [], lines: [] };

/** Names and records of a file that was made of text. */
export async function textNames({ source, contents, log }: Parts): Promise<SpinNames> {
  const mapping = await mappingOf(contents, log);
  const dialect = dialectOf(contents, mapping);
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
      if (!lines.next() || !dialect.parseEvent(lines.bytes, lines.start, lines.end, line)) return null;
      types ??= tableOf(contents, mapping);
      return readEventText(lines, line, types, comms, dialect);
    },
  };
}

/** What users' mapping files said when the file was written. It is checked as any other is. */
async function mappingOf(contents: SpinContents, log: SpinDamageLog): Promise<Mapping> {
  const text = contents.section('mapping');
  if (text.length === 0) return NO_MAPPING;
  try {
    return await loadMapping(decodeText(text), 'the mapping');
  } catch (error) {
    if (!(error instanceof SpinbackError)) throw error;
    log.add('names-damaged', undefined, error.message);
    return NO_MAPPING;
  }
}

function dialectOf({ head }: SpinContents, { lines }: Mapping): Dialect {
  switch (head.dialect) {
    case 'ftrace':
      return FTRACE;
    case 'dump':
      return DUMP;
    case 'perf-script':
      return PERF_SCRIPT;
    case 'lines':
      return patternDialect(lines);
  }
}

/** The types get the numbers that they had when the file was written. */
function tableOf(contents: SpinContents, { rows }: Mapping): TypeTable {
  const table = new TypeTable(new RowTable(rows));
  const utf8 = new TextEncoder();
  for (const { name } of typesOf(contents.names)) {
    const bytes = utf8.encode(name);
    table.get(bytes, 0, bytes.length);
  }
  return table;
}
