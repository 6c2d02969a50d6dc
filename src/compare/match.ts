import type { Run, StatsRow } from '../model/stats.ts';
import { keyOf } from '../stats/rows.ts';

/** One row in all runs of both sides; a run that lacks it has undefined. */
export interface Match {
  readonly base: readonly (StatsRow | undefined)[];
  readonly next: readonly (StatsRow | undefined)[];
  /** Any of them: what they have in common. */
  readonly row: StatsRow;
  /** The name on the base side where it is another one: the call site moved within its function. */
  readonly was: string | null;
}

/** An address that no symbol was known for means nothing in another boot. */
const NAMELESS = /^0x[0-9a-f]+\b/;
// "fake_finish_bio+0x17", "ext4_finish_bio.constprop.0+0x273 [ext4]"
const PLACE = /^([A-Za-z_.$][\w.$]*)\+0x[0-9a-f]+/;
/** What compilers add to the names of functions that they cloned or split. */
const CLONE = /\.(?:constprop|isra|part|cold|llvm)\b.*$/;

/**
 * Finds the rows of the two sides that are about the same thing. Addresses differ from boot to boot and are not looked at; names are lockdep
 * classes, bits, types of locks, and call sites. A call site that is on one side only is the other side's in the same function, if
 * both have just one such left. Rows that have an address for a name cannot be matched.
 */
export function matchRows(
  base: readonly Run[],
  next: readonly Run[],
): { readonly matches: readonly Match[]; readonly nameless: number } {
  const before = byKey(base);
  const after = byKey(next);
  const matches: Match[] = [];
  let nameless = 0;
  const moved = movedPlaces(before, after);
  const oldOf = new Map([...moved].map(([old, now]) => [now, old]));
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    if (moved.has(key)) continue;
    const oldKey = oldOf.get(key) ?? key;
    const [were, are] = [before.get(oldKey) ?? [], after.get(key) ?? []];
    const row = [...are, ...were].find((one) => one !== undefined)!;
    if (NAMELESS.test(row.name)) {
      nameless++;
      continue;
    }
    const was = oldKey === key ? null : (were.find((one) => one !== undefined)?.name ?? null);
    matches.push({
      base: base.map((_, run) => were[run]),
      next: next.map((_, run) => are[run]),
      row,
      was,
    });
  }
  return { matches, nameless };
}

function byKey(runs: readonly Run[]): Map<string, (StatsRow | undefined)[]> {
  const rows = new Map<string, (StatsRow | undefined)[]>();
  runs.forEach((run, at) => {
    for (const row of run.rows) {
      const key = keyOf(row);
      const found = rows.get(key) ?? [];
      found[at] = row;
      rows.set(key, found);
    }
  });
  return rows;
}

/** Old key -> new key of call sites that moved within their function, or whose function the compiler renamed. */
function movedPlaces(before: Rows, after: Rows): Map<string, string> {
  const gone = lonely(before, after);
  const come = lonely(after, before);
  const moved = new Map<string, string>();
  for (const [place, old] of gone) {
    const now = come.get(place);
    if (old !== null && now !== undefined && now !== null) moved.set(old, now);
  }
  return moved;
}

type Rows = ReadonlyMap<string, readonly (StatsRow | undefined)[]>;

/** Call sites by function that only `rows` have; null where a function has several. */
function lonely(rows: Rows, others: Rows): Map<string, string | null> {
  const found = new Map<string, string | null>();
  for (const [key, runs] of rows) {
    if (others.has(key)) continue;
    const row = runs.find((one) => one !== undefined)!;
    const place = PLACE.exec(row.name)?.[1] ?? PLACE.exec(row.by ?? '')?.[1];
    if (place === undefined) continue;
    const bare = place.replace(CLONE, '');
    const label = keyOf({
      ...row,
      name: PLACE.test(row.name) ? bare : row.name,
      by: row.by !== null && PLACE.test(row.by) ? bare : row.by,
    });
    found.set(label, found.has(label) ? null : key);
  }
  return found;
}
