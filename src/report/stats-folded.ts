import { NOT_RECORDED, type Run, type Span, type StatsRow } from '../model/stats.ts';
import { printable } from './printable.ts';

/** Stands where no caller was recorded. */
const NO_CALLERS = '[callers not recorded]';

/** Folded stacks, and what people should know of them. */
export interface Folded {
  /** One stack per line, the outermost caller first and the lock last, and its time in ns: what flamegraph.pl reads. */
  readonly text: string;
  /** ns that have a stack, and all of them. */
  readonly knownNs: bigint;
  readonly totalNs: bigint;
}

/** What all waits, holds or sections of runs that were split by stack add up to, by stack; the order is that of the stacks. */
export function foldStacks(runs: readonly Run[], span: Span): Folded {
  const sums = new Map<string, bigint>();
  let [knownNs, totalNs] = [0n, 0n];
  for (const row of runs.flatMap(({ rows }) => rows)) {
    const ns = BigInt(row[span]?.sumNs ?? 0);
    if (ns === 0n) continue;
    const stack = stackOf(row);
    sums.set(stack, (sums.get(stack) ?? 0n) + ns);
    totalNs += ns;
    if (hasCallers(row)) knownNs += ns;
  }
  const lines = [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([stack, ns]) => `${stack} ${ns}\n`);
  return { text: lines.join(''), knownNs, totalNs };
}

function hasCallers({ by }: StatsRow): boolean {
  return by !== null && by !== NOT_RECORDED;
}

/** Sections end in whoever turned interrupts or preemption off, who is among the callers; locks end in the lock. */
function stackOf(row: StatsRow): string {
  const callers = hasCallers(row) ? row.by! : NO_CALLERS;
  if (row.kind !== 'lock' && hasCallers(row)) return printable(callers);
  return printable(`${callers};${row.name.replaceAll(';', ':')}`);
}
