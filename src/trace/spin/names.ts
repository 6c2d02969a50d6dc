import { SpinbackError } from '../../base/errors.ts';
import { bytesSource } from '../../io/bytes.ts';
import type { ByteSource } from '../../io/source.ts';
import { SampleEvents } from '../perf-data/sample.ts';
import { SampleTeller } from '../perf-data/teller.ts';
import { FormatIndex } from '../trace-dat/formats.ts';
import { Teller } from '../trace-dat/teller.ts';
import { typesOf, type SpinNames } from './capture.ts';
import type { SpinContents } from './contents.ts';
import type { SpinDamageLog } from './damage.ts';
import { LookUp } from './look-up.ts';
import { rowsOf } from './notes.ts';
import type { Unpacker } from './packer.ts';
import { RecordMask, RecordRest } from './record-rest.ts';
import { SampleMask } from './sample-mask.ts';

/** What a file is told apart by when it is opened, and its damage log. */
export interface Parts {
  readonly source: ByteSource;
  readonly contents: SpinContents;
  readonly log: SpinDamageLog;
}

/** Names and records of a file that was made of raw pages. */
export function recordNames({ source, contents, log }: Parts): SpinNames {
  const teller = tellerOf(contents);
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

function tellerOf(contents: SpinContents): Teller {
  const tables = {
    kallsyms: () => contents.section('kallsyms'),
    cmdlines: () => contents.section('cmdlines'),
    'printk-formats': () => contents.section('printk-formats'),
  };
  const { head } = contents;
  return new Teller(formatsOf(contents), head, tables, head.samples?.anchor);
}

/** Names and records of a file that was made of perf's samples. */
export function sampleNames(parts: Parts, unpacker: Unpacker): SpinNames {
  const { source, contents, log } = parts;
  const { tables } = contents.head.samples!;
  const teller = new SampleTeller(new SampleEvents(tables), tellerOf(contents));
  const mask = new SampleMask(tables, rowsOf(contents.names));
  const lookUp = new LookUp(source, contents.blocks, log, (rest, block) => new RecordRest(rest, block, mask));
  let tasks: ReadonlyMap<number, string> | undefined;
  return {
    comm(pid) {
      if (pid === 0) return '<idle>';
      tasks ??= tasksOf(parts, unpacker);
      return tasks.get(pid) ?? teller.comm(pid);
    },
    symbol: (address) => teller.symbol(address),
    enter: () => {},
    record(place) {
      const found = lookUp.find(place);
      const sample = found?.rest.record(found.walk);
      return sample ? teller.tell(sample) : null;
    },
  };
}

/** Section "tasks": number and name by turns. */
function tasksOf({ contents, log }: Parts, unpacker: Unpacker): ReadonlyMap<number, string> {
  const tasks = new Map<number, string>();
  const bytes = contents.section('tasks');
  try {
    const list = bytes.length > 0 ? unpacker.unpack(bytes, 0) : [];
    if (!Array.isArray(list)) throw new SpinbackError('DAMAGED', 'the names of tasks are no list');
    for (let n = 0; n + 1 < list.length; n += 2) tasks.set(Number(list[n]), String(list[n + 1]));
  } catch (error) {
    if (!(error instanceof SpinbackError && error.code === 'DAMAGED')) throw error;
    log.add('names-damaged', undefined, error.message);
  }
  return tasks;
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
