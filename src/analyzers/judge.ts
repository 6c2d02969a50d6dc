import type { Case } from '../model/case.ts';
import {
  CONFIDENCES,
  endOf,
  type Culprit,
  type Finding,
  type FindingKind,
  type Severity,
} from '../model/report.ts';
import { badReleases } from './bad-release.ts';
import { isStuckCpu, weaker, type Draft } from './draft.ts';
import { irqOffSpans } from './irq-off.ts';
import { irqOffSpins } from './irq-off-spin.ts';
import { reportedCpus } from './kernel-reports.ts';
import { lostUpdates } from './lost-update.ts';
import { neverReleased } from './never-released.ts';
import { silentCpus } from './silent-cpu.ts';
import { doubtSteps, openBeyond, untilRecordsEnd } from './time-steps.ts';

/** Every analyzer, one question each. To add one, write a file here and put it on this list. */
const ANALYZERS: readonly ((about: Case) => Draft[])[] = [
  neverReleased,
  irqOffSpins,
  irqOffSpans,
  silentCpus,
  lostUpdates,
  badReleases,
];

const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low'];

// What explains comes before what it explains.
const KINDS: readonly FindingKind[] = [
  'never-released',
  'irq-off-spin',
  'irq-off',
  'silent-cpu',
  'double-release',
  'foreign-release',
  'lost-update',
];

/** All findings, the surest and worst first, with ids and with what belongs to the same incident tied together. */
export function judge(whole: Case): Finding[] {
  const about = whole.outOfOrder ? whole : untilRecordsEnd(whole);
  const { lastTime } = whole.state;
  const told = draftsOf(about);
  const beyond = about === whole ? [] : openBeyond(draftsOf(whole), told, about, lastTime);
  const drafts = [
    ...told.map((draft) =>
      whole.outOfOrder ? doubted(draft, whole.outOfOrder) : doubtSteps(draft, about, lastTime),
    ),
    ...beyond,
  ].toSorted(byWeight);
  const findings = drafts.map((draft, n) => ({ id: `F${n + 1}`, ...draft }));
  return findings.map((finding) => ({
    ...finding,
    related: findings
      .filter((other) => other !== finding && isSameIncident(finding, other))
      .map((other) => other.id),
  }));
}

/** What the analyzers say, each thing once. */
function draftsOf(about: Case): Draft[] {
  const seen = explained(ANALYZERS.flatMap((analyze) => analyze(about)));
  const all = [...seen, ...reportedCpus(about, seen)];
  return all.filter((draft) => !isToldElsewhere(draft, all));
}

/** The engine replays events as they come: where that is not the order of time, every state may be wrong. */
function doubted(draft: Draft, events: number): Draft {
  const why = `the text is not in order of time (${events} events stand behind later ones): what happened first is not known`;
  return { ...draft, confidence: 'possible', taintedBy: [...draft.taintedBy, why] };
}

/**
 * A victim's open spin takes over why its lock is stuck, where never-released found out; it is then no surer than that. One
 * that names no holder contradicts nothing, and stays as sure as the spin itself.
 */
function explained(drafts: readonly Draft[]): Draft[] {
  const stuck = drafts.filter((draft) => draft.kind === 'never-released');
  return drafts.map((draft) => {
    if (draft.kind !== 'irq-off-spin' || !draft.openEnded) return draft;
    const reason = stuck.find((other) => keepsWaiting(other, draft));
    if (!reason) return draft;
    const isWeaker = CONFIDENCES.indexOf(reason.confidence) < CONFIDENCES.indexOf(draft.confidence);
    if (isWeaker && (draft.cause === 'unknown-holder' || reason.confidence === 'possible')) return draft;
    const signature = draft.signature.replace(`/${draft.cause}/`, `/${reason.cause}/`);
    // A cycle goes through several locks: its holder is that of one of them.
    const { holder, culprit } = isSameLock(reason, draft) ? reason : draft;
    const confidence = weaker(draft.confidence, reason.confidence);
    const alternatives = confidence === 'certain' ? draft.alternatives : reason.alternatives;
    return { ...draft, signature, cause: reason.cause, confidence, holder, culprit, alternatives };
  });
}

/** Is this never-released lock why that spin goes on: it waits for it, or for somebody in the same cycle of waits? */
function keepsWaiting(stuck: Draft, spin: Draft): boolean {
  const stands = victimsOf(stuck);
  if (victimsOf(spin).some((victim) => stands.includes(victim))) return true;
  return stuck.cause === 'deadlock' && spin.holder !== null && stands.includes(placeOf(spin.holder));
}

function isSameLock(a: Draft, b: Draft): boolean {
  return a.lock?.address === b.lock?.address && a.lock?.bit === b.lock?.bit;
}

/** A store that put a lock's bit back for good is told with that lock. */
function isToldElsewhere({ kind, culprit }: Draft, drafts: readonly Draft[]): boolean {
  if (kind !== 'lost-update' || !culprit) return false;
  const isSame = ({ storeNs, cpu }: Culprit): boolean => storeNs === culprit.storeNs && cpu === culprit.cpu;
  return drafts.some((other) => other.kind === 'never-released' && other.culprit && isSame(other.culprit));
}

function byWeight(a: Draft, b: Draft): number {
  return (
    Number(a.confidence === 'possible') - Number(b.confidence === 'possible') ||
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
    CONFIDENCES.indexOf(b.confidence) - CONFIDENCES.indexOf(a.confidence) ||
    (BigInt(a.startNs) < BigInt(b.startNs) ? -1 : 1)
  );
}

/** "cpu/pid" of everybody who is stuck in this finding: in a cycle of waits, everybody in it. */
function victimsOf({ cause, evidence, subject, waiters }: Draft): string[] {
  const cycle = cause === 'deadlock' ? evidence : [];
  return [...(subject ? [subject] : []), ...waiters, ...cycle].map(placeOf);
}

function placeOf({ cpu, pid }: { readonly cpu: number; readonly pid: number }): string {
  return `${cpu}/${pid}`;
}

/** Two faces of one stuck CPU: the same victim, at overlapping times. */
function isSameIncident(a: Draft, b: Draft): boolean {
  if (!isStuckCpu(a) || !isStuckCpu(b)) return false;
  if (!a.subject || !b.subject) return false;
  const isTied = victimsOf(a).some((victim) => victimsOf(b).includes(victim));
  if (!isTied && !keepsWaiting(a, b) && !keepsWaiting(b, a)) return false;
  return BigInt(a.startNs) <= endOf(b) && BigInt(b.startNs) <= endOf(a);
}
