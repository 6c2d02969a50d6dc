import { describe, expect, it } from 'vitest';
import { SpinbackError } from '../../src/base/errors.ts';
import { timeOf, parseTime } from '../../src/cli/filter.ts';
import { EVENTS, MemoryOutput, runWith, type FakeFile } from './harness.ts';
import { expectGolden } from '../report/golden.ts';

const files: Record<string, FakeFile> = {
  'a.dat': { events: EVENTS },
  'records.dat': { events: EVENTS, records: true },
  'cycles.dat': { events: EVENTS, clock: { name: 'x86-tsc', unit: 'cycles' } },
  'empty.dat': {},
  'cut.dat': {
    events: EVENTS,
    damage: [
      { name: 'overrun', severity: 'data loss', text: 'events were overwritten', count: 1 },
      {
        name: 'cut',
        severity: 'error',
        text: 'the file ends in the middle of a page',
        count: 1,
        offset: 4096,
      },
    ],
  },
  'broken.dat': {
    events: EVENTS.slice(0, 3),
    readError: new SpinbackError('DAMAGED', 'no page at all', { offset: 7 }),
  },
};

/** The indexes of the events that a filter lets through. */
async function through(argv: readonly string[], file = 'a.dat'): Promise<number[]> {
  const ran = await runWith(['events', '--json', ...argv, file], { files });
  expect(ran.stderr).toBe(ran.stdout === '' ? 'spinback: no event matches\n' : '');
  return ran.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { offset: number }).offset / 32);
}

