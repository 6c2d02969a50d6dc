import { duration, elapsed, seconds } from '../base/units.ts';
import { FLAGS } from '../model/event.ts';
import type { Case } from '../model/case.ts';
import type { Alternative, Confidence, IrqsOff } from '../model/report.ts';
import type { CpuState, Mark, RingRecord } from '../model/state.ts';
import {
  draft,
  evidence,
  kernelReports,
  ownEvent,
  pidAfter,
  subject,
  task,
  weaker,
  type Draft,
} from './draft.ts';
import { pauseDoubt } from './pauses.ts';
import { recordingWentOn } from './taint.ts';
import { untilRecordsEnd } from './time-steps.ts';
import { openWaits } from './waits.ts';
import { watchdogVerdict } from './watchdog.ts';

// A silence counts only against a rhythm: so many intervals seen, and the silence so many times the longest of them. Ticks are
// regular by nature; other events are only as regular as the work.
const TICKS = { needed: 20, timesLonger: 10 };
const EVENTS = { needed: 50, timesLonger: 50 };

// The last task of a CPU that goes offline, by name (kernel/smpboot.c, kernel/stop_machine.c, kernel/cpu.c, Linux 6.12).
const HOTPLUG_TASK = /^(migration|cpuhp|stopper|irq_work)\//;

interface Rhythm {
  readonly intervals: number;
  readonly timesLonger: number;
  readonly longestNs: number;
  readonly of: string;
}

/** CPUs that stopped emitting events while others went on, and were not idling (design rule 10). NMIs are no sign of life. */
export function silentCpus(about: Case): Draft[] {
  if (!about.timeIsNs) return [];
  return [
    ...endingsOf(about).flatMap((ending) =>
      typeof ending.verdict === 'string' ? [] : silent(about, ending, ending.verdict),
    ),
    ...about.found.gaps.flatMap((record) => silentMeanwhile(about, record) ?? []),
  ];
}

const UNJUDGED = {
  together:
    'and so did most of the others, which is what a recording looks like that was cut short, and what several silent CPUs do',
  irregular: 'but had no rhythm before that such a silence would break',
} as const;

/** What nobody judges of silences at the end: how many CPUs, and why, as a sentence. */
export function unjudgedSilence(whole: Case): { readonly cpus: number; readonly why: string } | null {
  const about = whole.outOfOrder ? whole : untilRecordsEnd(whole);
  if (!about.timeIsNs) return null;
  const open = endingsOf(about).filter(({ verdict }) => typeof verdict === 'string');
  const parts = Object.entries(UNJUDGED).flatMap(([verdict, why]) => {
    const these = open.filter((ending) => ending.verdict === verdict);
    if (these.length === 0) return [];
    const longest = Math.max(...these.map(({ silence }) => silence));
    const [which, upTo] =
      these.length === 1
        ? [`CPU ${these[0]!.cpu.cpu}`, '']
        : [`CPUs ${these.map(({ cpu }) => cpu.cpu).join(', ')}`, 'up to '];
    return [`${which} emitted nothing at the end, for ${upTo}${duration(longest)}, without idling, ${why}`];
  });
  return parts.length === 0 ? null : { cpus: open.length, why: parts.join('; ') };
}

/** Hard interrupts (timer ticks) where the capture shows them, otherwise all events while not idling. */
function rhythmOf(cpu: CpuState): Rhythm | null {
  const [ticks, gaps] = [Number(cpu.ticks), Number(cpu.busyGaps)];
  if (ticks >= TICKS.needed) {
    return {
      intervals: ticks,
      timesLonger: TICKS.timesLonger,
      longestNs: Number(cpu.tickMax),
      of: 'hard interrupts',
    };
  }
  if (gaps >= EVENTS.needed) {
    return { intervals: gaps, timesLonger: EVENTS.timesLonger, longestNs: Number(cpu.busyMax), of: 'events' };
  }
  return null;
}

/** A CPU that was not idling when it emitted its last event, long before the end of the capture. */
interface Ending {
  readonly cpu: CpuState;
  readonly last: Mark;
  readonly silence: number;
  /** The rhythm that it broke, or why nobody can tell whether it fell silent. */
  readonly verdict: Rhythm | keyof typeof UNJUDGED;
}

