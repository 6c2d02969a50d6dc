import type { CpuSummary, Problem, TraceSummary } from '../model/report.ts';
import type { Paint } from './paint.ts';
import { table } from './table.ts';
import { hang, plural } from './text.ts';
import { between, countsNanoseconds, timesOf, type Times } from './times.ts';

/** Above this many CPUs the analyze report lists only those of its findings, and those that lost something. */
const MAX_CPUS = 16;

/** What was read, in one block: file, format, kernel, clock, span. At most `width` characters to a line. */
export function traceLines(trace: TraceSummary, spinback: string, paint: Paint, width: number): string[] {
  const times = timesOf(trace);
  const facts: (readonly [label: string, text: string])[] = [
    ['format', `${trace.format}, clock ${trace.clock}${unitNote(trace)}`],
    ['kernel', trace.kernel ?? 'not recorded'],
    ['events', `${trace.events} on ${plural(trace.cpus, 'CPU')}`],
  ];
  if (trace.startNs !== null && trace.endNs !== null) {
    const span = times.span(between(trace.startNs, trace.endNs));
    facts.push(['span', `${times.at(trace.startNs)} to ${times.at(trace.endNs)}, ${span}`]);
  }
  facts.push(['lost', lossText(trace.perCpu)]);
  return [
    ...hang('', `spinback ${spinback}: ${trace.path}`, width).map((line) => paint.title(line)),
    ...facts.flatMap(([label, text]) => hang(`  ${`${label}:`.padEnd(9)}`, text, width)),
  ];
}

function unitNote(trace: TraceSummary): string {
  if (trace.timeUnit === 'cycles') return ' (cycles; how long one is is not recorded)';
  if (!countsNanoseconds(trace)) return ' (counts events, not time)';
  return trace.timeUnit === 'relative' ? ' (times count from the start of the buffer)' : '';
}

/** "nothing that the recorder knows of", "1625934 events on CPUs 0 2 3, an unknown number on CPU 1". */
function lossText(perCpu: readonly CpuSummary[]): string {
  const counted = perCpu.filter(({ lost }) => lost !== null && lost > 0);
  const unknown = perCpu.filter(({ lost }) => lost === null);
  const total = counted.reduce((sum, { lost }) => sum + lost!, 0);
  const breaks = perCpu.reduce((sum, cpu) => sum + cpu.breaks, 0);
  const parts = [
    ...(counted.length > 0 ? [`${plural(total, 'event')} on ${cpuList(counted)}`] : []),
    ...(unknown.length > 0 ? [`an unknown number on ${cpuList(unknown)}`] : []),
    ...(breaks > 0 ? [`${plural(breaks, 'break')} in continuity without a loss mark`] : []),
  ];
  return parts.length === 0 ? 'nothing that the recorder knows of' : parts.join(', ');
}

function cpuList(cpus: readonly CpuSummary[]): string {
  const shown = cpus.slice(0, MAX_CPUS).map(({ cpu }) => cpu);
  const more = cpus.length > MAX_CPUS ? ` and ${cpus.length - MAX_CPUS} more` : '';
  return `${cpus.length === 1 ? 'CPU' : 'CPUs'} ${shown.join(' ')}${more}`;
}

/**
 * First and last event, events and losses of each CPU. Where there are many, of those that `wanted` names, the first of them
 * first, and of those that lost something; 'all': of every one, however many there are.
 */
export function cpuLines(trace: TraceSummary, wanted: 'all' | readonly number[]): string[] {
  const times = timesOf(trace);
  const isLossy = ({ lost, breaks }: CpuSummary): boolean => lost !== 0 || breaks > 0;
  const isAll = wanted === 'all' || trace.perCpu.length <= MAX_CPUS;
  const named = isAll ? [] : wanted.flatMap((cpu) => trace.perCpu.find((known) => known.cpu === cpu) ?? []);
  const few = new Set([...named, ...trace.perCpu.filter(isLossy)].slice(0, MAX_CPUS));
  const listed = isAll ? trace.perCpu : trace.perCpu.filter((cpu) => few.has(cpu));
  const rest = trace.perCpu.filter((cpu) => !listed.includes(cpu));
  if (trace.perCpu.length === 0) return [];
  const rows = listed.map((cpu) => [
    String(cpu.cpu),
    cpu.firstNs === null ? '-' : times.at(cpu.firstNs),
    cpu.lastNs === null ? '-' : times.at(cpu.lastNs),
    String(cpu.events),
    cpu.lost === null ? '?' : String(cpu.lost),
    String(cpu.breaks),
  ]);
  return [
    ...(rows.length === 0
      ? []
      : table(['CPU', 'first', 'last', 'events', 'lost', 'breaks'], rows, [
          'right',
          'right',
          'right',
          'right',
          'right',
          'right',
        ])),
    ...(rest.length > 0 ? [restLine(rest, times)] : []),
  ];
}

/** "  80 more CPUs: 62134 events, the last of each between 50.271484000 and 50.306806453, 12 lost; see spinback info". */
function restLine(rest: readonly CpuSummary[], times: Times): string {
  const events = rest.reduce((sum, cpu) => sum + cpu.events, 0);
  const lost = rest.reduce((sum, cpu) => sum + (cpu.lost ?? 0), 0);
  const ends = rest.flatMap(({ lastNs }) => lastNs ?? []).toSorted((a, b) => between(b, a));
  const last =
    ends.length === 0
      ? ''
      : `, the last of each between ${times.near(ends[0]!)} and ${times.near(ends.at(-1)!)}`;
  const losses = rest.some((cpu) => cpu.lost === null) ? ', some lost' : lost > 0 ? `, ${lost} lost` : '';
  return `  ${plural(rest.length, 'more CPU')}: ${plural(events, 'event')}${last}${losses}; see spinback info`;
}

/** Damage and losses, the worst first. */
export function problemLines(problems: readonly Problem[], paint: Paint, width: number): string[] {
  const order: readonly Problem['severity'][] = ['error', 'data loss', 'info'];
  const emphasis = { error: paint.alarm, 'data loss': paint.caution, info: paint.quiet };
  return order.flatMap((severity) =>
    problems
      .filter((problem) => problem.severity === severity)
      .flatMap((problem) => {
        const [first = '', ...more] = hang(`  ${severity.padEnd(9)}  `, problemText(problem), width);
        return [emphasis[severity](first.slice(0, 11)) + first.slice(11), ...more];
      }),
  );
}

/** Problems that count events, not the times that they were met. */
const EVENTS: ReadonlySet<string> = new Set(['overwritten', 'missing-entries', 'lost', 'lost-samples']);

/** "bad-page: a sub-buffer does not hold together (3 times, first at offset 81920)". */
export function problemText({ name, text, count, offset }: Problem): string {
  const notes = [
    ...(count === 1 ? [] : [EVENTS.has(name) ? `${count} events` : `${count} times`]),
    ...(offset === null ? [] : [`${count === 1 ? '' : 'first '}at offset ${offset}`]),
  ];
  return `${name}: ${text}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`;
}
