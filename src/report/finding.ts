import type { Confidence, Evidence, Finding, IrqsOff, LockName, Verdict, Watchdog } from '../model/report.ts';
import type { Paint } from './paint.ts';
import { end, lockText, story, who } from './story.ts';
import { clip, hang, plural } from './text.ts';
import { timeline } from './timeline.ts';
import { between, type Times } from './times.ts';

/** How many of a long list a finding shows; the rest is announced. */
const MAX_ITEMS = 8;
/** Width of the labels in front of a finding's facts. */
const LABEL = 14;
const MAX_TEXT = 600;

export interface FindingStyle {
  readonly times: Times;
  readonly paint: Paint;
  /** Characters in a line. */
  readonly width: number;
  /** The capture lies in a kernel log, which was not read. */
  readonly isInLog: boolean;
}

/**
 * A finding with its facts and its proof, at most `width` characters to a line. Facts that `before`, findings of the
 * same incident shown earlier, have in common with it are not repeated, nor is a proof that adds no event.
 */
export function findingLines(finding: Finding, before: readonly Finding[], style: FindingStyle): string[] {
  const { times, paint, width } = style;
  const title = `${finding.id} ${kindText(finding)} (${finding.confidence}, severity ${finding.severity})`;
  const known = new Set(before.flatMap((other) => facts(other, style)).map(String));
  const fresh = facts(finding, style).filter((fact) => !known.has(String(fact)));
  if (before.length > 0) {
    fresh.push(['not repeated', `what is the same in ${before.map(({ id }) => id).join(', ')}`]);
  }
  const seen = new Set(before.flatMap(({ evidence }) => evidence).map(place));
  const proves = finding.evidence.some((event) => !seen.has(place(event)));
  const proof = proves ? timeline(finding, times, paint, width - 2).map((line) => `  ${line}`) : [];
  return [
    paint.title(paintConfidence(finding.confidence, paint)(title)),
    ...hang('  ', clip(story(finding, times), MAX_TEXT), width),
    '',
    ...fresh.flatMap(([label, text]) => hang(`  ${`${label}:`.padEnd(LABEL)}`, clip(text, MAX_TEXT), width)),
    ...(proof.length === 0 ? [] : ['', ...proof]),
  ];
}

/** A finding on one line of at most `width` characters. */
export function findingLine(finding: Finding, { times, paint, width }: FindingStyle): string {
  const { subject, lock, durationNs } = finding;
  const head = `${finding.id.padEnd(4)} ${finding.confidence.padEnd(8)}  `;
  const parts = [
    kindText(finding),
    times.at(finding.startNs),
    ...(subject === null ? [] : [who(subject)]),
    ...(lock === null ? [] : [lock.bit === null ? lockText(lock) : `${lock.address}:${lock.bit}`]),
    ...(durationNs === 0 ? [] : [times.span(durationNs)]),
  ];
  return paintConfidence(finding.confidence, paint)(head) + clip(parts.join(', '), width - head.length);
}

/** "never-released: lost-unlock"; the kind alone where the cause is not known. */
function kindText({ kind, cause }: Finding): string {
  return cause === 'unknown' ? kind : `${kind}: ${cause}`;
}

function place({ ns, cpu, event }: Evidence): string {
  return `${ns} ${cpu} ${event}`;
}

function paintConfidence(confidence: Confidence, paint: Paint): (text: string) => string {
  switch (confidence) {
    case 'certain':
      return paint.alarm;
    case 'likely':
      return paint.caution;
    case 'possible':
      return paint.quiet;
  }
}

type Fact = readonly [label: string, text: string];

function facts(finding: Finding, style: FindingStyle): Fact[] {
  const { times } = style;
  const { lock, lastAcquire, lastRelease, culprit, watchdog, irqsOff } = finding;
  const list: Fact[] = [];
  if (lock !== null) list.push(['lock', lockFact(lock)]);
  const lasted = times.span(finding.durationNs);
  list.push(['since', `${times.at(finding.startNs)}, for ${lasted}, to ${end(finding, times)}`]);
  if (lock !== null) list.push(['holder', holderFact(finding, times)]);
  const [take, release] =
    lock?.knownBy === 'functions' ? ['last entry', 'last return'] : ['last take', 'last release'];
  if (lastAcquire !== null && lastAcquire.atNs !== finding.holder?.atNs) {
    list.push([take, `${times.at(lastAcquire.atNs)}, ${who(lastAcquire)}`]);
  }
  // A release from before the last take says nothing about this hold.
  if (lastRelease !== null && (lastAcquire === null || between(lastAcquire.atNs, lastRelease.atNs) >= 0)) {
    list.push([release, `${times.at(lastRelease.atNs)}, ${who(lastRelease)}`]);
  }
  if (culprit !== null) {
    const load =
      culprit.loadNs === null ? 'its load is not in the trace' : `loaded at ${times.at(culprit.loadNs)}`;
    list.push(['store', `${times.at(culprit.storeNs)}, ${who(culprit)}, ${culprit.value}, ${load}`]);
  }
  list.push(...waiterFacts(finding, times));
  if (irqsOff !== null) list.push(['irqs off', irqsFact(irqsOff, times)]);
  if (watchdog !== null) list.push(...watchdogFacts(finding, watchdog, style));
  list.push(...kernelFacts(finding, times));
  for (const other of finding.alternatives) {
    list.push(['or else', `${other.cause} (${other.confidence}): ${other.why}`]);
  }
  for (const loss of finding.taintedBy) list.push(['tainted by', loss]);
  if (finding.related.length > 0) list.push(['see also', finding.related.join(', ')]);
  list.push(['signature', finding.signature]);
  return list;
}

