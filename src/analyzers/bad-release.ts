import { groupBy } from '../base/group.ts';
import { elapsed } from '../base/units.ts';
import type { Case } from '../model/case.ts';
import { RING, WHOLE_LOCK } from '../model/engine-numbers.ts';
import type { Confidence, FindingKind } from '../model/report.ts';
import type { Mark, RingRecord } from '../model/state.ts';
import { orderTaints } from './clock-order.ts';
import { actor, draft, evidence, lockName, signatureOf, subject, task, type Draft } from './draft.ts';
import { BUGS_AT_MOST, distinct, gaps, untaken } from './taint.ts';
import { at } from './times.ts';

/** Releases by a context that was not seen to take the lock: of a lock that is free, or that somebody else holds. */
export function badReleases(about: Case): Draft[] {
  const drafts = oddReleases(about).judged.map((record) =>
    record.kind === RING.doubleRelease ? doubleRelease(about, record) : foreignRelease(about, record),
  );
  const alike = groupBy(drafts, ({ signature }) => signature);
  return [...alike.values()].flatMap((same) =>
    same.length > BUGS_AT_MOST ? [recurring(about, same)] : same,
  );
}

/** Many releases by the same code, which more likely takes the lock unseen, as one finding: the first of them. */
function recurring(about: Case, drafts: readonly Draft[]): Draft {
  const inOrder = drafts.toSorted((a, b) => (BigInt(a.startNs) < BigInt(b.startNs) ? -1 : 1));
  const [first, last] = [inOrder[0]!, inOrder.at(-1)!];
  const why = `the same code does so ${drafts.length} times, the last time at ${at(about, BigInt(last.startNs))}: more likely its takes are not recorded (a path without these tracepoints), or belong to another task by design`;
  return {
    ...first,
    confidence: 'possible',
    headline: `${first.headline} So do ${drafts.length - 1} more releases by the same code.`,
    alternatives: [{ cause: 'by design', confidence: 'likely', why }],
  };
}

/** How many of them nobody judges, because the recorder may not have recorded takes any more. */
export function unjudgedReleases(about: Case): number {
  return oddReleases(about).unjudged;
}

interface OddReleases {
  readonly judged: readonly RingRecord[];
  readonly unjudged: number;
}

/** Both the findings and the problems of a report ask. */
const found = new WeakMap<Case, OddReleases>();

function oddReleases(about: Case): OddReleases {
  let releases = found.get(about);
  if (!releases) found.set(about, (releases = findOddReleases(about)));
  return releases;
}

function findOddReleases(about: Case): OddReleases {
  const { doubleReleases, foreignReleases } = about.found;
  const twice = doubleReleases.filter(({ marks }) => {
    const [taken, released, again] = marks as readonly [Mark | null, Mark | null, Mark];
    return !endsOwnTake(taken, released, again) && !takeMayBeUnseen(about, taken, again);
  });
  const foreign = foreignReleases.filter(({ marks }) => {
    const [taken, again] = marks as readonly [Mark | null, Mark];
    return !takeMayBeUnseen(about, taken, again);
  });
  const judged = [
    ...twice.filter(({ marks }) => !isInPartialTail(about, marks[2]!)),
    ...foreign.filter(({ marks }) => !isInPartialTail(about, marks[1]!)),
  ];
  return { judged, unjudged: twice.length + foreign.length - judged.length };
}

/**
 * A release without a take is the normal thing where its take was not recorded: in this span, or, because an event can be
 * late (design rule 14), anywhere before it. The second cannot be told from a bug when the CPU lost events. A task's own
 * events are in order, so what it took itself needs no look further back.
 */
function takeMayBeUnseen(about: Case, taken: Mark | null, again: Mark): boolean {
  if (!taken || gaps(about, taken.time, again.time, 'the take').length > 0) return true;
  if (isSameTask(taken, again)) return false;
  const cpu = about.state.cpus.find((state) => state.cpu === again.cpu);
  const hasBreaks = (cpu?.breaks ?? 0) > 0 && cpu!.firstBreak <= again.time;
  return hasBreaks || about.found.lost.some((span) => span.cpu === again.cpu && span.to <= again.time);
}

