import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { reportText } from '../../src/report/terminal.ts';
import { inspectCapture } from '../../src/session/session.ts';
import { IRQS_OFF, Story } from './story.ts';

// CPUs whose records end long before the others'. Times in milliseconds.

const who = (cpu: number) => ({ cpu, pid: 100 + cpu });
const SPINNER = { ...who(0), flags: IRQS_OFF };

/** CPU 2 goes on to the end; those of `until` tick to their own. */
function ending(until: Readonly<Record<number, number>>): Story {
  const story = new Story().ticks(0, 30_000, who(2));
  for (const [cpu, ms] of Object.entries(until)) story.ticks(0, ms, who(Number(cpu)));
  return story;
}

/** CPU 0 spins from 900 ms on. */
function spinning(story: Story): Story {
  return story
    .bit(900, SPINNER, L.KIND_ATTEMPT, 0n)
    .bit(900.001, SPINNER, L.KIND_CONTEND, 0x131n)
    .event(20_000, { ...SPINNER, flags: IRQS_OFF | L.FLAG_NMI }, L.KIND_OTHER);
}

const silent = (story: Story): (number | undefined)[] =>
  story
    .report()
    .findings.filter(({ kind }) => kind === 'silent-cpu')
    .map(({ subject }) => subject?.cpu);

const unjudged = (story: Story): string | undefined =>
  story.report().trace.problems.find(({ name }) => name === 'unjudged-silence')?.text;

const answer = (story: Story) =>
  inspectCapture(story.capture()).questions.find(({ question }) => question === 'Did a CPU fall silent?');

describe('CPUs that end early together', () => {
  it('accuse nobody, and the report and info say that this was not judged', () => {
    const story = ending({ 0: 900, 1: 901, 3: 902 });
    const why =
      /^CPUs 0, 1, 3 emitted nothing at the end, for up to 29\.\d+ s, without idling, and so did most/;
    expect(silent(story)).toEqual([]);
    expect(unjudged(story)).toMatch(new RegExp(`^whether a CPU fell silent: ${why.source.slice(1)}`));
    expect(reportText(story.report()).replace(/\s+/g, ' ')).toContain(
      ' whether a CPU fell silent: CPUs 0, 1, 3 emitted nothing at the end',
    );
    expect(answer(story)).toMatchObject({ answer: 'partly', why: expect.stringMatching(why) as string });
  });

  it('fell silent where the others are known to spin: a spin explains its own end', () => {
    const story = spinning(ending({ 0: 900, 1: 890, 3: 891 }));
    expect(silent(story).toSorted()).toEqual([1, 3]);
    expect(unjudged(story)).toBeUndefined();
  });
});

describe('a CPU that ends early alone', () => {
  it('fell silent against its rhythm', () => {
    const story = ending({ 0: 30_000, 1: 900, 3: 30_000 });
    expect(silent(story)).toEqual([1]);
    expect(answer(story)?.answer).toBe('yes');
  });

  it('is not judged where it had none', () => {
    const story = ending({ 0: 30_000, 3: 30_000 }).event(1, who(1), L.KIND_OTHER);
    expect(silent(story)).toEqual([]);
    expect(unjudged(story)).toMatch(
      /: CPU 1 emitted nothing at the end, for 29\.\d+ s, without idling, but had no rhythm/,
    );
    expect(answer(story)?.answer).toBe('partly');
  });

  it('is nothing to speak of where it idles', () => {
    const story = ending({ 0: 30_000, 1: 900, 3: 30_000 }).switch(901, 1, 101, 0);
    expect(silent(story)).toEqual([]);
    expect(unjudged(story)).toBeUndefined();
  });
});
