import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { truthText } from '../../src/generate/commands.ts';
import { MemoryOutput } from '../../src/generate/index.ts';
import { writeIncident } from '../../src/generate/incident-2015.ts';
import { BACKTRACE, REPORT } from '../../src/generate/incident-2015-log.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { KINDS } from '../../src/model/event.ts';
import { analyzeCapture, eventsOf } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';
import { smallCapture } from '../captures.ts';

const WORD = 0xffff880826272138n;
const IRQS_OFF = 427138517553000n;

const COMMITTED = readFileSync(smallCapture('ext4-finish-bio-2015/trace.dat'));
const open = () => openSource(bytesSource(COMMITTED, 'trace.dat'));

describe('the reconstruction of 2015', () => {
  it('is what the generator makes', () => {
    const output = new MemoryOutput();
    const { seed, result } = writeIncident(output, new MemoryOutput());
    expect(Buffer.compare(output.done(), COMMITTED)).toBe(0);
    const truth = readFileSync(smallCapture('ext4-finish-bio-2015/truth.json'), 'utf8');
    expect(truthText(seed, result)).toBe(truth);
    expect(COMMITTED.length).toBeLessThan(1e6);
  });

  it('has the CPU, the task, the word and the messages of the report', async () => {
    const capture = await open();
    expect(capture).toMatchObject({ cpuCount: 48, clock: { name: 'global', unit: 'ns' } });
    expect(capture.kernel).toMatch(/reconstruction 3\.12\.47/);
    expect(capture.comm(4611)).toBe('kworker/u98:7');
    const events = Array.from(eventsOf(capture), ({ event }) => event);
    const kind = (event: (typeof events)[number]) => KINDS[event.kind];

    const messages = events.filter((event) => kind(event) === 'message');
    const logged = [...REPORT, ...BACKTRACE].map(([micros]) => BigInt(micros) * 1000n);
    expect(messages.map(({ time }) => time)).toEqual(logged);
    expect(messages.every(({ cpu, pid }) => cpu === 23 && pid === 4611)).toBe(true);

    const stuck = events.filter(({ cpu, time }) => cpu === 23 && time >= IRQS_OFF);
    expect(stuck.slice(0, 3).map(kind)).toEqual(['irqs off', 'attempt', 'contend']);
    expect(stuck.slice(0, 3).every(({ pid }) => pid === 4611)).toBe(true);
    expect(stuck[0]!.time).toBe(IRQS_OFF);
    expect(stuck[2]).toMatchObject({ address: WORD, bit: 4, value: 0x131n });
    expect(stuck.slice(3).every((event) => kind(event) === 'message')).toBe(true);
    // Six to twenty seconds after interrupts went off, as the performance counter's detector fires.
    const after = Number(logged[1]! - IRQS_OFF) / 1e9;
    expect(after).toBeCloseTo(11.2, 6);
  });

  it('is understood', async () => {
    const report = analyzeCapture(await open());
    expect(report.findings.map(({ kind, cause, confidence }) => [kind, cause, confidence])).toEqual([
      ['never-released', 'lost-unlock', 'certain'],
      ['irq-off-spin', 'lost-unlock', 'certain'],
    ]);
    expect(report.findings[0]).toMatchObject({
      lock: { address: '0xffff880826272138', bit: 4 },
      subject: { cpu: 23, pid: 4611, comm: 'kworker/u98:7' },
      culprit: { cpu: 31, comm: 'rsync', value: '0x131' },
      holder: null,
      irqsOff: { source: 'preemptirq', notBeforeNs: String(IRQS_OFF) },
    });
  });
});
