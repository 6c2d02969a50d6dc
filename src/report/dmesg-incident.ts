import type { Hypothesis, Incident } from '../model/kernel-log.ts';
import { incidentFacts } from './dmesg-facts.ts';
import type { Paint } from './paint.ts';
import { clip, hang } from './text.ts';

const LABEL = 13;
const MAX_TEXT = 700;

/** An incident with its facts and explanations, at most `width` characters to a line. */
export function incidentLines(incident: Incident, paint: Paint, width: number): string[] {
  const { id, headline, hypotheses, unknown, record } = incident;
  const fact = ([label, text]: readonly [string, string]): string[] =>
    hang(`  ${(label === '' ? '' : `${label}:`).padEnd(LABEL)}`, clip(text, MAX_TEXT), width);
  return [
    ...hang(`${id} `, clip(headline, MAX_TEXT), width).map((line) => paint.title(paint.alarm(line))),
    '',
    ...incidentFacts(incident).flatMap(fact),
    ...(hypotheses.length === 0
      ? []
      : ['', ...hypotheses.flatMap((hypothesis, at) => hypothesisLines(hypothesis, at + 1, paint, width))]),
    ...(unknown.length + record.length === 0 ? [] : ['']),
    ...unknown.flatMap((text) => fact(['not known', text])),
    ...record.flatMap((text) => fact(['record', text])),
  ];
}

function hypothesisLines(
  { cause, confidence, says, pro, contra, settledBy }: Hypothesis,
  rank: number,
  paint: Paint,
  width: number,
): string[] {
  const strong = confidence === 'likely' ? paint.caution : paint.quiet;
  return [
    ...hang(`  ${rank}. `, `${cause} (${confidence}): ${says}`, width).map((line, at) =>
      at === 0 ? strong(line) : line,
    ),
    ...pro.flatMap((text) => hang('     + ', text, width)),
    ...contra.flatMap((text) => hang('     - ', text, width)),
    ...hang('     ? ', settledBy, width),
  ];
}
