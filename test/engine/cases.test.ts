// Cases that an engine once got wrong, each with what is right.

import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { namespaceFlags } from '../../src/model/event-record.ts';
import type { CanonicalEvent } from '../../src/model/event.ts';
import type { ContextState, LockState } from '../../src/model/state.ts';
import { recordsOf } from '../property/event-streams.ts';
import { writePages } from '../property/page-streams.ts';
import { agree, options, RECORDS, row, type Outcome } from './harness.ts';

const WORD = namespaceFlags('word');

function event(time: number | bigint, kind: number, about: Partial<CanonicalEvent> = {}): CanonicalEvent {
  const bare = { address: 0x1000n, value: 0n, bit: 4, cpu: 0, pid: 7, flags: WORD, type: 0 };
  return { time: BigInt(time), kind, ...bare, ...about };
}

const switchTo = (time: number, cpu: number, previous: number, next: number): CanonicalEvent =>
  event(time, L.KIND_SWITCH, { cpu, pid: previous, value: BigInt(previous) | (BigInt(next) << 32n) });

function replay(
  events: readonly CanonicalEvent[],
  limits: { tablePower?: number; tableFloor?: number } = {},
): Outcome {
  return agree({ options: options(limits), lanes: [recordsOf(events)] });
}

const lockOf = ({ last }: Outcome, address: bigint): LockState | undefined =>
  [...last.locks.values()].find((lock) => lock.address === address);

const taskOf = ({ last }: Outcome, pid: number): ContextState | undefined =>
  last.contexts.find((context) => context.pid === pid);

describe('words', () => {
  test('a lock without a bit number has no part in the history of its word', () => {
    for (const bit of [64, 200, L.WHOLE_LOCK]) {
      const outcome = replay([
        event(1, L.KIND_WORD_LOAD, { pid: 8, value: 0xffff_ffff_ffff_ffffn }),
        event(2, L.KIND_ACQUIRE, { bit }),
        event(3, L.KIND_RELEASE, { bit }),
        event(4, L.KIND_WORD_STORE, { pid: 8, value: 0xffff_ffff_ffff_ffffn }),
        event(5, L.KIND_OBSERVE, { pid: 9, value: 0xffff_ffff_ffff_ffffn }),
        event(6, L.KIND_ATTEMPT, { bit }),
      ]);
      expect(lockOf(outcome, 0x1000n)).toMatchObject({ bit, suspect: null, isSeenSet: false, writers: [] });
      expect(outcome.records).toEqual([]);
    }
  });

  test('that are all of one time, and one beyond 2^53, can be forgotten', () => {
    const seen = Array.from({ length: 40 }, (_, n) =>
      event((1n << 53n) + 1n, L.KIND_OBSERVE, { address: BigInt(n) * 64n }),
    );
    const { last } = replay(seen, { tablePower: 3, tableFloor: 0 });
    expect(last.counters[L.COUNTER_FORGOTTEN_WORDS]).toBe(36n);
  });

  test('of one old time among new ones go together with others, not one by one', () => {
    // As where time runs backwards. Half of the idle ones go at least, or each new word would cost a look through all.
    const seen = Array.from({ length: 300 }, (_, n) =>
      event(n < 127 ? 1_000_000 : 1, L.KIND_OBSERVE, { address: BigInt(n) * 64n }),
    );
    const { last } = replay(seen, { tablePower: 8, tableFloor: 0 });
    // The table is half full with 128 words: twice all of them go, for there is no time that halves them.
    expect(last.counters[L.COUNTER_FORGOTTEN_WORDS]).toBe(256n);
  });
});