/** Pid 0 is one task per CPU. */
function isSameTask(a: Mark, b: Mark): boolean {
  return a.pid === b.pid && (a.pid !== 0 || a.cpu === b.cpu);
}

/**
 * Is `again` the taker's own release, and the one before it somebody else's? Then that one is the odd one, whether it came
 * late, or let go what it did not hold: it is judged as a foreign release.
 */
function endsOwnTake(taken: Mark | null, released: Mark | null, again: Mark): boolean {
  return taken !== null && isSameTask(taken, again) && released !== null && !isSameTask(taken, released);
}

/**
 * Did it happen while the recorder was switching events off on that CPU? Takes may have gone before releases, and on the
 * CPU that took the lock, which need not be this one, even earlier: later takes here show nothing of it.
 */
function isInPartialTail({ state, partialTailNs = 0 }: Case, { cpu, time }: Mark): boolean {
  const last = state.cpus.find((candidate) => candidate.cpu === cpu)?.lastTime ?? 0n;
  return elapsed(time, last) < partialTailNs;
}

/**
 * Only bit locks are bound to one context by nature; a map may be released elsewhere by design (rwsems, freezing). A lock
 * that was taken once only may have been held by the releaser since before the capture began. Where a CPU releases many
 * locks that it was not seen to take, or where the clock does not tell what came first, nobody is to blame.
 */
function confidenceOf(record: RingRecord, doubts: readonly string[]): Confidence {
  return record.bit === WHOLE_LOCK || record.count < 2 || doubts.length > 0 ? 'possible' : 'likely';
}

function doubleRelease(about: Case, record: RingRecord): Draft {
  const [taken, released, again] = record.marks as readonly [Mark | null, Mark | null, Mark];
  return badRelease(about, record, 'double-release', again, {
    taken,
    released,
    headline:
      `${task(about, again)} on CPU ${again.cpu} released the lock at ${at(about, again.time)} although it was free` +
      (released
        ? ` since ${at(about, released.time)} (${task(about, released)} on CPU ${released.cpu}).`
        : '.'),
    why: 'the take before this release was not recorded (a path without these tracepoints)',
  });
}

function foreignRelease(about: Case, record: RingRecord): Draft {
  const [taken, again, left] = record.marks as readonly [Mark | null, Mark, Mark | null];
  return badRelease(about, record, 'foreign-release', again, {
    taken,
    released: left,
    headline:
      `${task(about, again)} on CPU ${again.cpu} released the lock at ${at(about, again.time)}` +
      (taken ? `, taken by ${task(about, taken)} on CPU ${taken.cpu} at ${at(about, taken.time)}.` : '.'),
    why: 'some locks are handed over and released by another task by design',
  });
}

function badRelease(
  about: Case,
  record: RingRecord,
  kind: FindingKind,
  again: Mark,
  parts: { taken: Mark | null; released: Mark | null; headline: string; why: string },
): Draft {
  const name = lockName(about, record, again);
  const order = orderTaints(about, [
    [parts.taken, again],
    [parts.released, again],
  ]);
  const doubts = distinct(order, untaken(about, record.cpu));
  return draft({
    signature: signatureOf(about, kind, 'unknown', name, again),
    kind,
    cause: 'unknown',
    confidence: confidenceOf(record, doubts),
    severity: 'medium',
    headline: parts.headline,
    subject: subject(about, again.cpu, again.pid, record.level),
    lock: name,
    startNs: String(again.time),
    durationNs: 0,
    lastAcquire: parts.taken && actor(about, parts.taken),
    lastRelease: actor(about, again),
    alternatives: [{ cause: 'by design', confidence: 'possible', why: parts.why }],
    evidence: evidence(about, [
      [parts.taken, 'the last take'],
      [parts.released, kind === 'double-release' ? 'its release' : 'where its holder left'],
      [again, 'this release'],
    ]),
    taintedBy: doubts,
  });
}