function lockFact(lock: LockName): string {
  switch (lock.namespace) {
    case 'bit':
    case 'word':
      return lockText(lock);
    case 'lockdep':
      return `${lockText(lock)}, address of the lockdep map`;
    case 'lock':
      return `${lockText(lock)}, address of the lock`;
  }
}

function holderFact(finding: Finding, times: Times): string {
  if (finding.holder !== null) return `${who(finding.holder)} since ${times.at(finding.holder.atNs)}`;
  if (finding.cause === 'lost-unlock') return 'nobody';
  if (finding.cause === 'held-at-end') return 'nobody alone: readers';
  const elsewhere = finding.kind !== 'never-released' && finding.related.length > 0;
  return elsewhere ? `see ${finding.related.join(', ')}` : 'not known from this capture';
}

function waiterFacts(finding: Finding, times: Times): Fact[] {
  const { waiters, subject } = finding;
  if (waiters.length === 0) {
    return subject === null ? [] : [['subject', `${who(subject)}, in ${subject.context} context`]];
  }
  const shown = waiters.slice(0, MAX_ITEMS).map((waiter): Fact => {
    const irqs = waiter.irqsOff === null ? '' : waiter.irqsOff ? ', irqs off' : ', irqs on';
    return [
      'waiter',
      `${who(waiter)} since ${times.at(waiter.sinceNs)}, for ${times.span(waiter.durationNs)}${irqs}`,
    ];
  });
  return [...shown, ...rest('waiter', waiters.length)];
}

function rest(label: string, count: number): Fact[] {
  return count > MAX_ITEMS ? [[label, `and ${plural(count - MAX_ITEMS, 'more', 'more')}, see --json`]] : [];
}

function irqsFact(irqs: IrqsOff, times: Times): string {
  const from = irqs.notBeforeNs === null ? null : times.at(irqs.notBeforeNs);
  const to = irqs.notAfterNs === null ? null : times.at(irqs.notAfterNs);
  switch (irqs.source) {
    case 'preemptirq':
      return `since ${from ?? to ?? 'an unknown time'} (irq_disable events)`;
    case 'flags':
      return (
        (from === null ? 'since an unknown time' : `since ${from} at the earliest`) +
        (to === null ? '' : `, ${to} at the latest`) +
        " (from the events' irqs-off flags)"
      );
    case 'none':
      return 'not known when they went off: neither irq_disable events nor flags tell';
  }
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  cannot: 'cannot fire',
  may: 'may fire',
  must: 'must fire',
};

function watchdogFacts(finding: Finding, watchdog: Watchdog, style: FindingStyle): Fact[] {
  const { times } = style;
  const window =
    watchdog.hard === 'cannot'
      ? ''
      : ` between ${times.near(watchdog.firesFromNs)} and ${times.near(watchdog.firesToNs)}`;
  const report = finding.kernelReports.find(({ text }) => /hard lockup/i.test(text));
  const hard = `${VERDICTS[watchdog.hard]}${window} (T = ${times.limit(watchdog.thresholdNs)})`;
  const soft =
    watchdog.soft === 'cannot' && irqsAreOff(finding)
      ? 'cannot fire while its CPU has interrupts off'
      : VERDICTS[watchdog.soft];
  return [
    ['hard lockup', `${hard}; ${spoke(report?.ns, watchdog, style)}`],
    ['soft lockup', soft],
  ];
}

function irqsAreOff({ irqsOff }: Finding): boolean {
  return irqsOff !== null && irqsOff.source !== 'none';
}

function spoke(ns: string | undefined, watchdog: Watchdog, { times, isInLog }: FindingStyle): string {
  if (ns === undefined) {
    return isInLog
      ? 'a report of it may stand in the log around the dump'
      : 'no report of it in this capture';
  }
  const said = `the kernel said so at ${times.near(ns)}`;
  if (watchdog.hard === 'cannot') return said;
  const early = between(ns, watchdog.firesFromNs);
  if (early > 0) return `${said}, ${times.span(early)} before that window`;
  const late = between(watchdog.firesToNs, ns);
  return late > 0 ? `${said}, ${times.span(late)} after that window (late timers)` : said;
}

function kernelFacts(finding: Finding, times: Times): Fact[] {
  const { kernelReports } = finding;
  const shown = kernelReports
    .slice(0, MAX_ITEMS)
    .map(({ ns, text }): Fact => ['kernel log', `${times.at(ns)} ${text.replace(/(\\n|\s)+$/, '')}`]);
  return [...shown, ...rest('kernel log', kernelReports.length)];
}
