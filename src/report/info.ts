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
    cpuLines(info.trace, 'all'),
    problemLines(info.trace.problems, paint, width),
    eventLines(info.events),
    questionLines(info.questions, paint, width),
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

/** What several questions want recorded is said once, below them. */
function questionLines(questions: readonly Question[], paint: Paint, width: number): string[] {
  if (questions.length === 0) return [];
  const shared = repeated(questions.flatMap(({ record }) => record ?? []));
  return [
    'Can it tell',
    ...questions.flatMap((question) => [
      ...answerLines(question, paint, width),
      ...(question.record === null || shared.has(question.record)
        ? []
        : hang('          next time: ', question.record, width)),
    ]),
    ...[...shared].flatMap((record) => hang('  for all else, next time: ', record, width)),
  ];
}

function answerLines({ question, answer, why }: Question, paint: Paint, width: number): string[] {
  const emphasis = { yes: paint.good, partly: paint.caution, no: paint.alarm }[answer];
  const [first = '', ...more] = hang(`  ${answer.padEnd(6)}  `, question, width);
  return [emphasis(first.slice(0, 8)) + first.slice(8), ...more, ...hang('          ', why, width)];
}

function repeated(texts: readonly string[]): Set<string> {
  return new Set(texts.filter((text, n) => texts.indexOf(text) < n));
}
