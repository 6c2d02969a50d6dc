import { basename, join, resolve } from 'node:path';
import { ROOT, spinback } from './process-cpu.ts';
import { run } from './programs.ts';

/** Roots of the two trees that are compared, both built. */
export interface Trees {
  readonly ours: string;
  readonly base: string;
}

/** What both trees do with a capture: a command in processes of its own, or the library in two that stay. */
export type Work = 'analyze' | 'stats' | 'warm replay';

/** One capture, and what is measured with it. */
export interface Case {
  readonly name: string;
  /** The file that each tree reads: the same one but for a container, which each tree makes for itself. */
  readonly file: Readonly<Record<keyof Trees, string>>;
  readonly works: readonly Work[];
}

const GENERATOR = resolve(ROOT, 'dist/src/generate/main.js');
const EVERYTHING = 'everything.dat';
// Large enough that a replay is work, small enough that two of them, one after the other, meet the same machine.
const GENERATED: Readonly<Record<string, { readonly options: string; readonly works: readonly Work[] }>> = {
  [EVERYTHING]: { options: '--events 300000 --cpus 8', works: ['analyze', 'stats', 'warm replay'] },
  'many-locks.dat': {
    options: '--events 200000 --cpus 4 --locks 200000 --zipf 0.5 --systems lock,sched',
    works: ['warm replay'],
  },
  'perf.data': { options: '--events 200000 --cpus 4 --format perf', works: ['warm replay'] },
  'report.txt': { options: '--events 30000 --cpus 4 --format report', works: ['warm replay'] },
};

/** Captures that somebody named. */
export function namedCases(files: readonly string[]): Case[] {
  return files.map((file) => bothRead(resolve(file), ['analyze', 'stats', 'warm replay']));
}

/** A small real capture, where the start counts, and generated ones of every kind of input, where the replay does. */
export async function ownCases(trees: Trees, folder: string): Promise<Case[]> {
  const cases = [bothRead(resolve(ROOT, 'traces/lost-unlock.dat'), ['analyze'])];
  for (const [name, { options, works }] of Object.entries(GENERATED)) {
    const out = join(folder, name);
    await run({ words: [process.execPath, GENERATOR, 'workload', '--out', out, ...options.split(' ')] });
    cases.push(bothRead(out, works));
  }
  return [...cases, await container(join(folder, EVERYTHING), trees, folder)];
}

function bothRead(path: string, works: readonly Work[]): Case {
  return { name: basename(path), file: { ours: path, base: path }, works };
}

/** The capture as each tree's own container: its format may have changed. */
async function container(capture: string, trees: Trees, folder: string): Promise<Case> {
  const convert = async (tree: keyof Trees): Promise<string> => {
    const out = join(folder, `${tree}.spin`);
    await run(spinback(['convert', capture, out], trees[tree]));
    return out;
  };
  const file = { ours: await convert('ours'), base: await convert('base') };
  return { name: `${basename(capture)} as .spin`, file, works: ['analyze', 'warm replay'] };
}
