import type { Info, Question, TypeCount } from '../model/report.ts';
import { PLAIN, type Paint } from './paint.ts';
import { printableCopy } from './printable.ts';
import { table } from './table.ts';
import { MAX_WIDTH, clip, hang, page } from './text.ts';
import { cpuLines, problemLines, traceLines } from './trace-header.ts';

export interface InfoOptions {
  readonly paint?: Paint;
  /** Characters in a line, MAX_WIDTH by default. */
  readonly width?: number;
}

/** What a capture holds and which questions it can answer, for people. Ends with a newline. */
export function infoText(raw: Info, options: InfoOptions = {}): string {
  const info = printableCopy(raw);
  const { paint = PLAIN, width = MAX_WIDTH } = options;
  return page([
    traceLines(info.trace, info.spinback, paint, width),
    cpuLines(info.trace, true),
    problemLines(info.trace.problems, paint, width),
    eventLines(info.events),
    info.questions.length === 0
      ? []
      : ['Can it tell', ...info.questions.flatMap((question) => questionLines(question, paint, width))],
  ]);
}

function eventLines(events: readonly TypeCount[]): string[] {
  if (events.length === 0) return ['No events.'];
  return table(
    ['events', 'type'],
    events.map(({ event, count }) => [String(count), clip(event, 60)]),
    ['right', 'left'],
  );
}

function questionLines({ question, answer, why, record }: Question, paint: Paint, width: number): string[] {
  const emphasis = { yes: paint.good, partly: paint.caution, no: paint.alarm }[answer];
  const [first = '', ...more] = hang(`  ${answer.padEnd(6)}  `, question, width);
  return [
    emphasis(first.slice(0, 8)) + first.slice(8),
    ...more,
    ...hang('          ', why, width),
    ...(record === null ? [] : hang('          next time: ', record, width)),
  ];
}