describe('spinback events', () => {
  it('prints lines as in golden/events.txt', async () => {
    expectGolden('events.txt', (await runWith(['events', 'a.dat'], { files })).stdout);
  });

  it('prints fields with -v as in golden/events-verbose.txt', async () => {
    expectGolden('events-verbose.txt', (await runWith(['events', '-v', 'records.dat'], { files })).stdout);
  });

  it('prints JSON as in golden/events.jsonl', async () => {
    expectGolden(
      'events.jsonl',
      (await runWith(['events', '--json', '-v', 'records.dat'], { files })).stdout,
    );
  });

  it('tells a capture that can skip from when on events are wanted', async () => {
    const skipped: bigint[] = [];
    const some = { 'a.dat': { events: EVENTS, skipped } };
    await runWith(['events', 'a.dat'], { files: some });
    await runWith(['events', '--from', '47.341', 'a.dat'], { files: some });
    await runWith(['events', '--from', '+2ms', '--to', '+1s', 'a.dat'], { files: some });
    expect(skipped).toEqual([47_341_000_000n, 47_342_000_000n]);
  });

  it('prints bare cycles', async () => {
    const ran = await runWith(['events', 'cycles.dat'], { files });
    expect(ran.stdout.split('\n')[2]).toMatch(/^ +47340662843 \[003\]/);
  });

  it.each([
    [
      ['--from', '47.340667219'],
      [4, 5, 6, 7, 8],
    ],
    [
      ['--from', '47.341'],
      [6, 7, 8],
    ],
    [
      ['--to', '47.340665137'],
      [0, 1, 2, 3],
    ],
    [
      ['--from', '+662843ns', '--to', '+665137ns'],
      [2, 3],
    ],
    [
      ['--from', '+0.002'],
      [7, 8],
    ],
    [
      ['--from', '+2ms', '--to', '+1s'],
      [7, 8],
    ],
    [
      ['--lock', '0xffff888104ef4380'],
      [2, 3, 4, 5],
    ],
    [
      ['--lock', '0xFFFF888104EF4380:4'],
      [2, 4],
    ],
    [['--lock', '0xffff888104ef4380:5'], []],
    [
      ['--lock', '0xffff888104ef4380:4', '--lock', '0xffffffff81fdc1e0'],
      [2, 4, 6],
    ],
    [
      ['--cpu', '2'],
      [3, 5],
    ],
    [
      ['--cpu', '2,3', '--cpu', '0'],
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
    ],
    [
      ['--pid', '0,107'],
      [1, 3, 5, 7],
    ],
    [
      ['--pid', '100-107'],
      [3, 5],
    ],
    [
      ['--comm', 'fake_map'],
      [3, 5],
    ],
    [['--comm', '<idle>', '--cpu', '3'], [1]],
    [
      ['--kind', 'acquire,release'],
      [2, 4],
    ],
    [['--kind', 'word-store'], [5]],
    [['--kind', 'word store'], [5]],
    [
      ['--event', 'word_load', '--event', 'bhrace:word_store'],
      [3, 5],
    ],
    [['--event', 'bitlock:bit_spin_release', '--cpu', '2'], []],
  ])('with %j shows events %j', async (argv, shown) => {
    expect(await through(argv)).toEqual(shown);
  });

  it('says when --limit cut something, and only then', async () => {
    const cut = await runWith(['events', '--limit', '2', 'a.dat'], { files });
    expect(cut).toMatchObject({ exit: 0 });
    expect(cut.stdout.split('\n').length).toBe(3);
    expect(cut.stderr).toBe('spinback: there are more events than the 2 shown (--limit)\n');
    const all = await runWith(['events', '--limit', String(EVENTS.length), 'a.dat'], { files });
    expect(all.stderr).toBe('');
    expect((await runWith(['events', '--limit', '0', 'a.dat'], { files })).stdout).toBe('');
  });

  it('has no time filter in seconds where the clock counts cycles', async () => {
    const ran = await runWith(['events', '--from', '47.34', 'cycles.dat'], { files });
    expect(ran).toMatchObject({ exit: 2, stdout: '' });
    expect(ran.stderr).toContain('its clock counts no seconds');
    expect(await through(['--from', '47341000000'], 'cycles.dat')).toEqual([6, 7, 8]);
    expect(await through(['--from', '+1000000'], 'cycles.dat')).toEqual([6, 7, 8]);
  });

  it('refuses an event that the capture does not have', async () => {
    const ran = await runWith(['events', '--event', 'word_lod', 'a.dat'], { files });
    expect(ran).toMatchObject({ exit: 2, stdout: '' });
    expect(ran.stderr).toContain('no event called word_lod');
  });

  it('shows what a damaged file still holds, with status 3', async () => {
    const cut = await runWith(['events', 'cut.dat'], { files });
    expect(cut.exit).toBe(3);
    expect(cut.stdout.split('\n').length).toBe(EVENTS.length + 1);
    expect(cut.stderr).toBe('spinback: cut.dat: the file ends in the middle of a page (offset 4096)\n');
    const broken = await runWith(['events', 'broken.dat'], { files });
    expect(broken.exit).toBe(3);
    expect(broken.stdout.split('\n').length).toBe(4);
    expect(broken.stderr).toBe('spinback: broken.dat: no page at all (offset 7)\n');
    expect(broken.closed).toEqual(['broken.dat']);
  });

  it('refuses an end before the beginning, takes kinds as JSON spells them', async () => {
    const ran = await runWith(['events', '--from', '20', '--to', '10', 'a.dat'], { files });
    expect(ran).toMatchObject({ exit: 2, stdout: '' });
    expect(ran.stderr).toContain('--to 10 lies before --from 20');
    expect(await runWith(['events', '--kind', 'word_store,word store', 'a.dat'], { files })).toMatchObject({
      exit: 0,
    });
  });

  it('is content with a capture without events, and says that there are none', async () => {
    expect(await runWith(['events', 'empty.dat'], { files })).toMatchObject({
      exit: 0,
      stdout: '',
      stderr: 'spinback: no event matches\n',
    });
  });

  it('writes in pieces, and stops quietly when the reader goes', async () => {
    const many = Array.from({ length: 50_000 }, (_, at) => EVENTS[at % EVENTS.length]!);
    const all = await runWith(['events', 'many.dat'], { files: { 'many.dat': { events: many } } });
    expect(all.stdout.split('\n').length).toBe(50_001);
    expect(all.writes).toBeGreaterThan(50);
    const stdout = new MemoryOutput(false, undefined, 1);
    const head = await runWith(['events', 'many.dat'], {
      files: { 'many.dat': { events: many, damage: files['cut.dat']!.damage! } },
      stdout,
    });
    expect(head).toMatchObject({ exit: 0, stderr: '', writes: 1, closed: ['many.dat'] });
  });
});

describe('times on the command line', () => {
  const clock = { name: 'mono', unit: 'ns' } as const;
  it.each([
    ['47.340', 47_340_000_000n],
    ['47', 47_000_000_000n],
    ['47.340668709', 47_340_668_709n],
    ['+1.5s', 1_500_000_005n],
    ['+1.5', 1_500_000_005n],
    ['+10us', 10_005n],
  ])('%s is %d', (text, ns) => {
    expect(timeOf(parseTime(text)!, 5n, clock)).toBe(ns);
  });

  it.each(['', '+', '1.', '.5', '1e3', '-1', '1.5s', '0x10', '1:30'])('%j is none', (text) => {
    expect(parseTime(text)).toBeUndefined();
  });
});