describe('tasks', () => {
  test('are where they were switched in last', () => {
    const outcome = replay([
      event(1, L.KIND_ACQUIRE, { cpu: 0 }),
      switchTo(2, 0, 7, 8),
      switchTo(3, 1, 9, 7),
      event(4, L.KIND_ATTEMPT, { cpu: 1, address: 0x2000n }),
    ]);
    expect(taskOf(outcome, 7)).toMatchObject({ cpu: 1, inTime: 3n });
  });

  test('that come back after their exit are not forgotten with what they hold', () => {
    // sched_process_exit fires early, and the task is preempted on its way out. Other tasks then fill the table.
    const holding = [
      event(1, L.KIND_ACQUIRE),
      event(2, L.KIND_TASK_EXIT, { value: 7n }),
      switchTo(3, 0, 7, 8),
    ];
    const others = Array.from({ length: 40 }, (_, n) =>
      event(10 + n, L.KIND_ATTEMPT, { pid: 100 + n, flags: WORD | L.FLAG_TRY, address: 0x9000n }),
    );
    const free = others.flatMap((take) => [take, { ...take, kind: L.KIND_RELEASE }]);
    const limits = { tablePower: 3, tableFloor: 0 };
    expect(lockOf(replay([...holding, ...free], limits), 0x1000n)).toMatchObject({
      owner: null,
      isOrphaned: true,
    });
    const back = replay([...holding, switchTo(4, 0, 8, 7), ...free], limits);
    expect(lockOf(back, 0x1000n)).toMatchObject({ owner: taskOf(back, 7)!.id, isOrphaned: false });
  });

  test('that are forgotten are not remembered by a CPU', () => {
    // CPU 1 knows task 8 when the table is swept because of CPU 0; what it does next makes it anew.
    const busy = Array.from({ length: 12 }, (_, n) => [
      event(20 + 2 * n, L.KIND_ACQUIRE, { pid: 100 + n, address: 0x9000n }),
      event(21 + 2 * n, L.KIND_RELEASE, { pid: 100 + n, address: 0x9000n }),
    ]).flat();
    const on = { cpu: 1, pid: 8, address: 0x3000n };
    const outcome = replay(
      [event(1, L.KIND_ACQUIRE, on), event(2, L.KIND_RELEASE, on), ...busy, event(90, L.KIND_ACQUIRE, on)],
      { tablePower: 3, tableFloor: 0 },
    );
    expect(outcome.last.counters[L.COUNTER_FORGOTTEN_TASKS]).toBeGreaterThan(0n);
    expect(lockOf(outcome, 0x3000n)!.owner).toBe(taskOf(outcome, 8)!.id);
  });
});

