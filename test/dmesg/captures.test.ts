import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Incident } from '../../src/model/kernel-log.ts';
import { anyCapture } from '../captures.ts';
import { logFile, logOf } from './harness.ts';

// The logs of our own captures: what their registers, code and lines say (the truth was found without spinback).
const LOCKUPS: readonly (readonly [file: string, pid: number, address: string, ns: string])[] = [
  ['bhrace-1', 108, '0xffff888104ef4380', '62258165000'],
  ['bhrace-2', 112, '0xffff888103ff5d80', '50417698000'],
  ['lost-unlock', 107, '0xffff8881003def00', '39267522000'],
  ['missing-unlock', 111, '0xffff888104abf780', '38816400000'],
  ['bhleak-lost', 106, '0xffff8881008f3780', '50382253000'],
  ['bhslow-28s', 110, '0xffff8881003ea200', '37972086000'],
  ['stock', 128, '0xffff8881034ed500', '39282480000'],
  ['kprobe-leak', 109, '0xffff888100829d00', '38542803000'],
];

async function incidentsOf(path: string): Promise<readonly Incident[]> {
  return (await logFile(path)).incidents;
}

describe('the logs of our captures', () => {
  for (const [file, pid, address, ns] of LOCKUPS) {
    const path = anyCapture(`${file}.dmesg.txt`);
    it.skipIf(path === null)(`${file}: the lock by code and registers`, async () => {
      const lockups = (await incidentsOf(path!)).filter(({ kind }) => kind === 'hard-lockup');
      expect(lockups).toHaveLength(1);
      expect(lockups[0]).toMatchObject({
        cpu: 3,
        pid,
        comm: 'fake_endio',
        firstNs: ns,
        function: 'bitlock_traced_lock',
        caller: 'fake_finish_bio',
        interrupts: { state: 'off' },
        spin: { kind: 'bit-spinlock', word: { address, bit: 4 } },
      });
      // The irq trace is that of the CPU that noticed, not of the stuck one.
      expect(lockups[0]!.interruptsSince?.isVictim).not.toBe(true);
    });
  }

  for (const [file] of LOCKUPS) {
    const path = anyCapture(`${file}.dmesg.txt`);
    it.skipIf(path === null)(`${file}: the same without times (dmesg -t)`, async () => {
      const bare = readFileSync(path!, 'utf8').replaceAll(/^\[ *\d+\.\d+\] /gm, '');
      const shown = (incidents: readonly Incident[]): unknown[] =>
        incidents.map(({ kind, cpu, pid, comm, function: name, interrupts, spin, stack }) => {
          return { kind, cpu, pid, comm, name, interrupts: interrupts?.state, spin, stack };
        });
      expect(shown((await logOf(bare)).incidents)).toEqual(shown(await incidentsOf(path!)));
    });
  }

  for (const file of ['missing-unlock', 'kprobe-leak', 'bhleak-lost']) {
    const path = anyCapture(`${file}.dmesg.txt`);
    it.skipIf(path === null)(`${file}: who slept in an atomic section explains the lockup`, async () => {
      const lockup = (await incidentsOf(path!)).find(({ kind }) => kind === 'hard-lockup')!;
      expect(lockup.before.map(({ text }) => text).join()).toContain('scheduling while atomic: fake_submit');
      expect(lockup.hypotheses[0]).toMatchObject({ cause: 'missing-unlock', confidence: 'likely' });
    });
  }

  for (const file of ['bhslow-3s', 'slow-holder']) {
    const path = anyCapture(`${file}.dmesg.txt`);
    it.skipIf(path === null)(`${file}: no report`, async () => {
      expect(await incidentsOf(path!)).toEqual([]);
    });
  }

  const slow = anyCapture('bhslow-28s.dmesg.txt');
  it.skipIf(slow === null)('bhslow-28s: the holder is among the other CPUs', async () => {
    const [lockup] = await incidentsOf(slow!);
    expect(lockup!.hypotheses[0]!.cause).toBe('holder-elsewhere');
    expect(lockup!.otherCpus.find(({ cpu }) => cpu === 2)?.doing).toContain('fake_slow_holder');
  });

  const abba = anyCapture('abba.dmesg.txt');
  it.skipIf(abba === null)('abba: the splat, both locks and what is held', async () => {
    const [splat] = await incidentsOf(abba!);
    expect(splat).toMatchObject({
      kind: 'lockdep-circular',
      cpu: 0,
      pid: 92,
      comm: 'abba_ba',
      function: 'take_b_then_a',
      firstNs: '21234863000',
    });
    expect(splat!.locks.map(({ name, address }) => [name, address])).toEqual([
      ['abba_lock_a', '0xffffffffa0002118'],
      ['abba_lock_b', '0xffffffffa00020b8'],
    ]);
    expect(splat!.held).toMatchObject([{ comm: 'abba_ba', pid: 92, locks: [{ name: 'abba_lock_b' }] }]);
  });

  const panic = anyCapture('panic-dump.console.txt');
  it.skipIf(panic === null)(
    'panic-dump: report and panic are one event, the dumped ring is none',
    async () => {
      const incidents = await incidentsOf(panic!);
      expect(incidents).toHaveLength(1);
      expect(incidents[0]).toMatchObject({
        kind: 'hard-lockup',
        cpu: 3,
        pid: 109,
        spin: { word: { address: '0xffff888100804a80', bit: 4 } },
      });
      expect(incidents[0]!.entries.map(({ text }) => text)).toEqual([
        'watchdog: Watchdog detected hard LOCKUP on cpu 3',
        'Kernel panic - not syncing: Hard LOCKUP',
      ]);
    },
  );
});
