import { SpinbackError } from '../../base/errors.ts';
import type { SampleId, SampleLayout, SampleTables } from '../../model/samples.ts';
import { SAMPLE, TYPE_TRACEPOINT, type Attr } from './attr.ts';

/** Samples of other events than tracepoints get event types from here downwards; no tracepoint has such a number. */
const LAST_TYPE = 0xffff;
const HEADER = 8;

/** Which part of a sample comes where: the order of include/uapi/linux/perf_event.h, PERF_RECORD_SAMPLE. 8 bytes each. */
const ORDER = [
  SAMPLE.identifier,
  SAMPLE.ip,
  SAMPLE.tid,
  SAMPLE.time,
  SAMPLE.address,
  SAMPLE.id,
  SAMPLE.streamId,
  SAMPLE.cpu,
  SAMPLE.period,
];
/** The same for the end of other records (struct sample_id). */
const TRAILER = [SAMPLE.tid, SAMPLE.time, SAMPLE.id, SAMPLE.streamId, SAMPLE.cpu, SAMPLE.identifier];

/** Each of them is the id of the sample's event; the stream's differs from it only where a child task inherited the event. */
const IDS = [SAMPLE.identifier, SAMPLE.id, SAMPLE.streamId];

/** One kind of samples: the event type that they have where they carry no tracepoint's record, and how they lie. */
export interface SampleKind {
  readonly attr: Attr;
  readonly type: number;
  /** null: they carry no time. */
  readonly layout: SampleLayout | null;
}

/** How the samples of each attribute lie, in the order of the attributes. */
export function sampleKinds(attrs: readonly Attr[]): SampleKind[] {
  let next = LAST_TYPE;
  return attrs.map((attr) => {
    const type = attr.type === TYPE_TRACEPOINT ? Number(attr.config & 0xffffn) : next--;
    return { attr, type, layout: layoutOf(attr, type) };
  });
}

function layoutOf(attr: Attr, type: number): SampleLayout | null {
  const timeAt = placeOf(attr, SAMPLE.time);
  if (timeAt === null) return null;
  const has = (part: number): boolean => (attr.sampleType & part) !== 0;
  return {
    timeAt,
    tidAt: skip4(placeOf(attr, SAMPLE.tid)),
    cpuAt: placeOf(attr, SAMPLE.cpu),
    restAt: HEADER + 8 * ORDER.filter(has).length,
    readFormat: has(SAMPLE.read) ? attr.readFormat : null,
    hasCallchain: has(SAMPLE.callchain),
    hasRaw: has(SAMPLE.raw) && attr.type === TYPE_TRACEPOINT,
    type,
    trailerTime: trailerPlace(attr, SAMPLE.time),
    trailerCpu: trailerPlace(attr, SAMPLE.cpu),
    idsAt: IDS.map((part) => placeOf(attr, part)).filter((at) => at !== null),
  };
}

/** u32 pid, then the thread: what ftrace calls a pid. */
function skip4(at: number | null): number | null {
  return at === null ? null : at + 4;
}

/** Where a part of a sample lies, null where samples do not have it. */
function placeOf({ sampleType }: Attr, part: number): number | null {
  if (!(sampleType & part)) return null;
  const before = ORDER.slice(0, ORDER.indexOf(part)).filter((other) => sampleType & other);
  return HEADER + 8 * before.length;
}

/** How far before the end of other records it lies. */
function trailerPlace({ sampleType, hasTrailer }: Attr, part: number): number | null {
  if (!hasTrailer || !(sampleType & part)) return null;
  const after = TRAILER.slice(TRAILER.indexOf(part)).filter((other) => sampleType & other);
  return 8 * after.length;
}

/** Where samples carry the id of their event: evsel__calc_id_pos() of tools/perf/util/evsel.c, Linux 6.16. */
function idPlace(attr: Attr): number | null {
  return placeOf(attr, SAMPLE.identifier) ?? placeOf(attr, SAMPLE.id);
}

/**
 * The tables by which the engine reads samples, of one kind at least. `cpus`: on which CPU each id was opened. Throws UNSUPPORTED where samples tell
 * neither time nor CPU in any way, or lie in the file newest first.
 */
export function sampleTables(
  kinds: readonly SampleKind[],
  cpus: ReadonlyMap<bigint, number>,
): Omit<SampleTables, 'depth'> {
  const usable = kinds.filter(({ layout }) => layout !== null);
  if (usable.length === 0) {
    throw new SpinbackError(
      'UNSUPPORTED',
      'the samples of this perf.data carry no time: record with perf record -T',
    );
  }
  if (usable.some(({ attr }) => attr.isBackward)) {
    throw new SpinbackError(
      'UNSUPPORTED',
      'this perf.data was recorded with --overwrite, newest events first, which is not read; "perf script" on it gives text that is',
    );
  }
  const placed = ({ attr, layout }: SampleKind): boolean =>
    layout!.cpuAt !== null || attr.ids.every((id) => cpus.has(id));
  const tracepoints = usable.filter(({ attr }) => attr.type === TYPE_TRACEPOINT);
  const judged = tracepoints.length > 0 ? tracepoints : usable;
  if (!judged.some(placed)) {
    throw new SpinbackError(
      'UNSUPPORTED',
      'the samples of this perf.data do not tell on which CPU they were taken: record with perf record -a, or --sample-cpu',
    );
  }
  const layouts = usable.map(({ layout }) => layout!);
  const ids: SampleId[] = [];
  const known = new Set<bigint>();
  usable.forEach(({ attr }, layout) => {
    for (const id of attr.ids) {
      if (known.has(id)) continue;
      known.add(id);
      ids.push({ id, layout, cpu: cpus.get(id) ?? null });
    }
  });
  const first = judged[0]!;
  const idAt = idPlace(first.attr);
  // perf asks for ids at one place in all events; what lies there in samples of another one is no id.
  const there = idAt === null ? ids : ids.filter(({ layout }) => idPlace(usable[layout]!.attr) === idAt);
  const fallback = usable.indexOf(first);
  // Where all samples lie alike and tell their CPU, nobody need look at their ids: the raw record has the event's type.
  const isAlike = first.layout!.hasRaw && sampling(usable).every((kind) => shapeOf(kind) === shapeOf(first));
  if (idAt === null || usable.length === 1 || isAlike) {
    const needsId = first.layout!.cpuAt === null;
    return needsId ? { layouts, ids: there, idAt, fallback } : { layouts, ids, idAt: null, fallback };
  }
  return { layouts, ids: there, idAt, fallback: null };
}

/** PERF_COUNT_SW_DUMMY: an event that never happens; perf opens it for the records that are no samples. */
const TYPE_SOFTWARE = 1;
const DUMMY = 9n;

function sampling(kinds: readonly SampleKind[]): SampleKind[] {
  return kinds.filter(({ attr }) => !(attr.type === TYPE_SOFTWARE && attr.config === DUMMY));
}

function shapeOf({ layout }: SampleKind): string {
  return JSON.stringify({ ...layout, type: 0, idsAt: [] });
}