describe('pids that are used again', () => {
  const exit = (time: number): CanonicalEvent => event(time, L.KIND_TASK_EXIT, { value: 7n });
  const filler = Array.from({ length: 40 }, (_, n) => [
    event(100 + 2 * n, L.KIND_ACQUIRE, { pid: 100 + n, address: 0x9000n }),
    event(101 + 2 * n, L.KIND_RELEASE, { pid: 100 + n, address: 0x9000n }),
  ]).flat();
  const tiny = { tablePower: 3, tableFloor: 0 };

  test('the next task with a pid is not on its way out', () => {
    const outcome = replay([
      event(1, L.KIND_ACQUIRE),
      event(2, L.KIND_RELEASE),
      exit(3),
      switchTo(4, 0, 7, 8),
      switchTo(5, 0, 8, 7),
      event(6, L.KIND_ACQUIRE),
    ]);
    expect(taskOf(outcome, 7)).toMatchObject({ isExiting: false, exit: null });
  });

  test('what it holds while it sleeps is not what the one before left behind', () => {
    // The first one exits with a lock; the second one takes another and sleeps with it while the table is swept.
    const outcome = replay(
      [
        event(1, L.KIND_ACQUIRE, { address: 0x3000n }),
        exit(2),
        switchTo(3, 0, 7, 8),
        switchTo(4, 0, 8, 7),
        event(5, L.KIND_ACQUIRE),
        switchTo(6, 0, 7, 8),
        ...filler,
      ],
      tiny,
    );
    expect(lockOf(outcome, 0x1000n)).toMatchObject({ owner: taskOf(outcome, 7)!.id, isOrphaned: false });
  });

  test('what it holds it left with the first switch since the take, and no more once it let go', () => {
    const events = [
      event(1, L.KIND_ACQUIRE),
      switchTo(2, 0, 7, 8),
      switchTo(3, 0, 8, 7),
      event(4, L.KIND_RELEASE),
      event(5, L.KIND_ACQUIRE),
      event(6, L.KIND_ACQUIRE, { address: 0x3000n }),
      switchTo(7, 0, 7, 8),
      switchTo(8, 0, 8, 7),
      event(9, L.KIND_ACQUIRE, { address: 0x5000n }),
      switchTo(10, 0, 7, 8),
    ];
    const leftAt = (outcome: Outcome, address: bigint): bigint | undefined =>
      lockOf(outcome, address)?.left?.time;
    expect(leftAt(replay(events.slice(0, 3)), 0x1000n)).toBe(2n);
    expect(leftAt(replay(events.slice(0, 5)), 0x1000n)).toBeUndefined();
    const whole = replay(events);
    expect(lockOf(whole, 0x1000n)?.left).toMatchObject({ time: 7n, kind: L.KIND_SWITCH, pid: 7 });
    expect(leftAt(whole, 0x3000n)).toBe(7n);
    expect(leftAt(whole, 0x5000n)).toBe(10n);
    // The next one on this level of the CPU takes nothing of it over.
    const interrupt = { flags: WORD | L.FLAG_SOFTIRQ };
    const abandoned = replay([
      event(1, L.KIND_ACQUIRE, interrupt),
      event(2, L.KIND_OTHER, { flags: 0 }),
      event(3, L.KIND_OTHER, interrupt),
      event(4, L.KIND_OTHER, { flags: 0 }),
    ]);
    expect(lockOf(abandoned, 0x1000n)).toMatchObject({
      isOrphaned: true,
      left: { time: 2n, kind: L.KIND_LEAVE },
    });
  });

  test('a second exit tells what the first one left behind', () => {
    const outcome = replay([
      event(1, L.KIND_ACQUIRE),
      exit(2),
      switchTo(3, 0, 7, 8),
      switchTo(9, 0, 8, 7),
      exit(10),
    ]);
    expect(lockOf(outcome, 0x1000n)).toMatchObject({
      isOrphaned: true,
      left: { time: 2n, kind: L.KIND_TASK_EXIT },
    });
  });
});

describe('memory of what was abandoned', () => {
  // Interrupts that never release: each abandons a lock when the next one begins.
  const abandoned = Array.from({ length: 200 }, (_, n) => [
    event(10 * n + 1, L.KIND_ACQUIRE, { address: BigInt(n) * 64n, flags: WORD | L.FLAG_HARDIRQ }),
    event(10 * n + 2, L.KIND_OTHER),
  ]).flat();

  test('is bounded: the oldest ones go, counted', () => {
    const { last } = replay(abandoned, { tablePower: 3, tableFloor: 8 });
    expect(last.liveLocks).toBeLessThan(64);
    expect(last.counters[L.COUNTER_FORGOTTEN_LOCKS]).toBeGreaterThan(100n);
  });

  test('keeps as many as a small table holds', () => {
    const { last } = replay(abandoned, { tablePower: 3, tableFloor: 1000 });
    expect([...last.locks.values()].filter(({ isOrphaned }) => isOrphaned)).toHaveLength(199);
  });

  test('tasks whose locks others have taken since are not kept for them', () => {
    const stale = Array.from({ length: 60 }, (_, n) => [
      event(10 * n + 1, L.KIND_ACQUIRE, { pid: 100 + n }),
      switchTo(10 * n + 2, 0, 100 + n, 101 + n),
    ]).flat();
    const { last } = replay(stale, { tablePower: 3, tableFloor: 0 });
    expect(last.counters[L.COUNTER_FORGOTTEN_TASKS]).toBeGreaterThan(40n);
    expect(last.contexts.at(-1)).toMatchObject({ pid: 159, stack: [{ state: L.ENTRY_IS_HELD }] });
  });
});

