import type {
  CpuDump,
  DecodedWord,
  HeldLocks,
  Incident,
  InterruptState,
  LogEntry,
  LogKind,
  SpinLoop,
} from '../model/kernel-log.ts';
import type { Disassembler } from './code/disassembler.ts';
import { spinOf } from './code/spin.ts';
import type { EntryDraft } from './drafts.ts';
import { callerOf, topOf } from './dumps.ts';
import { bitLockOf, otherCpus, type Facts } from './facts.ts';
import type { Group } from './group.ts';
import { hypothesesOf } from './hypotheses/hypotheses.ts';
import { nestingOf } from './nesting.ts';
import type { Found } from './reader.ts';
import { advice } from './advice.ts';
import { headlineOf, signatureOf } from './headline-of.ts';
import { decodeStructs, decodeWord, hasSubPageBlocks } from './words/decode.ts';

/** Kinds in which a CPU is stuck: only there a loop at the program counter is what the report is about. */
const STUCK: ReadonlySet<string> = new Set([
  'hard-lockup',
  'soft-lockup',
  'rcu-stall',
  'csd-lock',
  'spinlock-lockup',
  'workqueue-lockup',
  'nmi-backtrace',
]);
const EXPLAINED: ReadonlySet<string> = new Set([
  'hard-lockup',
  'soft-lockup',
  'rcu-stall',
  'csd-lock',
  'spinlock-lockup',
  'hung-task',
]);
const MOST_BEFORE = 8;
const MOST_HELD = 32;

/** What one event comes to. */
export function incidentOf(
  group: Group,
  id: string,
  groups: readonly Group[],
  found: Found,
  disassemble: Disassembler | null,
): Incident {
  const { kind, entries, dumps, cpu, pid, comm } = group;
  const place =
    dumps.find((dump) => dump.function !== null && Object.keys(dump.registers).length > 0) ??
    dumps.find((dump) => dump.function !== null) ??
    dumps[0] ??
    null;
  const stacked = dumps.find(({ stack }) => stack.length > 0) ?? place;
  const kernel = place?.kernel ?? dumps.find((dump) => dump.kernel !== null)?.kernel ?? found.kernel;
  const named = entries.find((entry) => entry.named !== null)?.named ?? null;
  const name = functionOf(kind, place, named);
  const stack = stacked?.stack ?? [];
  const caller = callerIn(place, stacked, name);
  const spin = STUCK.has(kind) ? spinIn(dumps, place, disassemble) : null;
  const words = wordsOf(spin, found, kernel, stack, name);
  const interrupts = place?.interrupts ?? dumps.find((dump) => dump.interrupts !== null)?.interrupts ?? null;
  const before = beforeOf(group, groups, found);
  const held = heldBy(group, found);
  const holder = entries.find((entry) => entry.holder !== null)?.holder ?? null;
  const stillStuck = laterDumps(group, stacked, entries);
  const facts: Facts = {
    group,
    kernel,
    function: name,
    caller,
    stack,
    interruptsOff: interrupts === null ? null : interrupts.state === 'off',
    spin,
    bitLock: bitLockOf(spin, stack, name, words, kernel)?.lock ?? null,
    words,
    lockWord: words.find(({ address }) => address !== null && address === spin?.word?.address) ?? null,
    subPageBlocks: hasSubPageBlocks(found.structs),
    others: group.others,
    before,
    held,
    holder,
    stillStuck,
    notes: entries.flatMap(({ notes }) => notes),
  };
  const first = entries[0] ?? null;
  return {
    id,
    signature: signatureOf(kind, name, caller, spin),
    kind,
    headline: headlineOf(facts, interrupts),
    cpu,
    pid,
    comm,
    function: name,
    caller,
    firstNs: first?.begins?.toString() ?? dumps[0]?.atNs ?? null,
    lastNs: entries.at(-1)?.ns?.toString() ?? null,
    entries: entries.map(entryOf),
    stillStuck,
    detectedBy: detectedBy(entries, cpu),
    workqueue: dumps.find((dump) => dump.workqueue !== null)?.workqueue ?? null,
    interrupts,
    interruptsSince: interruptsSince(group, place, interrupts),
    stack,
    nesting: nestingOf(stack),
    spin,
    words,
    holder,
    locks: entries.flatMap(({ locks }) => locks).slice(0, 16),
    held,
    otherCpus: otherCpus(group.others),
    before,
    hypotheses: EXPLAINED.has(kind) ? hypothesesOf(facts) : [],
    ...advice(facts, interrupts),
  };
}