function endingsOf(about: Case): Ending[] {
  const spinning = new Set(
    openWaits(about)
      .filter((wait) => wait.spins && wait.durationNs >= about.thresholds.spinNs)
      .map((wait) => wait.hold.cpu),
  );
  return about.state.cpus.flatMap((cpu) => {
    const { last } = cpu;
    if (!last || about.lostTails.has(cpu.cpu) || spinning.has(cpu.cpu)) return [];
    const silence = elapsed(last.time, about.state.lastTime);
    const pid = pidAfter(last);
    if (silence < about.thresholds.irqOffNs || (pid === 0 && cpu.level === 0)) return [];
    if (HOTPLUG_TASK.test(about.narrator.comm(pid) ?? '')) return [];
    const verdict = verdictOn(about, cpu, last, silence, spinning);
    return [{ cpu, last: { ...last, pid }, silence, verdict }];
  });
}

/** `spinning`: CPUs whose silence is explained; they say nothing about when the recording ended. */
function verdictOn(
  about: Case,
  cpu: CpuState,
  last: Mark,
  silence: number,
  spinning: ReadonlySet<number>,
): Ending['verdict'] {
  const others = about.state.cpus.filter(
    (other) => other.cpu !== cpu.cpu && other.events > 0n && !spinning.has(other.cpu),
  );
  // One CPU among several that ended early together is a recording that was cut, not a CPU that fell silent.
  const alive = others.filter((other) => elapsed(last.time, other.last?.time ?? 0n) > silence / 2);
  if (alive.length === 0 || alive.length * 2 < others.length) return 'together';
  const rhythm = rhythmOf(cpu);
  return rhythm && silence >= rhythm.timesLonger * rhythm.longestNs ? rhythm : 'irregular';
}

function silent(about: Case, { cpu, last, silence }: Ending, rhythm: Rhythm): Draft {
  const off = cpu.irqsOff;
  const irqsOff: IrqsOff = off
    ? { source: 'preemptirq', notBeforeNs: String(off.time), notAfterNs: String(off.time) }
    : { source: 'none', notBeforeNs: null, notAfterNs: null };
  const reports = kernelReports(about, cpu.cpu, last.pid, last.time);
  // Recordings of healthy CPUs can end a few seconds apart (design rule 10).
  const isLong = silence >= about.thresholds.watchdogNs || reports.length > 0;
  const isWitnessed = recordingWentOn(about, cpu.cpu, last.time, reports.length > 0);
  const doubt =
    reports.length > 0
      ? null
      : pauseDoubt(about, [cpu.cpu], [last.time, about.state.lastTime], about.thresholds.irqOffNs);
  const confidence: Confidence = weaker(
    off && isLong && isWitnessed ? 'likely' : 'possible',
    doubt?.atMost ?? 'certain',
  );
  const since = off?.time ?? last.time;
  // What comes through all the same: NMIs, and what is printed from them or from a hard interrupt.
  const showsMore = cpu.lastTime > last.time;
  const alternatives: Alternative[] = [
    {
      cause: 'spinning with interrupts off',
      confidence,
      why: off
        ? 'interrupts went off and no event followed; which lock, if any, is not in this capture: record bit-lock or lock:* events'
        : 'a CPU that spins with interrupts off emits nothing; since when they were off, and on which lock, cannot be known from these events: ' +
          'record preemptirq:irq_disable and irq_enable, and kprobes or tracepoints on the lock operations',
    },
    {
      cause: 'offline',
      confidence: 'possible',
      why: 'the CPU was taken offline; no hotplug task was seen to run last',
    },
    {
      cause: 'recording ended',
      confidence: 'possible',
      why: showsMore
        ? `the recording of this CPU alone stopped after ${seconds(cpu.lastTime)}, when an NMI or a message last shows that it went on`
        : isWitnessed
          ? 'the recording of this CPU alone stopped early, although the recorder does not say so'
          : 'the recording of this CPU alone stopped early: nothing shows that it went on',
    },
    ...(doubt ? [doubt.alternative] : []),
  ];
  const sites = cpu.flagsOn
    ? `; interrupts were last seen on at ${seconds(cpu.flagsOn.time)}`
    : (last.flags & FLAGS['irqs-unknown']) === 0
      ? '; no event of this CPU ever showed interrupts on'
      : '; this text has no flags that tell';
  return draft({
    signature: 'silent-cpu/unknown',
    kind: 'silent-cpu',
    cause: 'unknown',
    confidence,
    severity: 'high',
    headline:
      `CPU ${cpu.cpu} emits nothing${showsMore ? ' but NMIs and messages' : ''} after ${seconds(last.time)} while the others go on for ${duration(silence)}; it was running ${task(about, last)}. ` +
      `Before that its longest pause between ${rhythm.of} was ${duration(rhythm.longestNs)} (of ${rhythm.intervals}). ` +
      (off
        ? `Interrupts are off since ${seconds(off.time)}.`
        : `Since when interrupts were off is unknown${sites}.`),
    subject: subject(about, cpu.cpu, last.pid, cpu.level),
    startNs: String(last.time),
    durationNs: silence,
    openEnded: true,
    irqsOff,
    watchdog: watchdogVerdict(
      since,
      elapsed(since, about.state.lastTime),
      off ? true : null,
      about.thresholds.watchdogNs,
    ),
    alternatives,
    kernelReports: reports,
    evidence: evidence(about, [
      [off, 'interrupts off, and never on again'],
      [off && cpu.last?.offset === off.offset ? null : cpu.last, `the last ${ownEvent(cpu.last ?? last)}`],
      ...(doubt ? [doubt.evidence] : []),
    ]),
    taintedBy: off ? [] : ['without irq_disable and irq_enable events the interrupt state is not recorded'],
  });
}

