import { elapsed } from '../base/units.ts';
import type { Case, KernelMessage } from '../model/case.ts';
import { endOf, type Finding, type KernelReport } from '../model/report.ts';
import {
  draft,
  evidence,
  isStuckCpu,
  ownEvent,
  pidAfter,
  kernelReports,
  PRINTED_LATE,
  subject,
  task,
  type Draft,
} from './draft.ts';
import { at } from './times.ts';
import { cpuOf } from './waits.ts';
import { watchdogVerdict } from './watchdog.ts';

// What the kernel itself said while it was recorded, where no finding says it.

/**
 * CPUs that the kernel reported as locked up and that no draft is about: their events before were lost, never recorded, or
 * gave no rhythm. That the CPU was stuck is the kernel's word; since when and on what is not in the capture.
 */
export function reportedCpus(about: Case, drafts: readonly Draft[]): Draft[] {
  const told = new Set<number>();
  return about.found.messages.flatMap((message) => {
    if (message.report?.kind !== 'hard-lockup') return [];
    const cpus = message.report.cpus.filter((cpu) => !told.has(cpu) && !isTold(drafts, cpu, message));
    for (const cpu of cpus) told.add(cpu);
    return cpus.map((cpu) => reportedCpu(about, cpu, message));
  });
}

function isTold(drafts: readonly Draft[], cpu: number, { mark }: KernelMessage): boolean {
  return drafts.some(
    (draft) =>
      draft.subject?.cpu === cpu &&
      isStuckCpu(draft) &&
      BigInt(draft.startNs) <= mark.time &&
      mark.time <= endOf(draft) + PRINTED_LATE,
  );
}

function reportedCpu(about: Case, number: number, { mark }: KernelMessage): Draft {
  const cpu = cpuOf(about, number);
  const last = cpu?.last ?? null;
  const end = about.state.lastTime;
  const wentOn = last !== null && last.time > mark.time;
  // Where the end of its record is missing, its last event tells nothing.
  const isCut = about.lostTails.has(number);
  // Since when is not known: not before its last event, and at the latest when the kernel said so.
  const since = wentOn || isCut || !last ? mark.time : last.time;
  const before = last
    ? `the last ${ownEvent(last)} is at ${at(about, last.time)}`
    : cpu && cpu.events > 0n
      ? 'what this capture holds of it since is from NMIs'
      : 'this capture holds nothing of it';
  // Its backtrace is printed by the CPU itself, as the task that the NMI found there.
  const own = about.found.messages.find(
    (message) => message.mark.cpu === number && message.mark.time >= mark.time,
  );
  const pid = last ? pidAfter(last) : (own?.mark.pid ?? -1);
  return draft({
    signature: 'silent-cpu/unknown',
    kind: 'silent-cpu',
    cause: 'unknown',
    confidence: 'possible',
    severity: 'high',
    headline:
      `The kernel reported a hard lockup of CPU ${number} at ${at(about, mark.time)}; ` +
      (wentOn
        ? `the CPU went on later (${at(about, last.time)}), and what stopped it is not in this capture.`
        : `${before}${pid > 0 ? `, and it ran ${task(about, { pid })}` : ''}. Since when it was stuck, and on what, is not in this capture.`),
    subject: pid < 0 ? null : subject(about, number, pid, cpu?.level ?? 0),
    startNs: String(since),
    durationNs: wentOn || isCut ? 0 : elapsed(since, end),
    openEnded: !wentOn && !isCut,
    irqsOff: { source: 'none', notBeforeNs: null, notAfterNs: null },
    watchdog:
      last && !wentOn && !isCut && about.timeIsNs
        ? watchdogVerdict(last.time, elapsed(last.time, end), null, about.thresholds.watchdogNs)
        : null,
    alternatives: [
      {
        cause: 'spinning with interrupts off',
        confidence: 'possible',
        why:
          'what the detector reports is a CPU that takes no timer interrupts; to see on what it spins, the recording has to begin before: ' +
          'record lock operations and preemptirq events into a ring that goes on until the report',
      },
      {
        cause: 'machine paused',
        confidence: 'possible',
        why: 'the detector also fires where a virtual CPU was not run by its host for as long',
      },
    ],
    kernelReports: kernelReports(about, number, pid, about.state.firstTime),
    evidence: evidence(about, [
      [wentOn ? null : last, last ? `the last ${ownEvent(last)}` : ''],
      [mark, `the kernel reports the lockup of CPU ${number}`],
      [wentOn ? last : null, 'the CPU goes on'],
    ]),
    taintedBy: isCut ? [`the last events of CPU ${number} are lost: what it did then is not known`] : [],
  });
}

/** Reports of the kernel, in order of time, that no finding carries. */
export function unexplained(about: Case, findings: readonly Finding[]): KernelReport[] {
  const carried = new Set(findings.flatMap((finding) => finding.kernelReports.map(keyOf)));
  return about.found.messages
    .filter(({ report }) => report !== null)
    .map(({ mark, text }) => ({ ns: String(mark.time), text }))
    .filter((report) => !carried.has(keyOf(report)));
}

function keyOf({ ns, text }: KernelReport): string {
  return `${ns} ${text}`;
}
