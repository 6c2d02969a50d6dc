import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agree, SEED, SOAK, withLargeTables, type Feed, type Outcome } from '../engine/harness.ts';
import { pageStreams } from './page-streams.ts';

function check(streams: fc.Arbitrary<Feed>, runs: number, also: (outcome: Outcome) => void = () => {}): void {
  const property = fc.property(streams, (feed) => also(agree(feed)));
  fc.assert(property, { seed: SEED, numRuns: runs * SOAK });
}

describe('engines and twin do the same with random pages', { timeout: 60_000 * SOAK }, () => {
  test.each([false, true])('whole ones are read without damage, big-endian: %s', (bigEndian) => {
    // A record that is shorter than its row asks for is the only thing that can be wrong with them.
    check(pageStreams({ whole: true, bigEndian }), 150, ({ last }) => {
      for (const lane of last.lanes) expect(lane.badPages).toBe(0);
    });
  });

  test.each([false, true])('damaged ones, big-endian: %s', (bigEndian) =>
    check(pageStreams({ bigEndian }), 300),
  );
  test.each([false, true])('damaged ones in collect mode, big-endian: %s', (bigEndian) =>
    check(pageStreams({ bigEndian, collect: true }), 300),
  );
  test.each([false, true])(
    'damaged ones, with tables so large that locks are fetched ahead, big-endian: %s',
    (bigEndian) => check(pageStreams({ bigEndian }).map(withLargeTables), 100),
  );
});
