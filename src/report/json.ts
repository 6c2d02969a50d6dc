import type {
  Actor,
  Culprit,
  CpuSummary,
  Finding,
  HistogramData,
  Info,
  Report,
  TraceSummary,
  TypeCount,
} from '../model/report.ts';

/**
 * The keys of a type in the order in which JSON shows them. The compiler refuses a shape that misses a key, so a
 * field added to the contract cannot be forgotten here. `leaf`: written as it is; `sorted`: a map with free keys.
 */
export type Shape<T> = { readonly [K in keyof T]-?: ShapeOf<NonNullable<T[K]>> };
type ShapeOf<V> = V extends readonly (infer U)[]
  ? U extends readonly unknown[] | string | number
    ? 'leaf'
    : readonly [Shape<U>]
  : V extends object
    ? string extends keyof V
      ? 'sorted'
      : Shape<V>
    : 'leaf';

const leaf = 'leaf';

const ACTOR: Shape<Actor> = { cpu: leaf, pid: leaf, comm: leaf, atNs: leaf };

const CULPRIT: Shape<Culprit> = {
  cpu: leaf,
  pid: leaf,
  comm: leaf,
  loadNs: leaf,
  storeNs: leaf,
  value: leaf,
};

const CPU: Shape<CpuSummary> = {
  cpu: leaf,
  firstNs: leaf,
  lastNs: leaf,
  events: leaf,
  lost: leaf,
  breaks: leaf,
};

const TYPE_COUNT: Shape<TypeCount> = { event: leaf, count: leaf };

const HISTOGRAM: Shape<HistogramData> = {
  precisionBits: leaf,
  count: leaf,
  sumNs: leaf,
  minNs: leaf,
  maxNs: leaf,
  buckets: leaf,
};

const TRACE: Shape<TraceSummary> = {
  path: leaf,
  format: leaf,
  clock: leaf,
  timeUnit: leaf,
  kernel: leaf,
  cpus: leaf,
  events: leaf,
  startNs: leaf,
  endNs: leaf,
  perCpu: [CPU],
  problems: [{ name: leaf, severity: leaf, text: leaf, count: leaf, offset: leaf }],
};

const FINDING: Shape<Finding> = {
  id: leaf,
  signature: leaf,
  kind: leaf,
  cause: leaf,
  confidence: leaf,
  severity: leaf,
  headline: leaf,
  subject: { cpu: leaf, pid: leaf, comm: leaf, context: leaf },
  lock: { namespace: leaf, address: leaf, bit: leaf, name: leaf, class: leaf, knownBy: leaf },
  startNs: leaf,
  durationNs: leaf,
  openEnded: leaf,
  holder: ACTOR,
  lastAcquire: ACTOR,
  lastRelease: ACTOR,
  culprit: CULPRIT,
  waiters: [{ cpu: leaf, pid: leaf, comm: leaf, sinceNs: leaf, durationNs: leaf, irqsOff: leaf }],
  irqsOff: { source: leaf, notBeforeNs: leaf, notAfterNs: leaf },
  watchdog: { thresholdNs: leaf, hard: leaf, soft: leaf, firesFromNs: leaf, firesToNs: leaf },
  alternatives: [{ cause: leaf, confidence: leaf, why: leaf }],
  kernelReports: [{ ns: leaf, text: leaf }],
  evidence: [{ ns: leaf, cpu: leaf, pid: leaf, comm: leaf, event: leaf, detail: leaf }],
  taintedBy: leaf,
  related: leaf,
};

export const REPORT_SHAPE: Shape<Report> = {
  schema: leaf,
  spinback: leaf,
  trace: TRACE,
  thresholds: { watchdogNs: leaf, spinNs: leaf, irqOffNs: leaf },
  findings: [FINDING],
  kernelReports: [{ ns: leaf, text: leaf }],
  stats: {
    events: [TYPE_COUNT],
    locks: {
      live: leaf,
      peak: leaf,
      forgotten: leaf,
      acquisitions: leaf,
      contentions: leaf,
      releases: leaf,
    },
    suppressed: 'sorted',
    engine: 'sorted',
    waitNs: HISTOGRAM,
    holdNs: HISTOGRAM,
    irqsOffNs: HISTOGRAM,
  },
};

export const INFO_SHAPE: Shape<Info> = {
  schema: leaf,
  spinback: leaf,
  trace: TRACE,
  events: [TYPE_COUNT],
  questions: [{ question: leaf, answer: leaf, why: leaf, record: leaf }],
};

/** A report as one line of JSON, without the newline: the same report gives the same bytes. */
export function reportJson(report: Report): string {
  return jsonLine(ordered(report, REPORT_SHAPE));
}

/** What `spinback info` found as one line of JSON, without the newline. */
export function infoJson(info: Info): string {
  return jsonLine(ordered(info, INFO_SHAPE));
}

/** Keys in the order of `shape`; keys that the shape does not know are left out. */
function ordered(value: unknown, shape: unknown): unknown {
  if (shape === 'leaf' || value === null || typeof value !== 'object') return value;
  if (shape === 'sorted') return Object.fromEntries(Object.entries(value).sort(byKey));
  if (Array.isArray(value)) {
    const [item] = shape as readonly [unknown];
    return value.map((element) => ordered(element, item));
  }
  const fields = value as Readonly<Record<string, unknown>>;
  const keys = Object.entries(shape as Readonly<Record<string, unknown>>);
  return Object.fromEntries(keys.map(([key, inner]) => [key, ordered(fields[key] ?? null, inner)]));
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

// JSON.stringify escapes the control characters below 0x20 only. What a terminal or an editor might still act
// on occurs in strings alone, so the finished text can be searched for it.
const STILL_UNSAFE = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** `value` as JSON on one line that is safe to print to a terminal. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(STILL_UNSAFE, (character) =>
    Array.from({ length: character.length }, (_, at) => unicodeEscape(character.charCodeAt(at))).join(''),
  );
}

function unicodeEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
