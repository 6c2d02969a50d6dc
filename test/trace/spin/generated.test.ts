// Containers of generated captures: faults, losses in the middle, and a kernel whose attempts count as takes.

import { describe, expect, test } from 'vitest';
import { generateTraceDat, readFault } from '../../../src/generate/index.ts';
import { bytesSource } from '../../../src/io/bytes.ts';
import { otherRow } from '../../../src/mapping/decode-row.ts';
import { NAMESPACE } from '../../../src/model/engine-numbers.ts';
import { KINDS } from '../../../src/model/event.ts';
import { attemptsHold } from '../../../src/session/pump.ts';
import type { Capture } from '../../../src/trace/capture.ts';
import { openSource } from '../../../src/trace/open.ts';
import { compareEvents, join, open, partsOf, reportOf } from './container.ts';

const HIDDEN: readonly number[] = [KINDS.indexOf('acquire'), KINDS.indexOf('contend')];

/** The capture of a kernel without CONFIG_LOCK_STAT: no lock_acquired, no lock_contended. */
function withoutLockStat(capture: Capture): Capture {
  const rows = capture.rows.map((row) =>
    row.namespace === NAMESPACE.lockdep && HIDDEN.includes(row.kind) ? otherRow(row.type) : row,
  );
  return new Proxy(capture, {
    get(target, key) {
      if (key === 'rows') return rows;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe(
  'a container of a generated capture gives its report, events and records',
  { timeout: 60_000 },
  () => {
    for (const fault of [null, 'lost-unlock', 'held-at-end', 'self-deadlock']) {
      test(fault ?? 'no fault', async () => {
        const faults = fault === null ? [] : [readFault(fault)];
        const { bytes } = generateTraceDat({ seed: 3, cpus: 4, events: 12_000, faults });
        const generated = () => openSource(bytesSource(bytes));
        const container = join(await partsOf(await generated()));
        expect(reportOf(await open(container))).toEqual(reportOf(await generated()));
        expect(compareEvents(await generated(), await open(container), 3).different).toEqual([]);
      });
    }

    test('attempts that count as takes', async () => {
      const { bytes } = generateTraceDat({ seed: 5, cpus: 4, events: 12_000, faults: [] });
      const generated = async () => withoutLockStat(await openSource(bytesSource(bytes)));
      const container = join(await partsOf(await generated()));
      expect([await generated(), await open(container)].map(attemptsHold)).toEqual([true, true]);
      expect(reportOf(await open(container))).toEqual(reportOf(await generated()));
      expect(compareEvents(await generated(), await open(container), 3).different).toEqual([]);
    });
  },
);
