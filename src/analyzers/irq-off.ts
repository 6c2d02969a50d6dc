import { duration, elapsed, seconds } from '../base/units.ts';
import type { Case } from '../model/case.ts';
import { FLAGS } from '../model/event.ts';
import type { Alternative } from '../model/report.ts';
import type { CpuState, Mark, RingRecord } from '../model/state.ts';
import { draft, evidence, kernelReports, signatureOf, subject, task, weaker, type Draft } from './draft.ts';
import { pauseDoubt } from './pauses.ts';
import { breaksOf, distinct, knownUntil, losses, recordingWentOn } from './taint.ts';
import { isSpin } from './spins.ts';
import { openWaits } from './waits.ts';
import { watchdogVerdict } from './watchdog.ts';

// Kernels before 5.11 or so trace the idle task's sleep as one long irqs-off span: do_idle turns interrupts off, and the
// hardware wakes up with them off. Spans that begin in these functions are sleep, not work.
// The same goes for suspend, on clocks that go on meanwhile.
const IDLE_SITE = /idle|mwait|halt|wfi/i;
const SUSPEND_SITE = /suspend|hibernat|sleep_state/i;

/** Interrupts off for `thresholds.irqOffNs` or longer with no lock involved. Spins on locks are irq-off-spin's. */
export function irqOffSpans(about: Case): Draft[] {
  if (!about.timeIsNs) return [];
  return [
    ...closedSpans(about),
    ...about.state.cpus.flatMap((cpu) => openSpan(about, cpu) ?? []),
    ...flagSpans(about),
  ];
}

function closedSpans(about: Case): Draft[] {
  return about.found.irqOff.flatMap((record) => {
    const [off, on] = record.marks;
    if (!off || !on || isIdleSleep(about, off)) return [];
    const spins = about.found.waits.some(
      (wait) => wait.cpu === record.cpu && isWithin(wait, off, on) && isSpin(about, wait),
    );
    return spins ? [] : [span(about, off, on.time, on)];
  });
}

function isWithin({ marks }: RingRecord, off: Mark, on: Mark): boolean {
  return marks[0]!.time >= off.time && marks[2]!.time <= on.time;
}

function isIdleSleep(about: Case, off: Mark): boolean {
  const site = about.narrator.tell(off).callSite;
  return (off.pid === 0 && IDLE_SITE.test(site ?? 'idle')) || SUSPEND_SITE.test(site ?? '');
}

function openSpan(about: Case, cpu: CpuState): Draft | null {
  const off = cpu.irqsOff;
  const end = knownUntil(about, cpu.cpu);
  if (!off || Number(end - off.time) < about.thresholds.irqOffNs || isIdleSleep(about, off)) return null;
  if (openWaits(about).some((wait) => wait.hold.cpu === cpu.cpu && wait.irqsOff)) return null;
  return span(about, off, end, null);
}

const OPEN: Alternative = {
  cause: 'unknown',
  confidence: 'possible',
  why: 'the CPU went offline, or its recording ended early; or it spins on a lock whose tracepoints were not recorded',
};

/** `on` null: open to the end of the capture. */
function span(about: Case, off: Mark, until: bigint, on: Mark | null): Draft {
  const length = elapsed(off.time, until);
  const watchdog = watchdogVerdict(off.time, length, true, about.thresholds.watchdogNs, on && until);
  const lostTail = on === null && about.lostTails.has(off.cpu);
  const reports = kernelReports(about, off.cpu, off.pid, off.time, until);
  // A recording can end early on one CPU (design rule 10): only a long span outlasts that reading.
  const isLong = length >= about.thresholds.watchdogNs || reports.length > 0;
  const isWitnessed = recordingWentOn(about, off.cpu, off.time, reports.length > 0);
  const doubt =
    reports.length > 0 ? null : pauseDoubt(about, [off.cpu], [off.time, until], about.thresholds.irqOffNs);
  // A break shows at the first event that cannot follow what was recorded before it, which may come after the end of the span.
  const missing = distinct(
    losses(about, off.time, until, off.cpu),
    breaksOf(about, off.cpu, off.time, until + BigInt(length)),
  );
  const surest = on ? 'certain' : isLong && !lostTail && isWitnessed ? 'likely' : 'possible';
  const confidence = missing.length > 0 ? 'possible' : surest;
  return draft({
    signature: signatureOf(about, 'irq-off', 'unknown', null, off),
    kind: 'irq-off',
    cause: 'unknown',
    confidence: weaker(confidence, doubt?.atMost ?? 'certain'),
    severity: watchdog.hard === 'cannot' ? 'medium' : 'high',
    headline:
      `CPU ${off.cpu} (${task(about, off)}) ran with interrupts off for ${duration(length)} from ${seconds(off.time)}` +
      (on
        ? '; no spin on a lock explains it.'
        : ` to the end of ${lostTail ? 'its record' : 'the capture'}; no lock wait was recorded.`),
    subject: subject(about, off.cpu, off.pid, 0),
    startNs: String(off.time),
    durationNs: length,
    openEnded: on === null,
    irqsOff: { source: 'preemptirq', notBeforeNs: String(off.time), notAfterNs: String(off.time) },
    watchdog,
    kernelReports: reports,
    evidence: evidence(about, [
      [off, 'interrupts off'],
      [on, 'interrupts on'],
      ...(doubt ? [doubt.evidence] : []),
    ]),
    alternatives: [...(doubt ? [doubt.alternative] : []), ...(on === null ? [OPEN] : [])],
    taintedBy: [
      ...(lostTail ? [`the last events of CPU ${off.cpu} are lost: interrupts may have come on`] : []),
      ...missing,
    ],
  });
}

/** Without irq_disable/irq_enable: runs of events that were flagged irqs-off although their type also occurs with interrupts on. */
function flagSpans(about: Case): Draft[] {
  return about.found.flagsOff.flatMap((record) => {
    const [before, first, last, after] = record.marks;
    const cpu = about.state.cpus.find((state) => state.cpu === record.cpu);
    if (!first || !last || !after || !cpu || cpu.irqEvents > 0n || first.pid === 0) return [];
    const length = elapsed(first.time, last.time);
    return [
      draft({
        signature: signatureOf(about, 'irq-off', 'unknown', null, first),
        kind: 'irq-off',
        cause: 'unknown',
        confidence: 'possible',
        severity: 'low',
        headline:
          `Every event of CPU ${record.cpu} that could tell was flagged irqs-off for ${duration(length)} from ${seconds(first.time)}; ` +
          'without irq_disable and irq_enable events it may have had interrupts on in between.',
        subject: subject(about, record.cpu, first.pid, 0),
        startNs: String(first.time),
        durationNs: length,
        irqsOff: {
          source: 'flags',
          notBeforeNs: before ? String(before.time) : null,
          notAfterNs: String(first.time),
        },
        watchdog: watchdogVerdict(first.time, length, null, about.thresholds.watchdogNs),
        evidence: evidence(about, [
          [before, 'last event with interrupts on'],
          [first, 'first one flagged off'],
          [last, 'last one flagged off'],
          [
            after,
            (after.flags & FLAGS['irqs-off']) === 0
              ? 'interrupts on again'
              : 'an interrupt or a switch: interrupts had been on',
          ],
        ]),
      }),
    ];
  });
}
