import { describe, expect, it } from 'vitest';
import { generateTraceDat, readFault } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import type { Finding, Report } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';

// A file that was cut lacks the ends of some CPUs' records and all of others'. What it cannot show must accuse nobody.

const FAULTS = [
  null,
  'lost-unlock',
  'missing-unlock:how=return',
  'missing-unlock:how=exit',
  'unknown-setter',
  'held-at-end',
  'slow-holder',
  'abba',
  'irq-off',
  'silent-cpu',
  'bit-erased',
  'foreign-release',
];
const SEEDS = [1, 2, 5];
const CUTS = 20;

interface Cut {
  readonly report: Report;
  readonly whole: Report;
  /** CPUs whose record is not whole. */
  readonly lacking: readonly number[];
}

async function cutReports(fault: string | null, seed: number): Promise<Cut[]> {
  const faults = fault === null ? [] : [readFault(fault)];
  const { bytes } = generateTraceDat({ seed, cpus: 4, events: 8_000, faults });
  const whole = analyzeCapture(await openSource(bytesSource(bytes)));
  const cuts: Cut[] = [];
  for (let n = 0; n < CUTS; n++) {
    const size = Math.floor((bytes.length * (n + 1)) / (CUTS + 1));
    const capture = await openSource(bytesSource(bytes.subarray(0, size))).catch(() => null);
    // Cut within the metadata: nothing to analyze.
    if (capture === null) continue;
    const report = analyzeCapture(capture);
    const lacking = capture.lanes.filter(({ lostTail }) => lostTail).map(({ cpu }) => cpu);
    cuts.push({ report, whole, lacking });
  }
  return cuts;
}

function strong({ findings }: Report): Finding[] {
  return findings.filter(({ confidence }) => confidence !== 'possible');
}

/** The same matter in the whole file: the kind, the victim and the lock. */
function sameMatter(a: Finding, b: Finding): boolean {
  return (
    a.kind === b.kind &&
    a.subject?.cpu === b.subject?.cpu &&
    a.lock?.address === b.lock?.address &&
    a.lock?.bit === b.lock?.bit
  );
}

describe.each(FAULTS)('cut files, %s', (fault) => {
  it.each(SEEDS)(
    'seed %i: nothing stronger than possible that the whole file does not show',
    async (seed) => {
      const cuts = await cutReports(fault, seed);
      expect(cuts.length).toBeGreaterThan(CUTS / 2);
      for (const { report, whole, lacking } of cuts) {
        expect(report.trace.problems.filter(({ severity }) => severity === 'error')).toHaveLength(1);
        for (const finding of strong(report)) {
          const spun = finding.kind === 'irq-off-spin' && finding.startNs < report.trace.endNs!;
          const known = whole.findings.some((other) => sameMatter(finding, other));
          const victim = whole.findings.some(({ waiters }) =>
            waiters.some(({ cpu, pid }) => cpu === finding.subject?.cpu && pid === finding.subject.pid),
          );
          expect(known || (spun && victim), `${finding.headline} (lacking ${lacking.join()})`).toBe(true);
        }
        for (const finding of report.findings) {
          // A CPU whose record is cut did not fall silent, nor does it stay in whatever state it was last seen; but the kernel may
          // have said that it was locked up.
          if (finding.kind === 'silent-cpu' && !finding.headline.startsWith('The kernel reported'))
            expect(lacking).not.toContain(finding.subject?.cpu);
          if (!finding.openEnded || finding.subject === null || !lacking.includes(finding.subject.cpu))
            continue;
          const last = report.trace.perCpu.find(({ cpu }) => cpu === finding.subject!.cpu)!.lastNs!;
          expect(BigInt(finding.startNs) + BigInt(Math.round(finding.durationNs))).toBeLessThanOrEqual(
            BigInt(last),
          );
        }
      }
    },
  );
});

describe('a release that may be among the lost events', () => {
  it('of any CPU: who still holds the lock is never certain, and the taints name the CPUs', async () => {
    let seen = 0;
    for (const fault of ['missing-unlock:how=return', 'missing-unlock:how=exit', 'held-at-end', 'abba']) {
      for (const seed of SEEDS) {
        for (const { report, lacking } of await cutReports(fault, seed)) {
          if (lacking.length === 0) continue;
          for (const finding of report.findings) {
            if (finding.kind !== 'never-released') continue;
            const tails = finding.taintedBy.filter((why) => /^the record of CPUs? /.test(why));
            if (tails.length === 0) continue;
            seen++;
            expect(finding.confidence, finding.headline).not.toBe('certain');
            // A cycle of waits, or a bit seen set after its owner had left it, is evidence of its own.
            const isShown =
              finding.cause === 'deadlock' || /seen still set/.test(JSON.stringify(finding.evidence));
            if (!isShown) expect(finding.confidence, finding.headline).toBe('possible');
            for (const why of tails) {
              const [, cpus, how] =
                /CPUs? ([\d, ]+) (is missing|ends at \d+\.\d{9}, its last events are lost)$/.exec(why)!;
              expect(lacking).toEqual(expect.arrayContaining(cpus!.split(', ').map(Number)));
              expect(how).toBeDefined();
            }
            if (finding.cause === 'held-at-end' || finding.cause === 'missing-unlock') {
              expect(finding.alternatives.map(({ why }) => why)).toContain(
                'its release may be among the events that were lost',
              );
            }
          }
        }
      }
    }
    expect(seen).toBeGreaterThan(5);
  });

  it('a spin with interrupts off stays, but not who holds the lock', async () => {
    let seen = 0;
    for (const seed of [1, 2, 3, 5, 8]) {
      for (const { report, lacking } of await cutReports('missing-unlock:how=return', seed)) {
        for (const spin of report.findings) {
          if (spin.kind !== 'irq-off-spin' || !spin.openEnded || lacking.length === 0) continue;
          seen++;
          expect(spin.confidence).not.toBe('certain');
          expect(spin.taintedBy).not.toEqual([]);
          expect(spin.headline).not.toContain('no release followed');
        }
      }
    }
    expect(seen).toBeGreaterThan(3);
  });
});
