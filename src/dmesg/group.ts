import type { CpuDump, LogKind } from '../model/kernel-log.ts';
import { newEntry, type DumpDraft, type EntryDraft } from './drafts.ts';
import { dumpOf } from './dumps.ts';
import type { Found } from './reader.ts';

/** Reports of one event, and the dumps that show its CPU or task. */
export interface Group {
  readonly kind: LogKind;
  readonly entries: EntryDraft[];
  cpu: number | null;
  pid: number | null;
  comm: string | null;
  /** The dump that shows what it was doing, the best of them first; then later ones of the same CPU and task. */
  dumps: CpuDump[];
  /** Dumps of other CPUs from the same time. */
  others: CpuDump[];
}

/** Reports about a CPU are the same event while they come at most so far apart. */
const SAME_EVENT_NS = 600_000_000_000n;
/** Without times: so far apart in the log. */
const SAME_EVENT_BYTES = 256 * 1024;
/** Dumps of a report come within this time; a console at 9600 baud needs minutes for many CPUs. */
const REACH_NS = 300_000_000_000n;
const REACH_BYTES = 512 * 1024;
const MOST_OTHERS = 1024;

/** Kinds that are about a task rather than about a CPU. */
const OF_TASK: ReadonlySet<LogKind> = new Set([
  'hung-task',
  'scheduling-while-atomic',
  'sleeping-in-atomic',
  'workqueue-leak',
]);
/** Kinds whose report may be followed by backtraces of all CPUs. */
const OF_ALL_CPUS: ReadonlySet<LogKind> = new Set([
  'hard-lockup',
  'soft-lockup',
  'rcu-stall',
  'csd-lock',
  'spinlock-lockup',
  'workqueue-lockup',
  'hung-task',
]);
/** Kinds whose report dumps the very CPU that prints it, right behind its headline. */
const OF_PRINTER = (kind: LogKind): boolean =>
  kind.startsWith('lockdep') || kind.startsWith('spinlock') || OF_TASK.has(kind);

/** Puts reports of the same event together and finds their dumps. */
export function groupReports(found: Found): Group[] {
  const groups: Group[] = [];
  const dumps = found.dumps.map((draft) => ({ draft, dump: dumpOf(draft) }));
  const taken = new Set<DumpDraft>();

  for (const entry of found.entries) {
    if (entry.headline.echo && echoes(groups, entry, found)) continue;
    const near = dumps.filter(({ draft }) => within(entry, draft, found));
    const own = subjectDumps(entry, near);
    for (const { draft } of own) taken.add(draft);
    for (const draft of entry.dumps) taken.add(draft);
    const first = own[0]?.dump ?? null;
    const cpu = entry.cpu ?? first?.cpu ?? null;
    const pid = entry.pid ?? (aboutCpu(entry, first) ? (first?.pid ?? null) : null);
    const comm = entry.comm ?? (aboutCpu(entry, first) ? (first?.comm ?? null) : null);
    const others = near.filter(
      ({ draft, dump }) =>
        OF_ALL_CPUS.has(entry.headline.kind) &&
        dump.cpu !== null &&
        dump.cpu !== cpu &&
        !own.some((of) => of.draft === draft),
    );
    const same = groups.findLast((group) => isSame(group, entry, cpu, pid, found));
    if (same) {
      same.entries.push(entry);
      same.cpu ??= cpu;
      same.pid ??= pid;
      same.comm ??= comm;
      same.dumps.push(
        ...own
          .map(({ dump }) => dump)
          .filter((dump) => !same.dumps.some(({ offset }) => offset === dump.offset)),
      );
      continue;
    }
    groups.push({
      kind: entry.headline.kind,
      entries: [entry],
      cpu,
      pid,
      comm,
      dumps: own.map(({ dump }) => dump),
      others: others.slice(0, MOST_OTHERS).map(({ dump, draft }) => (taken.add(draft), dump)),
    });
  }
  groups.push(...lonelyBacktraces(dumps, taken, found), ...lonelyLists(found));
  return groups.toSorted((a, b) => offsetOf(a) - offsetOf(b));
}

function offsetOf({ entries, dumps }: Group): number {
  return entries[0]?.offset ?? dumps[0]?.offset ?? 0;
}

/** A panic because of a report that is there says nothing new. */
function echoes(groups: readonly Group[], entry: EntryDraft, found: Found): boolean {
  const last = groups.findLast(({ kind }) => kind === entry.headline.kind);
  const report = last?.entries.at(-1);
  if (!last || !report || bootOf(report.offset, found) !== bootOf(entry.offset, found)) return false;
  last.entries.push(entry);
  return true;
}

function bootOf(offset: number, { boots }: Found): number {
  return boots.findLast((boot) => boot <= offset) ?? -1;
}

/** Does the dump come soon enough behind the report, before the next boot? */
function within(entry: EntryDraft, dump: DumpDraft, found: Found): boolean {
  if (dump.offset < entry.offset || dump.offset - entry.offset > REACH_BYTES) return false;
  if (bootOf(dump.offset, found) !== bootOf(entry.offset, found)) return false;
  return entry.ns === null || dump.ns === null || dump.ns - entry.ns <= REACH_NS;
}

/** A dump says whose report it is only where it shows the CPU that the report is about. */
function aboutCpu(entry: EntryDraft, dump: CpuDump | null): boolean {
  return dump !== null && (entry.cpu === null || dump.cpu === null || entry.cpu === dump.cpu);
}

interface Pair {
  readonly draft: DumpDraft;
  readonly dump: CpuDump;
}

