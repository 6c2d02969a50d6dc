import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Incident } from '../../src/model/kernel-log.ts';
import { logOf } from './harness.ts';

// A fixture is a log behind a head of "#! " lines: where it is from, and what must be found in it:
//
//   #! source: linux-kernel, 28 December 2006, Jesper Juhl (x86-64)
//   #! expect: hard-lockup cpu=1 pid=284 comm=scsi_eh_2 function=__delay
//   #! log:

/** What a fixture says must be found; fields that it leaves out are not known, or not judged. */
export interface Expected {
  readonly kind: string;
  readonly fields: Readonly<Record<string, string>>;
}

export interface Fixture {
  readonly name: string;
  readonly source: string;
  readonly expected: readonly Expected[];
  readonly log: string;
}

export const FIELDS = ['cpu', 'pid', 'comm', 'function'] as const;
type Field = (typeof FIELDS)[number];

const LOG = '#! log:\n';

export function fixturesIn(folder: string): Fixture[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .toSorted()
    .map((name) => fixtureOf(name, readFileSync(join(folder, name), 'utf8')));
}

function fixtureOf(name: string, text: string): Fixture {
  const at = text.indexOf(LOG);
  if (at < 0) throw new Error(`${name} has no line "#! log:"`);
  const head = text.slice(0, at).split('\n');
  const all = (key: string): string[] =>
    head.filter((line) => line.startsWith(`#! ${key}: `)).map((line) => line.slice(key.length + 5));
  return {
    name,
    source: all('source')[0] ?? '',
    expected: all('expect').map(expectedOf),
    log: text.slice(at + LOG.length),
  };
}

function expectedOf(line: string): Expected {
  const [kind = '', ...rest] = line.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  const fields = rest.map((pair) => {
    const [key = '', value = ''] = pair.split(/=(.*)/s);
    return [key, value.replaceAll('"', '')] as const;
  });
  return { kind, fields: Object.fromEntries(fields) };
}

/** Right ones among those found (precision) and among those to be found (recall). */
export interface Score {
  right: number;
  found: number;
  wanted: number;
}

export interface Scores {
  readonly scores: Readonly<Record<'kind' | Field, Score>>;
  /** What went wrong, one line each. */
  readonly faults: readonly string[];
}

/** Holds every fixture against what is found in it. */
export async function scoreOf(fixtures: readonly Fixture[]): Promise<Scores> {
  const empty = (): Score => ({ right: 0, found: 0, wanted: 0 });
  const scores = { kind: empty(), cpu: empty(), pid: empty(), comm: empty(), function: empty() };
  const faults: string[] = [];
  for (const { name, expected, log } of fixtures) {
    const { incidents } = await logOf(log);
    const left = [...incidents];
    scores.kind.found += incidents.length;
    scores.kind.wanted += expected.length;
    for (const want of expected) {
      const best = left
        .filter(({ kind }) => kind === want.kind)
        .toSorted((a, b) => agreement(b, want) - agreement(a, want))[0];
      if (!best) {
        faults.push(`${name}: no ${want.kind}`);
        for (const field of FIELDS) if (want.fields[field] !== undefined) scores[field].wanted++;
        continue;
      }
      left.splice(left.indexOf(best), 1);
      scores.kind.right++;
      for (const field of FIELDS) {
        const value = want.fields[field];
        if (value === undefined) continue;
        const found = best[field];
        scores[field].wanted++;
        if (found !== null) scores[field].found++;
        if (String(found) === value) scores[field].right++;
        else faults.push(`${name}: ${want.kind} has ${field} ${found}, not ${value}`);
      }
    }
    for (const { kind, headline } of left) faults.push(`${name}: ${kind} that nobody expects: ${headline}`);
  }
  return { scores, faults };
}

function agreement(incident: Incident, { fields }: Expected): number {
  return FIELDS.filter((field) => fields[field] !== undefined && String(incident[field]) === fields[field])
    .length;
}

export function precision({ right, found }: Score): number {
  return found === 0 ? 1 : right / found;
}

export function recall({ right, wanted }: Score): number {
  return wanted === 0 ? 1 : right / wanted;
}
