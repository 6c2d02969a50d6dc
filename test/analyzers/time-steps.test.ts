import { beforeAll, describe, expect, it } from 'vitest';
import { generateTraceDat, readFault } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import type { Finding, Report } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';

const PAGE = 4096;

async function analyzed(bytes: Uint8Array): Promise<Report> {
  const capture = await openSource(bytesSource(bytes, 'flipped'));
  const report = analyzeCapture(capture);
  capture.close();
  return report;
}

/** The file with one bit of the time of a page flipped, the one in the middle or so many behind it. */
function flipped(bytes: Uint8Array, bit: number, behind = 0): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const pages = Array.from({ length: Math.floor(bytes.length / PAGE) - 1 }, (_, n) => n * PAGE).filter(
    (at) => {
      const [time, commit] = [view.getBigUint64(at, true), view.getBigUint64(at + 8, true)];
      return time > 10n ** 10n && time < 10n ** 11n && commit > 0n && commit < PAGE;
    },
  );
  const at = pages[(pages.length >> 1) + behind]!;
  view.setBigUint64(at, view.getBigUint64(at, true) ^ (1n << BigInt(bit)), true);
  return copy;
}

const sure = ({ findings }: Report): Finding[] =>
  findings.filter(({ confidence }) => confidence !== 'possible');

describe('one flipped bit of a time', () => {
  let healthy: Uint8Array;
  let stuck: Uint8Array;
  beforeAll(() => {
    healthy = generateTraceDat({ seed: 1, events: 60_000, durationNs: 5e9 }).bytes;
    stuck = generateTraceDat({ seed: 901, events: 40_000, faults: [readFault('lost-unlock')] }).bytes;
  });

  it.each([36, 40, 50])('bit %d makes nothing sure of a healthy capture', async (bit) => {
    expect((await analyzed(healthy)).findings).toEqual([]);
    const spans: Finding[] = [];
    for (let behind = 0; behind < 10; behind++) {
      const report = await analyzed(flipped(healthy, bit, behind));
      expect(report.trace.problems.map(({ name }) => name)).toContain('time-backwards');
      expect(sure(report)).toEqual([]);
      spans.push(...report.findings.filter(({ kind }) => kind === 'irq-off'));
    }
    expect(spans.length).toBeGreaterThan(0);
    for (const { durationNs, taintedBy } of spans) {
      expect(durationNs).toBeGreaterThan(2 ** bit / 2);
      expect(taintedBy.join()).toMatch(/lies outside the record of CPU \d, .*: times ran backwards there/);
    }
  });

  it('hides no real hang, and says until when it is known', async () => {
    const whole = sure(await analyzed(stuck)).find(({ kind }) => kind === 'irq-off-spin')!;
    const spin = (await analyzed(flipped(stuck, 40))).findings.find(({ kind }) => kind === 'irq-off-spin')!;
    expect(whole.confidence).toBe('certain');
    expect(spin).toMatchObject({ confidence: 'likely', startNs: whole.startNs, cause: whole.cause });
    expect(spin.taintedBy.join()).toMatch(
      /the records of all CPUs end by .*, and until then it lasted 2\d\.\d+ s/,
    );
  });
});
