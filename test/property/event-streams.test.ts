import fc from 'fast-check';
import { describe, test } from 'vitest';
import { agree, SEED, SOAK, withLargeTables } from '../engine/harness.ts';
import { eventStreams } from './event-streams.ts';

function check(streams: ReturnType<typeof eventStreams>, runs: number): void {
  fc.assert(
    fc.property(streams, (feed) => {
      agree(feed);
    }),
    { seed: SEED, numRuns: runs * SOAK },
  );
}

describe('engines and twin do the same with random events', () => {
  test('short streams', { timeout: 60_000 * SOAK }, () => check(eventStreams(40), 300));
  test('long streams', { timeout: 60_000 * SOAK }, () => check(eventStreams(400), 200));
  test('with tables so large that locks are fetched ahead', { timeout: 60_000 * SOAK }, () => {
    check(eventStreams(400).map(withLargeTables), 50);
  });
  test('in collect mode', { timeout: 60_000 * SOAK }, () => check(eventStreams(100, { collect: true }), 50));
});
