import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.ts';
import type { Finding, Report, Thresholds } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import type { Capture, Lane } from '../../src/trace/capture.ts';
import { openCapture } from '../../src/trace/open.ts';
import { anyCapture } from '../captures.ts';
import { SOAK } from '../engine/harness.ts';

// Real captures that lose random sub-buffers, marked the way the ring buffer marks them: less is known, so nothing may be said
// more surely than about the whole capture, and nothing new be said at all.

const CAPTURES: readonly (readonly [name: string, runs: number])[] = [
  ['lost-unlock.dat', 6],
  ['slow-holder.dat', 6],
  ['stock.dat', 6],
  ['ext4-dm-1k.small-v6.dat', 18],
  ['ext4-finish-bio-2015/trace.dat', 6],
  ['missing-unlock.dat', 6],
  ['bhslow-3s.dat', 4],
  ['bhleak-lost.dat', 2],
  ['bhrace-2.dat', 2],
  ['abba.dat', 4],
  ['ext4-dm-1k.medium.dat', 2],
];
const SHARES = [0.02, 0.1, 0.4];
// With low thresholds every stall of the emulated machine is a finding: more that losses can turn into another one.
const THRESHOLDS: readonly Partial<Thresholds>[] = [{}, { spinNs: 1e6, irqOffNs: 1e6, watchdogNs: 20e6 }];
const MISSED_EVENTS = 0x8000_0000;

/** The capture without some of its sub-buffers; the next one of the CPU says that events were missed, not how many. */
function lossy(capture: Capture, random: Random, share: number): Capture {
  const lanes = capture.lanes.map((lane) => lossyLane(lane, random, share));
  // Captures keep private state: what is not replaced runs on the capture itself.
  return new Proxy(capture, {
    get(target, key) {
      if (key === 'lanes') return lanes;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function lossyLane(lane: Lane, random: Random, share: number): Lane {
  if (lane.input.kind !== 'pages') throw new Error('only captures with sub-buffers can lose some');
  const { pageSize } = lane.input.layout;
  let missed = false;
  const read = (target: Uint8Array): number => {
    const size = lane.read(target);
    const view = new DataView(target.buffer, target.byteOffset, size);
    for (let page = 0; page + pageSize <= size; page += pageSize) {
      const commit = view.getUint32(page + 8, true);
      if (random.chance(share)) {
        view.setUint32(page + 8, 0, true);
        missed = true;
      } else if (missed) {
        view.setUint32(page + 8, (commit | MISSED_EVENTS) >>> 0, true);
        missed = false;
      }
    }
    return size;
  };
  // What the last sub-buffers held is lost without a mark behind it; the recorder's statistics say so.
  return {
    cpu: lane.cpu,
    input: lane.input,
    clock: lane.clock,
    size: lane.size,
    lost: lane.lost,
    read,
    get lostTail() {
      return lane.lostTail || missed;
    },
  };
}

async function reportOf(
  path: string,
  thresholds: Partial<Thresholds>,
  damage: (capture: Capture) => Capture = (capture) => capture,
): Promise<Report> {
  const capture = await openCapture(path);
  try {
    return analyzeCapture(damage(capture), { thresholds });
  } finally {
    capture.close();
  }
}

const isStrong = ({ confidence }: Finding): boolean => confidence !== 'possible';

/** The same matter in the whole capture: the kind, the victim and the lock. */
function isSameMatter(a: Finding, b: Finding): boolean {
  return (
    a.kind === b.kind &&
    a.subject?.cpu === b.subject?.cpu &&
    a.lock?.address === b.lock?.address &&
    a.lock?.bit === b.lock?.bit
  );
}

/** Whom a finding accuses: the store that did it, the take that was never followed by a release. */
const accused = ({ culprit, holder }: Finding): string =>
  [culprit && `${culprit.pid} ${culprit.storeNs}`, holder && `${holder.pid} ${holder.atNs}`]
    .filter(Boolean)
    .join();

describe.each(CAPTURES)('%s with sub-buffers lost', (name, runs) => {
  const path = anyCapture(name);
  describe.skipIf(path === null).each(THRESHOLDS)('thresholds %o', (thresholds) => {
    it('says nothing new, and accuses nobody else', { timeout: 120_000 * SOAK }, async () => {
      const whole = await reportOf(path!, thresholds);
      let losses = 0;
      for (let run = 0; run < runs * SOAK; run++) {
        const random = new Random(0x10557 + run);
        const share = SHARES[run % SHARES.length]!;
        const report = await reportOf(path!, thresholds, (capture) => lossy(capture, random, share));
        losses += whole.trace.events - report.trace.events;
        for (const finding of report.findings.filter(isStrong)) {
          const what = `run ${run}: ${finding.confidence} ${finding.headline}`;
          const same = whole.findings.filter((other) => isStrong(other) && isSameMatter(other, finding));
          expect(same, what).not.toEqual([]);
          if (accused(finding)) expect(same.map(accused), what).toContain(accused(finding));
        }
      }
      expect(losses).toBeGreaterThan(0);
    });
  });
});
