import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { IRQS_OFF, sort, Story, type StoryOptions } from './story.ts';

// Which load is a store's, and whether a release lies between them. Times in milliseconds.

const { KIND_ATTEMPT: ATTEMPT, KIND_CONTEND: CONTEND, KIND_ACQUIRE: ACQUIRE, KIND_RELEASE: RELEASE } = L;
const LOCKER = { cpu: 3, pid: 103, flags: IRQS_OFF };
const WRITER = { cpu: 2, pid: 102 };
const LAST = 35_000;

interface Race extends StoryOptions {
  readonly load?: number;
  readonly release?: number;
  readonly store?: number;
  /** What the store's record says that its program had loaded. */
  readonly old?: bigint;
}

/** CPU 2 loads the word, CPU 3 releases the lock, CPU 2 stores; much later CPU 3 finds the bit set and spins to the end. */
function race({ load = 100, release = 100.001, store = 100.002, old, ...options }: Race = {}): Story {
  const story = new Story(options)
    .ticks(0, LAST, { cpu: 0, pid: 100 })
    .ticks(0, LAST, WRITER)
    .bit(99, LOCKER, ACQUIRE, 0x131n)
    .bit(load, WRITER, L.KIND_WORD_LOAD, 0x131n)
    .bit(release, LOCKER, RELEASE, 0x21n);
  if (old === undefined) story.bit(store, WRITER, L.KIND_WORD_STORE, 0x131n);
  else story.store(store, WRITER, 0x131n, old);
  return story
    .event(20_000, LOCKER, L.KIND_IRQS_OFF)
    .bit(20_000.001, LOCKER, ATTEMPT, 0n)
    .bit(20_000.002, LOCKER, CONTEND, 0x131n);
}

describe('a store and the load before it', () => {
  it.each([
    ['at once', 100.002, 'certain'],
    ['with a long interrupt in between', 100.9, 'certain'],
    ['preempted in between', 150, 'likely'],
    ['ten seconds later', 10_100, 'possible'],
  ])('%s', (_, store, confidence) => {
    expect(race({ store }).findings()).toContain(`never-released lost-unlock ${confidence}`);
  });

  it('a doubt whether they are one update is told', () => {
    const { findings } = race({ store: 10_100 }).report();
    const finding = findings.find(({ kind }) => kind === 'never-released');
    expect(finding!.alternatives[0]).toMatchObject({ cause: 'unknown-setter', confidence: 'likely' });
    expect(finding!.alternatives[0]!.why).toContain('10.000 s before it');
  });

  it('are none where the store’s record says that its program had loaded something else', () => {
    expect(race({ old: 0x131n }).findings()[0]).toBe('never-released lost-unlock certain');
    const [finding] = race({ old: 0x133n }).report().findings;
    expect(finding).toMatchObject({ cause: 'unknown-setter', culprit: null });
    expect(finding!.alternatives[0]).toMatchObject({ cause: 'lost-unlock' });
  });

  it('of a clock without a unit are told apart by what the store’s record says alone', () => {
    const units = { unit: 'cycles', clock: 'x86-tsc', store: 10_100 } as const;
    const told = (race: Story): Story => race.message(LAST, LOCKER, 'Watchdog detected hard LOCKUP on cpu 3');
    expect(told(race(units)).findings()).toContain('never-released lost-unlock certain');
    expect(told(race({ ...units, old: 0x31n })).findings()).not.toContain(
      'never-released lost-unlock certain',
    );
  });

  it('nor is a bit erased by a store of something that was loaded later', () => {
    const erased = (old: bigint): string[] =>
      new Story()
        .bit(99, LOCKER, RELEASE, 0x21n)
        .bit(100, WRITER, L.KIND_WORD_LOAD, 0x21n)
        .bit(100.001, LOCKER, ACQUIRE, 0x31n)
        .store(100.002, WRITER, 0x21n, old)
        .findings();
    expect(erased(0x21n)).toEqual(['lost-update bit-erased possible']);
    expect(erased(0x23n)).toEqual([]);
  });
});

