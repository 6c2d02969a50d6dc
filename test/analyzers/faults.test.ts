import { describe, expect, it } from 'vitest';
import {
  generateTraceDat,
  readFault,
  readLoss,
  SIMULATION_DEFAULTS,
  type SimulationOptions,
  type Truth,
} from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import type { Finding, Report, Thresholds } from '../../src/model/report.ts';
import { analyzeCapture, DEFAULT_THRESHOLDS } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';

// Every fault that the generator knows, under several seeds, against the generator's own record of what it did.

const SEEDS = [1, 2, 3, 5, 8];

interface Generated {
  readonly report: Report;
  readonly truths: readonly Truth[];
}

async function analyzed(
  fault: string | null,
  seed: number,
  more: Partial<SimulationOptions> = {},
  thresholds: Partial<Thresholds> = {},
): Promise<Generated> {
  const { bytes, truths } = generateTraceDat({
    seed,
    cpus: 4,
    events: 12_000,
    faults: fault === null ? [] : [readFault(fault)],
    ...more,
  });
  const report = analyzeCapture(await openSource(bytesSource(bytes)), { thresholds });
  expectDoubts(report);
  return { report, truths };
}

/** What is not certain says what else may be, or what it depends on. */
function expectDoubts(report: Report): void {
  const silent = report.findings.filter(
    ({ confidence, alternatives, taintedBy }) =>
      confidence !== 'certain' && alternatives.length === 0 && taintedBy.length === 0,
  );
  expect(silent.map(({ headline }) => headline)).toEqual([]);
}

function strong(report: Report): Finding[] {
  return report.findings.filter(({ confidence }) => confidence !== 'possible');
}

function byRole(truth: Truth, ...roles: string[]): { cpu: number; pid: number } | undefined {
  const actor = truth.actors.find(({ role }) => roles.includes(role));
  return actor && { cpu: actor.cpu, pid: actor.pid };
}

/** The finding that the fault deserves. */
function deserved(report: Report, truth: Truth): Finding {
  const found = report.findings.find(
    ({ kind, cause }) => kind === truth.kind && (truth.cause === null || cause === truth.cause),
  );
  expect(
    found,
    `${truth.fault}: ${truth.kind}/${truth.cause} among ${report.findings.map(({ kind, cause }) => `${kind}/${cause}`).join()}`,
  ).toBeDefined();
  return found!;
}

// Long enough for every threshold: the watchdog's 10 s too.
const LONG = { events: 30_000, durationNs: 15e9 };
// And thresholds just above the longest wait and the longest span with interrupts off that the simulation makes by itself.
const LOW: Thresholds = { spinNs: 2e3, irqOffNs: 20e3, watchdogNs: 100e3 };
const LOSSES = [
  'gap:cpu=1,at=1s,pages=2',
  'gap:cpu=2,at=2s,for=1500ms',
  'gap:cpu=3,at=3s,pages=5,told=no',
  'overwrite:cpu=0,at=2s',
  'tail:cpu=2,at=12s',
];

describe.each(SEEDS)('a clean machine, seed %i', (seed) => {
  it('gives no finding', async () => {
    const { report } = await analyzed(null, seed, LONG);
    expect(Number(report.trace.endNs) - Number(report.trace.startNs)).toBeGreaterThan(14e9);
    expect(report.findings).toEqual([]);
    expect(report.trace.perCpu.every(({ breaks, lost }) => breaks === 0 && lost === 0)).toBe(true);
  });

  it('gives none under heavy load', async () => {
    const { report } = await analyzed(null, seed);
    expect(report.trace.events).toBeGreaterThan(10_000);
    expect(report.findings).toEqual([]);
  });

  it('gives none with thresholds just above what it does', async () => {
    const { report } = await analyzed(null, seed, LONG, LOW);
    expect(strong(report)).toEqual([]);
    // Lower ones do find something.
    const { report: lower } = await analyzed(null, seed, LONG, { ...LOW, irqOffNs: 2e3 });
    expect(strong(lower)).not.toEqual([]);
  });

  it.each([DEFAULT_THRESHOLDS, LOW])('accuses nobody where events were lost (%o)', async (thresholds) => {
    const losses = LOSSES.map((loss) => readLoss(loss, SIMULATION_DEFAULTS.startNs));
    const { report } = await analyzed(null, seed, { ...LONG, losses }, thresholds);
    expect(report.trace.perCpu.map(({ lost }) => lost === 0)).not.toContain(true);
    expect(strong(report)).toEqual([]);
  });
});

