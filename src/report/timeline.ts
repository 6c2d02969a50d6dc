import type { Evidence, Finding, Waiter } from '../model/report.ts';
import type { Paint } from './paint.ts';
import { clip, hang, plural, task } from './text.ts';
import { between, type Times } from './times.ts';

// The proving events one below the other, and in the middle one column per CPU, so that what overlapped shows:
//
//     time                delta  CPU 2 3
//     47.340662843                   . A  fake_endio-108  bit_spin_acquired -- the last take
//     47.340665137    +2.294 us      L |  fake_map-107    word_load: value=0x131
//     47.340667219    +2.082 us      : R  fake_endio-108  bit_spin_release -- the unlock: bit 4 is clear
//                                    : .      bitnr=4 word_after=0x21 ip=fake_finish_bio+0x60
//     47.340668709    +1.490 us      S .  fake_map-107    word_store -- puts bit 4 back

/** Columns that would take more characters than this help nobody: the CPU's number is printed instead. */
const MAX_LANES_WIDTH = 20;
/** More evidence than this is cut, before the last few. */
const MAX_EVENTS = 40;
const LAST_EVENTS = 10;
/** Longer details than this come from damaged files. */
const MAX_DETAIL = 400;

type Mark = 'A' | 'R' | 'L' | 'S' | 'W' | 'd' | '*';

const LEGEND: readonly (readonly [mark: string, meaning: string])[] = [
  ['A', 'takes the lock'],
  ['|', 'holds it'],
  ['R', 'releases it'],
  ['L', 'loads the word'],
  [':', 'keeps the loaded value'],
  ['S', 'stores it'],
  ['d', 'irqs off'],
  ['W', 'wants the lock'],
  ['w', 'waits'],
  ['*', 'other'],
];

/** What stands in a CPU's column between two of its events, after one with this mark. */
const AFTER: Readonly<Record<Mark, string | null>> = {
  A: '|',
  R: '.',
  L: ':',
  S: '.',
  W: 'w',
  d: null,
  '*': null,
};

/** The finding's evidence in order of time as lines of at most `width` characters, without an indent. */
export function timeline(finding: Finding, times: Times, paint: Paint, width: number): string[] {
  const { evidence } = finding;
  if (evidence.length === 0) return [];
  const lanes = laneColumns(finding);
  const stamps = evidence.map((event) => times.at(event.ns));
  const deltas = evidence.map((event, at) => (at === 0 ? '' : delta(evidence[at - 1]!.ns, event.ns, times)));
  const tasks = evidence.map((event) => task(event.comm, event.pid));
  const timeWidth = longest(stamps, 4);
  const deltaWidth = longest(deltas, 5);
  const taskWidth = longest(tasks, 4);

  const lines = [paint.quiet(`${'time'.padEnd(timeWidth)}  ${'delta'.padStart(deltaWidth)}  ${lanes.head}`)];
  const blank = ' '.repeat(timeWidth + 2 + deltaWidth + 2);
  const left = evidence.length - MAX_EVENTS;
  for (const [at, event] of evidence.entries()) {
    if (left > 0 && at === MAX_EVENTS - LAST_EVENTS)
      lines.push(`... ${plural(left, 'event')} left out, see --json ...`);
    if (left > 0 && at >= MAX_EVENTS - LAST_EVENTS && at < evidence.length - LAST_EVENTS) continue;
    const stamp = `${stamps[at]!.padStart(timeWidth)}  ${deltas[at]!.padStart(deltaWidth)}  `;
    const lane = lanes.rows[at]!;
    const [first = '', ...more] = eventLines(
      event,
      finding,
      taskWidth,
      width - stamp.length - lane.at.length - 2,
    );
    lines.push(`${stamp}${lane.at}  ${first}`, ...more.map((line) => `${blank}${lane.after}  ${line}`));
  }
  if (lanes.legend !== '') lines.push(...hang('', lanes.legend, width).map((line) => paint.quiet(line)));
  return lines;
}

