import type { ComparedRun, Comparison } from '../model/comparison.ts';
import { HOLDS_FROM_ATTEMPTS } from '../model/report.ts';
import type { FoundBrief, Run } from '../model/stats.ts';
import type { Evidence } from './units.ts';

/** Findings by signature, which holds no address and no pid: the same bug has the same one in another boot. */
export function compareFindings(base: readonly Run[], next: readonly Run[]): Comparison['findings'] {
  const before = bySignature(base);
  const after = bySignature(next);
  const pick = (from: Map<string, FoundBrief>, wanted: (signature: string) => boolean): FoundBrief[] =>
    [...from].filter(([signature]) => wanted(signature)).map(([, finding]) => finding);
  return {
    appeared: pick(after, (signature) => !before.has(signature)),
    gone: pick(before, (signature) => !after.has(signature)),
    both: pick(after, (signature) => before.has(signature)),
  };
}

function bySignature(runs: readonly Run[]): Map<string, FoundBrief> {
  return new Map(
    runs.flatMap(({ findings }) => findings.map((finding) => [finding.signature, finding] as const)),
  );
}

export function briefOf({ path, kernel, durationNs, events, blocks }: Run): ComparedRun {
  return {
    path,
    kernel,
    durationNs,
    events: events.reduce((n, { count }) => n + count, 0),
    blocks: blocks.length,
  };
}

/** What weakens a comparison, as sentences. */
export function notesOf(
  base: readonly Run[],
  next: readonly Run[],
  evidence: Evidence,
  nameless: number,
): string[] {
  const notes: string[] = [];
  if (evidence === 'blocks') {
    notes.push(
      'A side has one run only, so the intervals rest on blocks of time within a run: they do not know how much one run differs from ' +
        'the next, and are three times as wide for that. Compare several runs a side before you rely on them.',
    );
  }
  if (evidence === 'none')
    notes.push(
      'The captures are too short for intervals: nothing can stand out. Record several runs a side.',
    );
  if (nameless > 0) {
    notes.push(
      `${nameless} rows could not be matched: their only name is an address, which means nothing in another boot (record symbols).`,
    );
  }
  const lossy = [...base, ...next].filter(({ lost }) => lost !== 0).map(({ path }) => path);
  if (lossy.length > 0) {
    notes.push(
      `Events were lost while recording ${lossy.join(', ')}: counts are too low there, and spans across a loss are missing.`,
    );
  }
  const fromAttempts = [...base, ...next].filter(({ problems }) =>
    problems.some(({ name }) => name === HOLDS_FROM_ATTEMPTS),
  );
  if (fromAttempts.length > 0 && fromAttempts.length < base.length + next.length) {
    notes.push(
      `In ${fromAttempts.map(({ path }) => path).join(', ')}, unlike in the other captures, holds begin at lock_acquire: what was taken, and ` +
        'for how long, does not compare between the two.',
    );
  }
  return [...notes, ...new Set([...base, ...next].flatMap((run) => run.notes))];
}