/** The dumps that show the CPU or task of a report, in the log's order. */
function subjectDumps(entry: EntryDraft, near: readonly Pair[]): Pair[] {
  const { kind } = entry.headline;
  const own = (pair: Pair): boolean => entry.dumps.includes(pair.draft) && !isGracePeriodKthread(pair, entry);
  if (OF_TASK.has(kind)) {
    const ofTask = near.filter(({ dump }) => dump.pid === entry.pid && entry.pid !== null);
    return ofTask.length > 0
      ? ofTask.slice(0, 1)
      : near.filter((pair) => own(pair) && (entry.pid === null || pair.dump.pid === null)).slice(0, 1);
  }
  if (OF_PRINTER(kind)) {
    const ofOther = ({ dump }: Pair): boolean =>
      entry.pid !== null && dump.pid !== null && dump.pid !== entry.pid;
    return near.filter((pair) => own(pair) && !ofOther(pair)).slice(0, 1);
  }
  if (entry.cpu === null) {
    if (entry.pid !== null) return near.filter(({ dump }) => dump.pid === entry.pid).slice(0, 1);
    return entry.headline.echo || kind === 'rcu-stall' ? near.filter(own).slice(0, 1) : [];
  }
  const exact = near.filter(({ dump }) => dump.cpu === entry.cpu);
  const ofCpu =
    exact.length > 0 ? exact : near.filter((pair) => own(pair) && pair.dump.cpu === null).slice(0, 1);
  const pid = entry.pid ?? ofCpu.find(({ dump }) => dump.pid !== null)?.dump.pid ?? null;
  return ofCpu.filter(({ dump }) => dump.pid === null || pid === null || dump.pid === pid);
}

/** A stall also shows what RCU's own thread does: that is not who stalls. */
function isGracePeriodKthread({ draft, dump }: Pair, { headline, pid }: EntryDraft): boolean {
  return (
    headline.kind === 'rcu-stall' &&
    draft.opened === 'task' &&
    dump.pid !== pid &&
    /^rcu_(?:sched|preempt|bh|tasks\w*)$/.test(dump.comm ?? '')
  );
}

function isSame(
  group: Group,
  entry: EntryDraft,
  cpu: number | null,
  pid: number | null,
  found: Found,
): boolean {
  const last = group.entries.at(-1);
  if (group.kind !== entry.headline.kind || last === undefined) return false;
  if (bootOf(last.offset, found) !== bootOf(entry.offset, found)) return false;
  // Two consoles, or dmesg behind the console's log.
  const twice = entry.ns !== null && entry.ns === last.ns && entry.text === last.text;
  if (twice && group.cpu === cpu && group.pid === pid) return true;
  if (last.ns !== null && entry.ns !== null) {
    if (entry.ns - last.ns > SAME_EVENT_NS || entry.ns < last.ns) return false;
  } else if (entry.offset - last.offset > SAME_EVENT_BYTES) return false;
  if (OF_TASK.has(group.kind))
    return group.pid === pid && pid !== null && group.comm === (entry.comm ?? group.comm);
  if (group.kind.startsWith('lockdep') || group.kind.startsWith('spinlock')) {
    return (
      entry.offset - last.offset < 200 && last.dumps.length === 0 && (entry.pid ?? group.pid) === group.pid
    );
  }
  if (group.kind === 'rcu-stall') {
    // The stalled CPU and another one may notice at the same time; the first to print may lose its details.
    if ((group.cpu === null && group.pid === null) || (cpu === null && pid === null)) {
      return isExpedited(entry) === isExpedited(last) && entry.offset - last.offset < 2000;
    }
    return group.cpu === cpu && (group.pid === pid || cpu !== null);
  }
  return group.cpu === cpu && cpu !== null && (group.pid === null || pid === null || group.pid === pid);
}

function isExpedited({ text }: EntryDraft): boolean {
  return text.includes('expedited');
}

/** Backtraces that belong to no report, such as those of sysrq-l: one group for those that came together. */
function lonelyBacktraces(dumps: readonly Pair[], taken: ReadonlySet<DumpDraft>, found: Found): Group[] {
  const groups: Group[] = [];
  let last: DumpDraft | null = null;
  for (const { draft, dump } of dumps) {
    // Of CPUs that idle there is nothing to tell.
    if (draft.opened !== 'nmi' || taken.has(draft) || (last === null && dump.taskState === 'idle')) continue;
    const near =
      last !== null &&
      draft.offset - last.offset < REACH_BYTES &&
      bootOf(last.offset, found) === bootOf(draft.offset, found);
    const group = near ? groups.at(-1) : undefined;
    if (group) group.others.push(dump);
    else
      groups.push({
        kind: 'nmi-backtrace',
        entries: [],
        cpu: dump.cpu,
        pid: dump.pid,
        comm: dump.comm,
        dumps: [dump],
        others: [],
      });
    last = draft;
  }
  return groups;
}

/** Lists of held locks without a report, such as those of sysrq-d: one group for those that came together. */
function lonelyLists({ held, entries }: Found): Group[] {
  const first = held.find(
    ({ offset }) => !entries.some((entry) => entry.offset < offset && offset - entry.offset < REACH_BYTES),
  );
  if (!first) return [];
  const headline = { ...HELD_LOCKS, needle: '', pattern: /^$/ };
  const entry = newEntry(headline, `locks held by ${first.comm}/${first.pid}`, first.offset, first.ns);
  return [{ kind: 'held-locks', entries: [entry], cpu: null, pid: null, comm: null, dumps: [], others: [] }];
}

const HELD_LOCKS = {
  kind: 'held-locks',
  source: 'kernel/locking/lockdep.c (debug_show_all_locks)',
  sample: '',
} as const;
