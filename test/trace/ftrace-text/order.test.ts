import { describe, expect, it } from 'vitest';
import { generateText, readFault } from '../../../src/generate/index.ts';
import { bytesSource } from '../../../src/io/bytes.ts';
import { KINDS } from '../../../src/model/event.ts';
import type { Report } from '../../../src/model/report.ts';
import { analyzeCapture, eventsOf } from '../../../src/session/session.ts';
import { openFtraceText } from '../../../src/trace/ftrace-text/reader.ts';

// Text whose lines are not in order of time: files of single CPUs joined one behind the other, or lines turned round.

const CPUS = 4;
const LOST = KINDS.indexOf('lost');
const whole = generateText(
  { seed: 941, cpus: CPUS, events: 12_000, faults: [readFault('missing-unlock:how=exit')] },
  'trace',
);
const lines = whole.split('\n').slice(0, -1);
const header = lines.filter((line) => line.startsWith('#'));
const ofCpu = (cpu: number): string[] => lines.filter((line) => line.includes(`[00${cpu}]`));
const text = (parts: readonly (readonly string[])[]): string => `${parts.flat().join('\n')}\n`;
const perCpu = Array.from({ length: CPUS }, (_, cpu) => [...header, ...ofCpu(cpu)]);

const capture = (of: string, chunk?: number) =>
  openFtraceText(bytesSource(new TextEncoder().encode(of), 'text'), chunk === undefined ? {} : { chunk });
const analyzed = (of: string, chunk?: number): Report => analyzeCapture(capture(of, chunk));
const said = ({ findings }: Report): unknown =>
  findings.map(({ kind, cause, confidence, headline, evidence }) => ({
    kind,
    cause,
    confidence,
    headline,
    evidence,
  }));

describe('files of single CPUs, joined', () => {
  it('give the same findings as the text in order', () => {
    const [joined, inOrder] = [analyzed(text(perCpu)), analyzed(whole)];
    expect(inOrder.findings[0]).toMatchObject({ cause: 'missing-unlock', confidence: 'certain' });
    expect(said(joined)).toEqual(said(inOrder));
    expect(joined.trace.events).toBe(inOrder.trace.events);
    expect(joined.trace.problems).toMatchObject([{ name: 'joined', severity: 'info', count: CPUS }]);
  });

  it('whatever their order, and whatever the chunks of reading', () => {
    const expected = said(analyzed(whole));
    expect(said(analyzed(text(perCpu.toReversed())))).toEqual(expected);
    for (const chunk of [300, 5000]) expect(said(analyzed(text(perCpu), chunk))).toEqual(expected);
  });

  it('are merged by time, and every event is found again', () => {
    const times = (of: string): bigint[] => Array.from(eventsOf(capture(of)), ({ event }) => event.time);
    expect(times(text(perCpu))).toEqual(times(whole));
    const joined = capture(text(perCpu));
    for (const { event, place } of [...eventsOf(joined)].filter((_, n) => n % 997 === 0)) {
      const { cpu, time } = event;
      const told = joined.record(place)!.text;
      const stamp = `${time / 1_000_000_000n}.${String(time % 1_000_000_000n)
        .padStart(9, '0')
        .slice(0, 6)}:`;
      const own = lines.filter((line) => line.includes(`[00${cpu}]`) && line.includes(stamp));
      expect(
        own.some((line) => line.endsWith(told)),
        `${stamp} ${told}`,
      ).toBe(true);
    }
  });

  it('a mark of lost events stays with the event behind it', () => {
    const [first = [], second = []] = perCpu;
    const marked = text([first, header, ['CPU:1 [LOST 5 EVENTS]'], second]);
    const { trace } = analyzed(marked);
    expect(trace.perCpu[1]).toMatchObject({ lost: 5 });
    const events = Array.from(eventsOf(capture(marked)), ({ event }) => event);
    const at = events.findIndex(({ kind }) => kind === LOST);
    expect(events[at]).toMatchObject({ cpu: 1 });
    expect(events.slice(0, at).every(({ cpu }) => cpu !== 1)).toBe(true);
  });
});

describe('joined text as a container', () => {
  it('is refused with what to do: a container keeps the lines as they lie', () => {
    const joined = capture(text(perCpu));
    analyzeCapture(joined);
    expect(() => joined.keepsake!()).toThrow(/sort its lines by their times/);
  });
});

describe('text that cannot be put in order', () => {
  const reversed = analyzed(text([header, lines.filter((line) => !line.startsWith('#')).toReversed()]));

  it('gives nothing that is more than possible, and says why', () => {
    expect(reversed.findings).not.toEqual([]);
    for (const { confidence, taintedBy } of reversed.findings) {
      expect(confidence).toBe('possible');
      expect(taintedBy.join()).toContain('not in order of time');
    }
    expect(reversed.trace.problems.map(({ name }) => name)).toContain('out-of-order');
    expect(reversed.trace.problems.map(({ name }) => name)).not.toContain('time-backwards');
  });
});
