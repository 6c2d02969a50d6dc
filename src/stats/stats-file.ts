import * as v from 'valibot';
import { bucketsOf } from '../base/buckets.ts';
import { SpinbackError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { SPLITS, STATS_SCHEMA, type Run, type StatsFile } from '../model/stats.ts';
import { plainRun } from './plain.ts';

/** The text of a file of statistics. The same runs give the same text. */
export function encodeStats(runs: readonly Run[]): string {
  const file: StatsFile = { schema: STATS_SCHEMA, spinback: VERSION, runs: runs.map(plainRun) };
  return `${JSON.stringify(file)}\n`;
}

/** Throws DAMAGED for anything that is not what encodeStats makes. */
export function decodeStats(bytes: Uint8Array): StatsFile {
  let raw: unknown;
  try {
    raw = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new SpinbackError(
      'DAMAGED',
      `the statistics are no JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const schema = v.safeParse(v.object({ schema: v.string() }), raw);
  if (schema.success && schema.output.schema !== STATS_SCHEMA) {
    throw new SpinbackError(
      'UNSUPPORTED',
      `these are statistics of another version (${schema.output.schema.slice(0, 40)}): this spinback reads ${STATS_SCHEMA}`,
    );
  }
  const result = v.safeParse(FILE, raw);
  if (result.success) return result.output as StatsFile;
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? 'the file';
  throw new SpinbackError('DAMAGED', `the statistics are damaged at ${where}: ${issue.message}`);
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const text = v.string();
const digits = v.pipe(v.string(), v.regex(/^-?\d{1,30}$/));

const histogram = v.pipe(
  v.object({
    precisionBits: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16)),
    count,
    sumNs: digits,
    minNs: count,
    maxNs: count,
    indices: v.array(count),
    counts: v.array(count),
  }),
  v.check(
    ({ indices, counts, count: all }) =>
      indices.length === counts.length && counts.reduce((sum, n) => sum + n, 0) === all,
    'the buckets of a histogram do not add up to its count',
  ),
  v.check(
    ({ indices }) => indices.every((index, at) => at === 0 || index > indices[at - 1]!),
    'the buckets of a histogram are out of order',
  ),
  v.check(
    ({ indices, precisionBits }) => (indices.at(-1) ?? 0) < bucketsOf(precisionBits),
    'a histogram has a bucket beyond the last one',
  ),
);

const counts = {
  acquisitions: count,
  reads: count,
  contentions: count,
  wait: v.nullable(histogram),
  hold: v.nullable(histogram),
  off: v.nullable(histogram),
};

const exemplar = v.nullable(
  v.object({
    ns: count,
    atNs: digits,
    cpu: count,
    pid: v.pipe(v.number(), v.integer()),
    comm: v.nullable(text),
    address: v.nullable(text),
  }),
);

const row = v.object({
  kind: v.picklist(['lock', 'irqs-off', 'preempt-off']),
  source: v.nullable(v.picklist(['lockdep', 'bit', 'contention'])),
  name: text,
  by: v.nullable(text),
  ...counts,
  longestWait: exemplar,
  longestHold: exemplar,
  longestOff: exemplar,
  openWaits: count,
  longestOpenWaitNs: count,
});

const events = v.array(v.object({ event: text, count }));

const run = v.pipe(
  v.object({
    path: text,
    format: text,
    clock: text,
    timeUnit: v.picklist(['ns', 'cycles', 'relative']),
    kernel: v.nullable(text),
    cpus: count,
    startNs: v.nullable(digits),
    endNs: v.nullable(digits),
    durationNs: count,
    lost: v.nullable(count),
    problems: v.array(
      v.object({
        name: text,
        severity: v.picklist(['info', 'error', 'data loss']),
        text,
        count,
        offset: v.nullable(count),
      }),
    ),
    split: v.picklist(SPLITS),
    events,
    rows: v.array(row),
    blocks: v.array(
      v.object({ durationNs: count, events, rows: v.array(v.object({ row: count, ...counts })) }),
    ),
    findings: v.array(
      v.object({
        signature: text,
        kind: text,
        cause: text,
        confidence: text,
        headline: text,
        row: v.nullable(count),
      }),
    ),
    notes: v.array(text),
  }),
  v.check(
    ({ rows, blocks, findings }) =>
      blocks.every((block) => block.rows.every((part) => part.row < rows.length)) &&
      findings.every((finding) => finding.row === null || finding.row < rows.length),
    'a block or a finding names a row that is not there',
  ),
);

const FILE = v.object({
  schema: v.literal(STATS_SCHEMA),
  spinback: text,
  runs: v.pipe(v.array(run), v.minLength(1)),
});
