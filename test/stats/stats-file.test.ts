import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { SpinbackError } from '../../src/base/errors.ts';
import { isStats } from '../../src/stats/sniff.ts';
import { decodeStats, encodeStats } from '../../src/stats/stats-file.ts';
import type { Run } from '../../src/model/stats.ts';
import { madeFinding, madeRun } from '../compare/made-runs.ts';

const LOCKS = [{ name: '&ei->i_data_sem', acquisitions: 60, holdNs: 900, contended: 0.2, waitNs: 4000 }];
const RUN = {
  ...madeRun(new Random(3), { locks: LOCKS, betweenRuns: 0, blocks: 4 }),
  findings: [madeFinding('a', 0)],
};

const bytesOf = (...runs: Run[]): Uint8Array => new TextEncoder().encode(encodeStats(runs));

describe('A file of statistics', () => {
  const bytes = bytesOf(RUN, RUN);

  it('comes back as it was', () => {
    expect(isStats(bytes)).toBe(true);
    expect(decodeStats(bytes).runs).toEqual([RUN, RUN]);
    expect(bytesOf(...decodeStats(bytes).runs)).toEqual(bytes);
  });

  it('is refused when it is cut anywhere', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 3), (length) => {
        expect(() => decodeStats(bytes.subarray(0, length))).toThrow(SpinbackError);
      }),
    );
  });

  it('is refused or valid when bits are flipped, and never breaks', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
        const damaged = bytes.slice();
        damaged[at]! ^= 1 << bit;
        try {
          decodeStats(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(SpinbackError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('decodeStats', () => {
  it.each([
    [{ rows: [{ ...RUN.rows[0]!, acquisitions: -1 }] }, 'runs.0.rows.0.acquisitions'],
    [{ rows: [] }, 'names a row that is not there'],
    [{ split: 'colour' }, 'runs.0.split'],
    [{ rows: [{ ...RUN.rows[0]!, wait: { ...RUN.rows[0]!.wait!, count: 7 } }] }, 'do not add up'],
  ])('says where it is damaged (%#)', (change, said) => {
    const bytes = bytesOf({ ...RUN, ...change } as Run);
    expect(() => decodeStats(bytes)).toThrow(said);
  });

  it('refuses a file of another version', () => {
    const bytes = new TextEncoder().encode('{"schema":"spinback/stats@2","runs":[]}');
    expect(isStats(bytes)).toBe(true);
    expect(() => decodeStats(bytes)).toThrow('another version (spinback/stats@2)');
  });
});
