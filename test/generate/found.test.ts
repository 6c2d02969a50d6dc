import { describe, expect, it } from 'vitest';
import { generateTraceDat, readFault, type SimulationOptions, type Truth } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import type { Finding } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';

// What was put in is found, and nothing else is: the generator and the whole of the analysis against each other.

async function findings(
  options: Partial<SimulationOptions>,
): Promise<{ truth: Truth | undefined; found: readonly Finding[] }> {
  const { bytes, truths } = generateTraceDat({ events: 20_000, ...options });
  const capture = await openSource(bytesSource(bytes, 'generated'));
  return { truth: truths[0], found: analyzeCapture(capture).findings };
}

describe('a healthy trace', () => {
  it.each([
    { seed: 1 },
    { seed: 2, cpus: 16, zipf: 1.5 },
    { seed: 3, durationNs: 20e9 },
    { seed: 4, skewNs: 5000, cpus: 2 },
    { seed: 5, debugMutex: false, exits: 1 / 50 },
  ])('%o: no finding', async (options) => {
    expect((await findings(options)).found).toEqual([]);
  });
});

const FAULTS = [
  'lost-unlock',
  'missing-unlock',
  'missing-unlock:how=exit',
  'missing-unlock:how=context',
  'unknown-setter',
  'held-at-end',
  'slow-holder',
  'abba',
  'abba:sort=bit',
  'self-deadlock',
  'self-deadlock:sort=bit',
  'irq-off',
  'silent-cpu',
  'bit-erased',
  'double-release',
  'foreign-release',
];

describe('a fault', () => {
  it.each(FAULTS)('%s: is found, on its lock, and nothing without it', async (fault) => {
    const { truth, found } = await findings({ faults: [readFault(fault)] });
    const match = found.find(({ kind, cause }) => kind === truth!.kind && (truth!.cause ?? cause) === cause);
    expect(
      match,
      `${fault} in ${JSON.stringify(found.map(({ kind, cause }) => [kind, cause]))}`,
    ).toBeDefined();
    const locks = new Set(
      [truth!.lock?.address, truth!.values['otherLock']].filter((lock) => lock !== undefined),
    );
    for (const { lock } of found) if (lock) expect(locks).toContain(lock.address);
  });

  it('lost-unlock: its evidence is the one that was made', async () => {
    const { truth, found } = await findings({ seed: 77, faults: [readFault('lost-unlock')] });
    const finding = found.find(({ kind }) => kind === 'never-released')!;
    const [, culprit, victim] = truth!.actors;
    expect(finding.confidence).toBe('certain');
    expect(finding.culprit).toMatchObject({
      cpu: culprit!.cpu,
      pid: culprit!.pid,
      loadNs: truth!.times['load'],
      storeNs: truth!.times['store'],
      value: truth!.values['value'],
    });
    expect(finding.subject).toMatchObject({ cpu: victim!.cpu, pid: victim!.pid });
    expect(finding.lastRelease).toMatchObject({ atNs: truth!.times['lastRelease'] });
    expect(finding.irqsOff).toMatchObject({ notBeforeNs: truth!.times['irqsOff'] });
  });
});
