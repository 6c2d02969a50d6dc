import type { SampleId, SampleLayout, SampleTables } from '../../model/samples.ts';
import type { Anchor } from '../capture.ts';
import type { Fields } from './fields.ts';

/** What HEAD keeps of a capture of samples: how they are laid out, and the symbol whose address is known. */
export interface SampleNotes {
  readonly tables: SampleTables;
  readonly anchor: Anchor | null;
}

/** The offsets of a layout are bytes in the engine. */
const MOST_OFFSET = 255;
/** As many as perf.data is believed to have (src/trace/perf-data/metadata.ts). */
const MOST_IDS = 1 << 20;
const NO_CPU = -1;

/** As it is written: ids by turns id, layout, CPU (-1 for none), for there may be a hundred thousand. */
export function packSampleNotes({ tables, anchor }: SampleNotes): object {
  const ids = tables.ids.flatMap(({ id, layout, cpu }) => [id, layout, cpu ?? NO_CPU]);
  return { ...tables, ids, anchor };
}

/** Throws DAMAGED for what is none. */
export function readSampleNotes(fields: Fields): SampleNotes {
  const layouts = fields.list('layouts', (item) => readLayout(fields.within(item)));
  fields.atMost('ids', 3 * MOST_IDS);
  const numbers = fields.list('ids', (item) => item);
  const ids: SampleId[] = [];
  for (let n = 0; n + 2 < numbers.length; n += 3) {
    const one = fields.within({ id: numbers[n], layout: numbers[n + 1], cpu: numbers[n + 2] });
    ids.push({
      id: one.wide('id'),
      layout: one.count('layout', layouts.length - 1),
      cpu: one.value('cpu') === NO_CPU ? null : one.count('cpu', 0xffff),
    });
  }
  const anchor = fields.value('anchor') === null ? null : fields.within(fields.value('anchor'));
  return {
    tables: {
      layouts,
      ids,
      idAt: fields.countOrNull('idAt', MOST_OFFSET),
      fallback: fields.countOrNull('fallback', layouts.length - 1),
      depth: fields.count('depth', 15),
    },
    anchor: anchor && { name: anchor.text('name'), address: anchor.wide('address') },
  };
}

function readLayout(fields: Fields): SampleLayout {
  const place = (name: string): number | null => fields.countOrNull(name, MOST_OFFSET);
  return {
    timeAt: fields.count('timeAt', MOST_OFFSET),
    tidAt: place('tidAt'),
    cpuAt: place('cpuAt'),
    restAt: fields.count('restAt', MOST_OFFSET),
    readFormat: place('readFormat'),
    hasCallchain: fields.flag('hasCallchain'),
    hasRaw: fields.flag('hasRaw'),
    type: fields.count('type', 0xffff),
    trailerTime: place('trailerTime'),
    trailerCpu: place('trailerCpu'),
    idsAt: fields.counts('idsAt', MOST_OFFSET),
  };
}