describe('what the record cannot have missed (design rules 8 and 13)', () => {
  const cpu0 = ({ last }: Outcome): object => last.cpus[0]!;
  const atomic = WORD | L.FLAG_PREEMPT_OFF;

  test('a lock event whose value says the opposite is a break', () => {
    const told = (acquired: bigint, released: bigint): Outcome =>
      replay([event(1, L.KIND_ACQUIRE, { value: acquired }), event(2, L.KIND_RELEASE, { value: released })]);
    expect(cpu0(told(0x131n, 0x21n))).toMatchObject({ breaks: 0 });
    // Not every event carries a value.
    expect(cpu0(told(0n, 0n))).toMatchObject({ breaks: 0 });
    expect(cpu0(told(0x121n, 0x21n))).toMatchObject({ breaks: 1, firstBreak: 1n, lastBreak: 1n });
    expect(cpu0(told(0x131n, 0x31n))).toMatchObject({ breaks: 1, firstBreak: 2n, lastBreak: 2n });
    expect(told(0x121n, 0x31n).last.counters[L.COUNTER_CONTRADICTIONS]).toBe(2n);
  });

  test('a release by whom the capture would have seen taking is a break', () => {
    const other = event(1, L.KIND_ATTEMPT, { address: 0x8000n, cpu: 1, pid: 9 });
    const release = (flags: number): CanonicalEvent => event(5, L.KIND_RELEASE, { flags });
    expect(cpu0(replay([other, switchTo(2, 0, 8, 7), release(atomic)]))).toMatchObject({
      breaks: 1,
      lastBreak: 5n,
    });
    // It can have slept since before the capture began, or the switch before it was not seen.
    expect(cpu0(replay([other, switchTo(2, 0, 8, 7), release(WORD)]))).toMatchObject({ breaks: 0 });
    expect(cpu0(replay([other, release(atomic)]))).toMatchObject({ breaks: 0 });
    const lost = event(3, L.KIND_LOST, { value: 9n });
    expect(cpu0(replay([other, switchTo(2, 0, 8, 7), lost, release(atomic)]))).toMatchObject({ breaks: 0 });
    // Takes are not recorded at all; or this one is an annotation.
    expect(cpu0(replay([switchTo(2, 0, 8, 7), release(atomic)]))).toMatchObject({ breaks: 0 });
    const attempt = event(4, L.KIND_ATTEMPT, { flags: atomic });
    expect(cpu0(replay([switchTo(2, 0, 8, 7), attempt, release(atomic)]))).toMatchObject({ breaks: 0 });
  });

  test('a loss is no break, and does not hide an earlier one', () => {
    const outcome = replay([
      event(1, L.KIND_IRQS_OFF),
      event(2, L.KIND_IRQS_OFF),
      event(3, L.KIND_LOST, { value: 9n }),
      event(4, L.KIND_OTHER),
    ]);
    expect(cpu0(outcome)).toMatchObject({ breaks: 1, firstBreak: 2n, lastBreak: 2n, lostSpans: 1 });
  });
});

describe('a release', () => {
  test('is that of the attempt on top, not of a hold below that ended unseen', () => {
    const outcome = replay([
      event(1, L.KIND_ACQUIRE),
      event(2, L.KIND_ATTEMPT),
      event(3, L.KIND_RELEASE),
      event(4, L.KIND_ATTEMPT, { address: 0x2000n }),
    ]);
    expect(taskOf(outcome, 7)!.stack).toMatchObject([
      { state: L.ENTRY_IS_HELD, acquire: { time: 1n } },
      { state: L.ENTRY_IS_ATTEMPT, attempt: { time: 4n } },
    ]);
  });
});

describe('the machine', () => {
  test('that is silent for as long as a wait counts is reported with the times', () => {
    const events = [event(1, L.KIND_OTHER), event(50, L.KIND_OTHER, { cpu: 1 }), event(150, L.KIND_OTHER)];
    const { records } = agree({ options: options({ spinNs: 100 }), lanes: [recordsOf(events)] });
    expect(records).toEqual([expect.objectContaining({ kind: L.RECORD_IS_PAUSE, extra: 50n, cpu: 0 })]);
    expect(records[0]!.marks[0]).toMatchObject({ time: 150n });
  });
});