describe.each(SEEDS)('seed %i', (seed) => {
  it('lost-unlock: names lock, release, store and victim', async () => {
    const { report, truths } = await analyzed('lost-unlock', seed);
    const truth = truths[0]!;
    const finding = deserved(report, truth);
    expect(finding.confidence).toBe('certain');
    expect(finding.lock).toMatchObject({ address: truth.lock!.address, bit: truth.lock!.bit });
    expect(finding.culprit).toMatchObject(byRole(truth, 'culprit')!);
    expect(finding.waiters[0]).toMatchObject({ ...byRole(truth, 'victim'), irqsOff: true });
    expect(finding.holder).toBeNull();
  });

  it.each(['return', 'exit'])('missing-unlock (%s): names the holder', async (how) => {
    const { report, truths } = await analyzed(`missing-unlock:how=${how}`, seed);
    const finding = deserved(report, truths[0]!);
    expect(finding.holder).toMatchObject(byRole(truths[0]!, 'holder')!);
    expect(finding.confidence).not.toBe('possible');
    expect(finding.culprit).toBeNull();
  });

  it('unknown-setter: finds the stuck lock and invents no culprit', async () => {
    const { report, truths } = await analyzed('unknown-setter', seed);
    const finding = deserved(report, truths[0]!);
    expect(finding.lock).toMatchObject({ address: truths[0]!.lock!.address });
    expect([finding.culprit, finding.holder]).toEqual([null, null]);
  });

  it('held-at-end: accuses nobody above possible', async () => {
    const { report, truths } = await analyzed('held-at-end', seed);
    const finding = deserved(report, truths[0]!);
    expect(finding.confidence).toBe('possible');
    expect(finding.holder).toMatchObject(byRole(truths[0]!, 'holder')!);
  });

  it('slow-holder: is a spin, not a leak', async () => {
    const { report, truths } = await analyzed('slow-holder', seed);
    expect(report.findings.filter(({ kind }) => kind === 'never-released')).toEqual([]);
    const spin = strong(report).find(({ kind }) => kind === 'irq-off-spin');
    expect(spin).toMatchObject({
      cause: 'slow-holder',
      openEnded: false,
      holder: byRole(truths[0]!, 'holder'),
    });
  });

  it.each(['abba', 'self-deadlock'])('%s: is one deadlock', async (fault) => {
    const { report, truths } = await analyzed(fault, seed);
    expect(deserved(report, truths[0]!).confidence).toBe('certain');
    expect(report.findings.filter(({ kind }) => kind === 'never-released')).toHaveLength(1);
  });

  it('irq-off: names the CPU, and no lock', async () => {
    const { report, truths } = await analyzed('irq-off', seed);
    const finding = deserved(report, truths[0]!);
    expect(finding.lock).toBeNull();
    expect(finding.irqsOff?.source).toBe('preemptirq');
    expect(finding.subject).toMatchObject(byRole(truths[0]!, ...truths[0]!.actors.map(({ role }) => role))!);
  });

  it('silent-cpu: names the CPU', async () => {
    const { report, truths } = await analyzed('silent-cpu', seed);
    expect(deserved(report, truths[0]!).subject?.cpu).toBe(truths[0]!.actors[0]!.cpu);
  });

  it('bit-erased: is a possible lost update and no more', async () => {
    const { report, truths } = await analyzed('bit-erased', seed);
    expect(deserved(report, truths[0]!).confidence).toBe('possible');
    expect(strong(report)).toEqual([]);
  });

  it.each(['double-release', 'foreign-release'])('%s', async (fault) => {
    const { report, truths } = await analyzed(fault, seed);
    expect(deserved(report, truths[0]!).lock).toMatchObject({ address: truths[0]!.lock!.address });
  });
});

describe('losses', () => {
  it.each(SEEDS)('seed %i: a culprit whose CPU was overwritten is not invented', async (seed) => {
    const whole = await analyzed('lost-unlock:at=5ms', seed);
    const culprit = byRole(whole.truths[0]!, 'culprit')!;
    const { report } = await analyzed('lost-unlock:at=5ms', seed, {
      losses: [readLoss(`overwrite:cpu=${culprit.cpu},at=2s`, SIMULATION_DEFAULTS.startNs)],
    });
    const finding = report.findings.find(({ kind }) => kind === 'never-released');
    expect(finding).toMatchObject({ cause: 'unknown-setter', culprit: null, holder: null });
    expect(finding?.confidence).not.toBe('certain');
    expect(finding?.taintedBy.join()).toContain(`CPU ${culprit.cpu} begins at`);
  });
});