/** "task  event: fields", or where that is too long or means something: the meaning first and the fields below. */
function eventLines(event: Evidence, finding: Finding, taskWidth: number, width: number): string[] {
  const [raw = '', ...meanings] = clip(event.detail, MAX_DETAIL).split(' -- ');
  const fields = withoutAddress(raw, finding.lock?.address);
  const meaning = meanings.join(' -- ');
  const head = `${task(event.comm, event.pid).padEnd(taskWidth)}  `;
  const name = clip(event.event, 40);
  const short = `${name}: ${fields}`;
  if (fields === '') return hang(head, meaning === '' ? name : `${name} -- ${meaning}`, width);
  if (meaning === '' && head.length + short.length <= width) return [head + short];
  return [
    ...hang(head, meaning === '' ? name : `${name} -- ${meaning}`, width),
    ...hang('    ', fields, width),
  ];
}

/** Leaves out the one field that would say on every line which lock this is about. */
function withoutAddress(fields: string, address: string | undefined): string {
  if (address === undefined) return fields;
  return fields
    .split(' ')
    .filter((field) => !field.endsWith(`=${address}`))
    .join(' ');
}

interface Lanes {
  readonly head: string;
  /** The columns on an event's own line, and on the lines below it. */
  readonly rows: readonly { readonly at: string; readonly after: string }[];
  readonly legend: string;
}

function laneColumns(finding: Finding): Lanes {
  const { evidence } = finding;
  const cpus = [...new Set(evidence.map((event) => event.cpu))].sort((a, b) => a - b);
  const size = Math.max(...cpus.map((cpu) => String(cpu).length));
  const head = `CPU ${cpus.map((cpu) => String(cpu).padStart(size)).join(' ')}`;
  if (head.length > MAX_LANES_WIDTH) {
    const width = Math.max(size, 3);
    const rows = evidence.map((event) => ({
      at: String(event.cpu).padStart(width),
      after: ' '.repeat(width),
    }));
    return { head: 'CPU'.padStart(width), rows, legend: '' };
  }

  const state = new Map<number, string>();
  const used = new Set<string>();
  const rows = evidence.map((event) => {
    const mark = markOf(event, finding);
    const before = cpus.map((cpu) => (cpu === event.cpu ? mark : (state.get(cpu) ?? '.')));
    const after = AFTER[mark];
    if (after !== null) state.set(event.cpu, after);
    for (const cell of before) used.add(cell);
    return { at: columns(before), after: columns(cpus.map((cpu) => state.get(cpu) ?? '.')) };
  });
  const legend = LEGEND.filter(([mark]) => used.has(mark)).map(([mark, meaning]) => `${mark} ${meaning}`);
  return { head, rows, legend: legend.length > 1 ? legend.join(', ') : '' };

  function columns(cells: readonly string[]): string {
    return `    ${cells.map((cell) => cell.padStart(size)).join(' ')}`;
  }
}

/** What an event is to its finding, told by its time and CPU: names of tracepoints mean nothing here. */
function markOf(event: Evidence, finding: Finding): Mark {
  const is = (cpu: number | undefined, ns: string | null | undefined): boolean =>
    cpu === event.cpu && ns === event.ns;
  const { culprit, lastAcquire, lastRelease, holder, irqsOff, subject } = finding;
  if (is(culprit?.cpu, culprit?.storeNs)) return 'S';
  if (is(culprit?.cpu, culprit?.loadNs)) return 'L';
  // Entries and returns of functions do not tell when inside the lock was taken and released.
  const isTraced = finding.lock?.knownBy !== 'functions';
  if (isTraced && is(lastRelease?.cpu, lastRelease?.atNs)) return 'R';
  if (isTraced && is(lastAcquire?.cpu, lastAcquire?.atNs)) return 'A';
  if (is(holder?.cpu, holder?.atNs)) return 'A';
  if (finding.waiters.some((waiter) => is(waiter.cpu, waiter.sinceNs))) return 'W';
  if (!finding.openEnded && finding.waiters.some((waiter) => is(waiter.cpu, endOf(waiter)))) return 'A';
  if (is(subject?.cpu, irqsOff?.notBeforeNs)) return 'd';
  return '*';
}

/** When a wait that ended got its lock. */
function endOf({ sinceNs, durationNs }: Waiter): string {
  return String(BigInt(sinceNs) + BigInt(Math.round(durationNs)));
}

function delta(earlier: string, later: string, times: Times): string {
  const step = between(earlier, later);
  return step < 0 ? `-${times.span(-step)}` : `+${times.span(step)}`;
}

function longest(texts: readonly string[], least: number): number {
  return texts.reduce((most, text) => Math.max(most, text.length), least);
}