describe('a load that is recorded behind the release', () => {
  const late = (by: number, options: StoryOptions = {}): string =>
    race({ load: 100 + by, release: 100, store: 100 + by + 0.001, ...options }).findings()[0]!;

  it('may have been late by an interrupt, but not by more', () => {
    expect(late(0.05)).toBe('never-released lost-unlock likely');
    expect(late(2)).toBe('never-released unknown-setter likely');
  });

  it('nor by more than clocks of different CPUs differ', () => {
    expect(late(2, { clock: 'local' })).toBe('never-released lost-unlock likely');
    expect(late(20, { clock: 'local' })).toBe('never-released unknown-setter likely');
  });

  it('is no update that set the bit again, where nobody waits', () => {
    const putsBack = (by: number): string[] =>
      new Story()
        .bit(99, LOCKER, ACQUIRE, 0x131n)
        .bit(100, LOCKER, RELEASE, 0x21n)
        .bit(100 + by, WRITER, L.KIND_WORD_LOAD, 0x131n)
        .bit(100.001 + by, WRITER, L.KIND_WORD_STORE, 0x131n)
        .bit(101 + by, WRITER, L.KIND_WORD_LOAD, 0x131n)
        .ticks(102 + by, 5_000, WRITER)
        .findings();
    expect(putsBack(0.05)).toEqual(['lost-update bit-set-back likely']);
    expect(putsBack(400)).toEqual([]);
  });
});

describe('records that cannot be read', () => {
  it('may be the store, the take or the release that is missed', () => {
    const capture = race({ old: 0x133n }).capture();
    const damage = { name: 'mapping-misfit', severity: 'error', text: '', count: 1 } as const;
    const types = [{ id: 1, system: 'bhrace', name: 'word_store' }];
    const [whole] = analyzeCapture(capture).findings;
    expect(sort(whole!)).toBe('never-released unknown-setter likely');
    const misfit = { ...race({ old: 0x133n }).capture(), types, damage: () => [damage] };
    const report = analyzeCapture(misfit);
    const finding = report.findings.find(({ kind }) => kind === 'never-released');
    expect(sort(finding!)).toBe('never-released unknown-setter possible');
    expect(finding!.taintedBy.join()).toMatch(/the \d+ records of bhrace:word_store cannot be read/);
    expect(finding!.alternatives[1]!.why).toContain('may be among the events that were lost');
  });

  it('are of no consequence where they never told of locks', () => {
    const damage = { name: 'mapping-misfit', severity: 'error', text: '', count: 1 } as const;
    const types = [{ id: 1, system: 'xfs', name: 'xfs_ilock' }];
    const { findings } = analyzeCapture({ ...race().capture(), types, damage: () => [damage] });
    expect(sort(findings[0]!)).toBe('never-released lost-unlock certain');
  });
});

describe('a lock that is held for reading', () => {
  const reader = { cpu: 1, pid: 101, flags: L.FLAG_READ | L.FLAG_PREEMPT_OFF };
  const spin = (story: Story): Story =>
    story.event(200, LOCKER, L.KIND_IRQS_OFF).map(200.01, LOCKER, ATTEMPT).map(200.02, LOCKER, CONTEND);
  const gets = (story: Story): Story =>
    story
      .map(5_300.02, LOCKER, ACQUIRE)
      .map(5_300.03, LOCKER, RELEASE)
      .event(5_300.04, LOCKER, L.KIND_IRQS_ON);

  it('keeps a writer spinning: its last reader is named', () => {
    const story = spin(new Story().map(100, reader, ATTEMPT).map(100.01, reader, ACQUIRE));
    const [finding] = gets(story.map(5_300, { ...reader, flags: 0 }, RELEASE)).report().findings;
    expect(finding).toMatchObject({ kind: 'irq-off-spin', cause: 'unknown-holder' });
    expect(finding!.headline).toContain('held for reading, last by task101-101 on CPU 1 until 5.300000000');
    expect(finding!.evidence.map(({ detail }) => detail).join()).toContain('the last reader lets go');
    expect(finding!.alternatives.map(({ cause }) => cause)).not.toContain('lost-unlock');
  });

  it('somebody who took it alone meanwhile was no reader', () => {
    const writer = { cpu: 1, pid: 105 };
    const story = spin(new Story().map(100, reader, ATTEMPT).map(100.01, reader, ACQUIRE));
    story.map(300, { ...reader, flags: 0 }, RELEASE);
    story.map(301, writer, ATTEMPT).map(301.01, writer, ACQUIRE).map(5_300, writer, RELEASE);
    const [finding] = gets(story).report().findings;
    expect(finding!.headline).toContain('that task105-105 on CPU 1 let go at 5.300000000');
    expect(finding!.evidence.map(({ detail }) => detail).join()).toContain(
      'the last release before the spin ends',
    );
  });
});