/**
 * What the report is about: for lockdep and broken atomic sections where the lock or the sleep is asked for, for a stuck
 * CPU where it was.
 */
function functionOf(kind: LogKind, place: CpuDump | null, named: string | null): string | null {
  if (kind === 'hard-lockup' && named !== null) return named;
  // These print from where they happen: no interrupt lies between the report and its cause.
  if (kind.startsWith('lockdep') || kind.startsWith('spinlock') || kind.includes('atomic')) {
    return (
      (kind.startsWith('lockdep') ? named : null) ??
      (place === null ? null : (topOf(place) ?? place.function))
    );
  }
  return place?.function ?? (kind === 'csd-lock' ? null : named);
}

function entryOf(draft: EntryDraft): LogEntry {
  const { headline, ns, offset, text, cpu, pid, comm, durationNs } = draft;
  return {
    kind: headline.kind,
    atNs: ns?.toString() ?? null,
    offset,
    text: text.slice(0, 300),
    cpu,
    pid,
    comm,
    detectedBy: draft.detectedBy,
    durationNs,
  };
}

function callerIn(place: CpuDump | null, stacked: CpuDump | null, name: string | null): string | null {
  const of = callerOf({ stack: place?.stack ?? [], function: name });
  if (of !== null || stacked === null) return of;
  return callerOf({ stack: stacked.stack, function: name });
}

/** The spin of the dump that shows the most: one with code before one with a name only. */
function spinIn(
  dumps: readonly CpuDump[],
  place: CpuDump | null,
  disassemble: Disassembler | null,
): SpinLoop | null {
  const all = [...(place === null ? [] : [place]), ...dumps]
    .map((dump) => spinOf(dump, disassemble))
    .filter((spin) => spin !== null);
  return all.find(({ word }) => word !== null) ?? all.find(({ from }) => from === 'code') ?? all[0] ?? null;
}

/** Words of pasted structs, and the one that is spun on as far as a register shows it. */
function wordsOf(
  spin: SpinLoop | null,
  found: Found,
  kernel: string | null,
  stack: CpuDump['stack'],
  name: string | null,
): DecodedWord[] {
  const dumped = decodeStructs(found.structs, kernel).filter(
    ({ address }) => spin?.word == null || address === null || address === spin.word.address,
  );
  if (
    spin?.word == null ||
    spin.seen === null ||
    dumped.some(({ address }) => address === spin.word!.address)
  )
    return spin === null ? [] : dumped;
  const lock = bitLockOf(spin, stack, name, [], kernel);
  const seen = lock ? decodeWord(lock.word, BigInt(spin.seen.value), spin.word.address, kernel) : null;
  return seen ? [seen, ...dumped] : dumped;
}

/** Trouble earlier in the same boot that the event may be a consequence of. */
function beforeOf(group: Group, groups: readonly Group[], found: Found): Incident['before'] {
  const start = group.entries[0]?.offset ?? group.dumps[0]?.offset ?? 0;
  const boot = found.boots.findLast((offset) => offset <= start) ?? 0;
  const earlier = groups
    .filter(
      ({ entries }) => entries[0] !== undefined && entries[0].offset < start && entries[0].offset >= boot,
    )
    .filter(
      ({ kind }) => kind.startsWith('lockdep') || kind.startsWith('spinlock') || /atomic|leak/.test(kind),
    )
    .map(({ kind, entries }) => ({
      offset: entries[0]!.offset,
      atNs: entries[0]!.ns?.toString() ?? null,
      text: entries[0]!.text.slice(0, 160),
      why: entries[0]!.preemptOff !== null ? `preemption disabled at ${entries[0]!.preemptOff}` : kind,
    }));
  const trouble = found.trouble
    .filter(({ offset }) => offset < start && offset >= boot)
    .map(({ offset, ns, text }) => ({ offset, atNs: ns?.toString() ?? null, text, why: '' }));
  return [...earlier, ...trouble]
    .toSorted((a, b) => a.offset - b.offset)
    .slice(-MOST_BEFORE)
    .map(({ atNs, text, why }) => ({ atNs, text, why }));
}

