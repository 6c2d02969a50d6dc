import { describe, expect, it } from 'vitest';
import { generateText, readFault } from '../../src/generate/index.ts';
import type { Finding } from '../../src/model/report.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';
import { sourceOf } from '../trace/ftrace-text/harness.ts';

// Text has microseconds: events of one time came in the order of its lines.

const findingsOf = async (text: string): Promise<readonly Finding[]> =>
  analyzeCapture(await openSource(sourceOf(text))).findings;

/** CPU 2 puts back the bit that CPU 3 clears, all within one microsecond; CPU 3 comes back for it. */
function race(lines: readonly string[]): string {
  const text = [
    '# tracer: nop',
    '#',
    '    writer-102     [002] .....    10.000000: irq_enable: caller=a+0x1/0x2 parent=0x0',
    '    locker-103     [003] d..1.    10.000001: bit_spin_acquired: addr=0xffff888000001000 bitnr=4 word_after=0x131 ip=end+0x1/0x2',
    '    locker-103     [003] d..1.    10.000002: bit_spin_release: addr=0xffff888000001000 bitnr=4 word_after=0x121 ip=end+0x1/0x2',
    '    locker-103     [003] d..1.    10.500000: bit_spin_acquired: addr=0xffff888000001000 bitnr=4 word_after=0x131 ip=end+0x1/0x2',
    ...lines.map((line) => line.replace('TIME', '10.500001')),
    '    locker-103     [003] d....    11.000000: irq_disable: caller=end+0x1/0x2 parent=0x0',
    '    locker-103     [003] d....    11.000000: bit_spin_acquire: addr=0xffff888000001000 bitnr=4 ip=end+0x1/0x2',
    '    locker-103     [003] d....    11.000000: bit_spin_contended: addr=0xffff888000001000 bitnr=4 word_seen=0x131 ip=end+0x1/0x2',
    '    writer-102     [002] .....    31.000000: irq_enable: caller=a+0x1/0x2 parent=0x0',
  ];
  return `${text.join('\n')}\n`;
}

const LOAD = '    writer-102     [002] .....    TIME: word_load: addr=0xffff888000001000 value=0x131';
const RELEASE =
  '    locker-103     [003] d..1.    TIME: bit_spin_release: addr=0xffff888000001000 bitnr=4 word_after=0x121 ip=end+0x1/0x2';
const STORE =
  '    writer-102     [002] .....    TIME: word_store: addr=0xffff888000001000 old=0x131 value=0x131';

describe('events of one microsecond', () => {
  it('an unlock and what undoes it: the order of the lines tells', async () => {
    const [finding] = await findingsOf(race([LOAD, RELEASE, STORE]));
    expect(finding).toMatchObject({ kind: 'never-released', cause: 'lost-unlock' });
    expect(finding!.headline).toContain('loaded before the release');
    const events = finding!.evidence.map(({ event }) => event);
    expect(events).toEqual([
      'bit_spin_acquired',
      'word_load',
      'bit_spin_release',
      'word_store',
      'irq_disable',
      'bit_spin_acquire',
      'bit_spin_contended',
    ]);
  });

  it('a store that comes before the unlock undoes nothing', async () => {
    const findings = await findingsOf(race([LOAD, STORE, RELEASE]));
    expect(findings.map(({ cause }) => cause)).not.toContain('lost-unlock');
  });

  it.each([3, 6])(
    'a generated trace, seed %i: the waiter’s events stand as they do in the file',
    async (seed) => {
      const text = generateText({ seed, events: 5000, faults: [readFault('lost-unlock')] }, 'trace');
      const [finding] = await findingsOf(text);
      expect(finding!.evidence.slice(-3).map(({ event }) => event)).toEqual([
        'irq_disable',
        'bit_spin_acquire',
        'bit_spin_contended',
      ]);
    },
  );
});

describe('a slow holder in text, whose clock does not order CPUs', () => {
  it('is named: whether it took the lock just before the spin or just after changes little', async () => {
    const text = generateText({ seed: 1, events: 20_000, faults: [readFault('slow-holder')] }, 'trace');
    const [finding] = await findingsOf(text);
    expect(finding).toMatchObject({ kind: 'irq-off-spin', cause: 'slow-holder', confidence: 'likely' });
    expect(finding!.holder).not.toBeNull();
    expect(finding!.taintedBy).toEqual([expect.stringContaining('does not tell the order')]);
  });

  it('is not, where the spin is as short as the clocks may differ', async () => {
    const fault = readFault('slow-holder:for=30ms,delay=2ms');
    const text = generateText({ seed: 1, events: 20_000, faults: [fault] }, 'trace');
    const capture = await openSource(sourceOf(text));
    const { findings } = analyzeCapture(capture, { thresholds: { spinNs: 10e6 } });
    expect(findings.map(({ cause }) => cause)).toEqual(['unknown-holder']);
  });
});
