import { table } from '../src/report/table.ts';
import type { Case, Trees } from './gate-cases.ts';
import { ANALYZE, inTurns, spinback } from './process-cpu.ts';
import { median, ratioOfGroups, ratioText, type Pair, type Ratio } from './ratio.ts';
import { Replayer } from './replayer.ts';

// A row fails when all of its interval lies beyond this.
const LIMIT = 1.05;
// Replays until the compiler has settled, and those that count, in each process.
const WARM_UP = 3;
const REPLAYS = 9;
// A whole process is one figure where one that stays gives several.
const WHOLE_PER_WARM = 2;

type Verdict = 'SLOWER' | 'faster' | '';

/** What an interval of this tree / base says. */
export function verdictOn({ low, high }: Ratio): Verdict {
  if (low > LIMIT) return 'SLOWER';
  return high < 1 / LIMIT ? 'faster' : '';
}

/** Measures every case in both trees and prints the table. Is anything slower beyond doubt? */
export async function judge(cases: readonly Case[], trees: Trees, rounds: number): Promise<boolean> {
  const rows: string[][] = [];
  for (const one of cases) {
    console.log(`measuring ${one.name} ...`);
    for (const work of one.works) {
      const groups = await (work === 'warm replay'
        ? warmReplays(one, trees, rounds)
        : wholeProcesses(work, one, trees, WHOLE_PER_WARM * rounds));
      const [ours, theirs] = [0, 1].map((side) =>
        median(groups.flat().map((pair) => pair[side]!)).toFixed(1),
      );
      const ratio = ratioOfGroups(groups);
      rows.push([one.name, work, theirs!, ours!, ratioText(ratio), verdictOn(ratio)]);
    }
  }
  console.log(
    `CPU time, in turns: ${WHOLE_PER_WARM * rounds} pairs of whole processes, warm ${rounds} pairs of processes with ${REPLAYS} replays ` +
      `each. A row fails when\nthe whole 95 % bootstrap interval, of pairs of processes and then of replays, lies beyond ${LIMIT}.`,
  );
  const head = ['file', 'measured', 'base, CPU ms', 'this tree, CPU ms', 'this tree / base', ''];
  console.log(table(head, rows, ['left', 'left', 'right', 'right', 'right', 'left']).join('\n'));
  return rows.some((row) => row.at(-1) === ('SLOWER' satisfies Verdict));
}

/** Every pair of processes is a group of its own. */
async function wholeProcesses(
  command: 'analyze' | 'stats',
  { file }: Case,
  trees: Trees,
  rounds: number,
): Promise<Pair[][]> {
  const words = command === 'analyze' ? ANALYZE : [command];
  const both = [spinback([...words, file.ours], trees.ours), spinback([...words, file.base], trees.base)];
  return (await inTurns(both, rounds)).map(([ours, theirs]) => [[ours!, theirs!]]);
}

/** Both libraries in a process each, asked in turns: compiled code stays, so that this is the replay alone. One group per two processes. */
async function warmReplays({ file }: Case, trees: Trees, rounds: number): Promise<Pair[][]> {
  const groups: Pair[][] = [];
  for (let round = 0; round < rounds; round++) groups.push(await oneWarmPair(file, trees, round % 2 === 1));
  return groups;
}

async function oneWarmPair(file: Case['file'], trees: Trees, baseFirst: boolean): Promise<Pair[]> {
  const start = (tree: keyof Trees): Replayer => new Replayer(trees[tree], file[tree]);
  const order = baseFirst ? (['base', 'ours'] as const) : (['ours', 'base'] as const);
  const replayers = new Map(order.map((tree) => [tree, start(tree)]));
  try {
    const pairs: Pair[] = [];
    for (let replay = 0; replay < WARM_UP + REPLAYS; replay++) {
      const ms = { ours: 0, base: 0 };
      for (const tree of replay % 2 === 0 ? order : order.toReversed())
        ms[tree] = await replayers.get(tree)!.replay();
      if (replay >= WARM_UP) pairs.push([ms.ours, ms.base]);
    }
    return pairs;
  } finally {
    for (const replayer of replayers.values()) replayer.stop();
  }
}