/**
 * Lists of held locks that were printed with the report. A hung task's report lists the whole system: there, its own
 * locks, its owner's, and who has locks of the same name.
 */
function heldBy({ kind, pid, entries }: Group, found: Found): HeldLocks[] {
  const first = entries[0];
  if (!first) return [];
  const end =
    found.entries.find(({ offset, headline }) => offset > entries.at(-1)!.offset && headline.kind !== kind)
      ?.offset ?? Infinity;
  const printed = found.held.filter(({ offset }) => offset > first.offset && offset < end);
  const own = printed.find((of) => of.pid === pid);
  const owner = entries.find(({ holder }) => holder !== null)?.holder?.pid ?? null;
  const shares = (of: HeldLocks): boolean =>
    own !== undefined && of.locks.some(({ name }) => own.locks.some((mine) => mine.name === name));
  const related =
    kind === 'hung-task' ? printed.filter((of) => of === own || of.pid === owner || shares(of)) : printed;
  const once = related.filter(
    (of, at) => related.findIndex((other) => other.pid === of.pid && other.comm === of.comm) === at,
  );
  return once.slice(0, MOST_HELD).map(({ comm, pid: holder, locks }) => ({ comm, pid: holder, locks }));
}

/** Later dumps of the same CPU and task: was it still there? */
function laterDumps(
  { dumps }: Group,
  first: CpuDump | null,
  entries: readonly EntryDraft[],
): Incident['stillStuck'] {
  const start = entries[0]?.begins ?? null;
  return dumps
    .filter((dump) => dump !== first && first !== null && dump.offset > first.offset)
    .map((dump) => ({
      atNs: dump.atNs,
      afterNs: start === null || dump.atNs === null ? null : Number(BigInt(dump.atNs) - start),
      function: dump.function,
    }))
    .filter(({ afterNs, function: name }) => (afterNs === null ? name !== null : afterNs > 0))
    .slice(0, 16);
}

function detectedBy(entries: readonly EntryDraft[], cpu: number | null): number | null {
  const said = entries.find((entry) => entry.detectedBy !== null)?.detectedBy;
  if (said !== undefined) return said;
  // The buddy detector's own CPU dumps its stack with watchdog functions in it.
  const dump = entries[0]?.dumps.find(
    (of) =>
      of.cpu !== null &&
      of.cpu !== cpu &&
      of.frames.some((frame) => /^watchdog_(?:hardlockup_check|timer_fn|buddy\w*)$/.test(frame.function)),
  );
  return dump?.cpu ?? null;
}

/**
 * print_irqtrace_events(current) tells of the task on the CPU that prints (kernel/watchdog.c): with the buddy detector
 * that is not the stuck one.
 */
function interruptsSince(
  { entries, dumps, others, cpu }: Group,
  place: CpuDump | null,
  interrupts: InterruptState | null,
): Incident['interruptsSince'] {
  const trace = entries.find(({ irqTrace }) => irqTrace !== null)?.irqTrace;
  if (!trace) return null;
  const printer = detectedBy(entries, cpu);
  const byOther =
    printer !== null ||
    others.some(({ stack }) => stack.some((frame) => /^watchdog_hardlockup_check$/.test(frame.function)));
  if (byOther)
    return {
      text: trace.text,
      of: printer === null ? 'the CPU that noticed' : `CPU ${printer}, which noticed`,
      isVictim: false,
    };
  // Without a stack of the printing CPU one cannot tell who printed.
  const own =
    (place ?? dumps[0])?.stack.some(({ part }) => part === 'nmi') ||
    interrupts?.state === 'on' ||
    entries[0]?.headline.kind !== 'hard-lockup';
  return own
    ? { text: trace.text, of: 'the stuck CPU', isVictim: true }
    : {
        text: trace.text,
        of: 'the CPU that printed, which with the buddy detector is another one',
        isVictim: null,
      };
}