describe('damage', () => {
  const layout = { pageSize: 64, commitSize: 8, dataAt: 16 } as const;
  const record = Uint8Array.from([1, 0, 0, 0, 7, 0, 0, 0]);
  const lanes = [{ ...RECORDS, layout }];
  const page = (time: bigint): Parameters<typeof writePages>[1][number] => ({
    time,
    pieces: [{ is: 'record', delta: 1, record }],
    missed: null,
  });

  test('a page whose length cannot be does not say how many events were missed either', () => {
    const pages = writePages(layout, [page(0n), page(10n), page(20n)]);
    // 4095 bytes of data, events missed, and their number behind the data: the record's bytes are no such number.
    new DataView(pages.buffer).setUint32(64 + 8, 0xc000_0fff, true);
    const { last } = agree({ options: options({ lanes }), lanes: [pages] });
    expect(last.lanes[0]).toMatchObject({ events: 2n, pages: 3, badPages: 1, firstBad: 64n });
    expect(last.cpus[0]).toMatchObject({ lost: 0n, lostSpans: 1, lostUnknown: 1 });
  });

  test('pages of zeros in front of others are damage, and lose an unknown number of events', () => {
    const pages = writePages(layout, [page(0n), page(10n), page(20n), page(30n), page(40n)]);
    pages.fill(0, 64, 192);
    const { last } = agree({ options: options({ lanes }), lanes: [pages] });
    expect(last.lanes[0]).toMatchObject({ events: 3n, pages: 5, badPages: 2, firstBad: 192n });
    expect(last.cpus[0]).toMatchObject({ lost: 0n, lostSpans: 1, lostUnknown: 1 });
  });

  test('pages of zeros at the end are room that was not used', () => {
    const pages = writePages(layout, [page(0n), page(10n), page(20n)]);
    pages.fill(0, 64);
    const { last } = agree({ options: options({ lanes }), lanes: [pages] });
    expect(last.lanes[0]).toMatchObject({ events: 1n, pages: 3, badPages: 0 });
    expect(last.cpus[0]).toMatchObject({ lostSpans: 0 });
  });

  test('what stands behind a record that does not fit its page is lost', () => {
    const pages = writePages(layout, [page(0n), page(10n)]);
    // 28 words of data where the page has two.
    new DataView(pages.buffer).setUint32(16, 28, true);
    const { last } = agree({ options: options({ lanes }), lanes: [pages] });
    expect(last.lanes[0]).toMatchObject({ events: 1n, badEvents: 1 });
    expect(last.cpus[0]).toMatchObject({ lostSpans: 1, lostUnknown: 1 });
  });

  test('a record that is too short for its format is told with its place', () => {
    const pages = writePages(layout, [page(0n), page(10n)]);
    const rows = [row(0, L.KIND_OTHER), row(1, L.KIND_RELEASE, { minSize: 12 })];
    const { last } = agree({ options: options({ lanes, rows }), lanes: [pages] });
    expect(last.lanes[0]).toMatchObject({ events: 2n, badEvents: 2, firstBad: 20n });
    expect(last.counters[L.COUNTER_RELEASES]).toBe(0n);
    expect(last.rows).toEqual([expect.objectContaining({ row: 1, count: 2n })]);
  });

  test('time stamps at 0 are times', () => {
    // The mark of an event at time 0 is one, unless the event is unmapped: then nothing tells it from none.
    const seen = [
      event(0, L.KIND_ACQUIRE),
      event(0, L.KIND_MESSAGE),
      event(3, L.KIND_OTHER, { flags: L.FLAG_IRQS_OFF }),
    ];
    const { last } = replay(seen);
    expect(last.cpus[0]).toMatchObject({ flagsOn: { time: 0n, kind: L.KIND_MESSAGE }, last: { time: 3n } });
  });
});