/** A pause that ended: only a possibility, for a long stretch of user code makes no events either where no ticks are recorded. */
function silentMeanwhile(about: Case, record: RingRecord): Draft | null {
  const [before, after] = record.marks;
  if (!before || !after || (before.flags & FLAGS.nmi) !== 0) return null;
  const gap = elapsed(before.time, after.time);
  if (record.count < EVENTS.needed || gap < EVENTS.timesLonger * Number(record.extra)) return null;
  // Of a machine that stopped as a whole no CPU is to blame; the report's problems name the pause.
  const doubt = pauseDoubt(about, [record.cpu], [before.time, after.time], about.thresholds.irqOffNs);
  if (doubt?.atMost === 'possible') return null;
  const overlaps = (from: bigint, to: bigint): boolean => from <= after.time && to >= before.time;
  const explained =
    about.found.waits.some(
      ({ cpu, marks }) => cpu === record.cpu && overlaps(marks[0]!.time, marks[2]!.time),
    ) ||
    about.found.irqOff.some(
      ({ cpu, marks }) => cpu === record.cpu && overlaps(marks[0]!.time, marks[1]!.time),
    );
  if (explained) return null;
  const pid = pidAfter(before);
  return draft({
    signature: 'silent-cpu/unknown',
    kind: 'silent-cpu',
    cause: 'unknown',
    confidence: 'possible',
    severity: 'low',
    headline:
      `CPU ${record.cpu} emitted nothing for ${duration(gap)} from ${seconds(before.time)} on while running ${task(about, { pid })}; ` +
      `its longest pause before was ${duration(Number(record.extra))}.`,
    subject: subject(about, record.cpu, pid, 0),
    startNs: String(before.time),
    durationNs: gap,
    irqsOff: { source: 'none', notBeforeNs: null, notAfterNs: null },
    watchdog: watchdogVerdict(before.time, gap, null, about.thresholds.watchdogNs),
    alternatives: [
      {
        cause: 'unknown',
        confidence: 'possible',
        why: 'a stretch of work without any of the recorded events: a CPU is silent for as long as nothing that was recorded happens on it',
      },
      ...(doubt ? [doubt.alternative] : []),
    ],
    kernelReports: kernelReports(about, record.cpu, pid, before.time, after.time),
    evidence: evidence(about, [
      [before, 'the last event before'],
      [after, 'the first event after'],
    ]),
  });
}
