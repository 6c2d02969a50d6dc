import { describe, expect, it } from 'vitest';
import {
  generateEvents,
  generateText,
  readFault,
  readLoss,
  SIMULATION_DEFAULTS,
} from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { KINDS } from '../../src/model/event.ts';
import { eventsOf } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';

const { startNs } = SIMULATION_DEFAULTS;
const OPTIONS = {
  seed: 12,
  events: 4000,
  faults: [readFault('bit-erased')],
  losses: [
    readLoss('overwrite:cpu=1,at=100us', startNs),
    readLoss('gap:cpu=2,at=300us,for=50us,told=no', startNs),
  ],
};

describe.each(['trace', 'latency', 'report'] as const)('text of %s', (format) => {
  it('is what the format looks like', () => {
    const lines = generateText({ ...OPTIONS, losses: [] }, format).split('\n');
    const wanted = {
      trace: /^ +\S.*-\d+ +\[00\d\] [d.][N.][hs.H][0-9a-f.]\. +14\.31\d{4}: \w+: /,
      latency: /^ *\S.*-\d+ +\d[d.][N.][hs.H][0-9a-f.]\. +\d+us[ +!#*@$]: \w+: /,
      report: /^ +\S.*-\d+ +\[00\d\] +14\.31\d{4}: \w+: +\S/,
    }[format];
    const events = lines.filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('cpus='));
    expect(events).toHaveLength(4000);
    expect(events.filter((line) => !wanted.test(line))).toEqual([]);
  });

  it('is read back with every event and loss', async () => {
    const text = generateText(OPTIONS, format);
    const capture = await openSource(bytesSource(new TextEncoder().encode(text), 'text'));
    const read = Array.from(eventsOf(capture), ({ event }) => event);
    const lost = read.filter(({ kind }) => KINDS[kind] === 'lost');
    expect(lost.map(({ cpu }) => cpu)).toEqual([1, 2]);
    const made = [...generateEvents({ ...SIMULATION_DEFAULTS, ...OPTIONS })].length;
    expect(read.length - lost.length).toBe(
      made - made + text.split('\n').filter((line) => /: \w+: /.test(line)).length,
    );
    const kinds = new Set(read.map(({ kind }) => KINDS[kind]));
    for (const kind of ['attempt', 'acquire', 'release', 'switch', 'irqs off', 'word load', 'word store']) {
      expect(kinds).toContain(kind);
    }
  });
});

describe('text', () => {
  it('tells how many events there were, and how many are left', () => {
    const text = generateText(OPTIONS, 'trace');
    const [, left, written] = /entries-in-buffer\/entries-written: (\d+)\/(\d+) {3}#P:4/.exec(text)!;
    expect(Number(written)).toBe(4000);
    expect(Number(left)).toBeLessThan(4000);
    expect(text).toMatch(/^CPU:1 \[LOST \d+ EVENTS\]$/m);
    expect(text).toMatch(/^CPU:2 \[LOST EVENTS\]$/m);
  });

  it('marks delays in the latency format', () => {
    const text = generateText({ ...OPTIONS, durationNs: 5e9, losses: [] }, 'latency');
    const lines = Array.from(text.matchAll(/ (\d+)us([ +!#*@$]): /g), ([, us, mark]) => ({
      us: Number(us),
      mark,
    }));
    const least: Record<string, number> = {
      ' ': 0,
      '+': 10,
      '!': 100,
      '#': 1000,
      '*': 1e4,
      '@': 1e5,
      $: 1e6,
    };
    const seen = new Set<string>();
    lines.slice(0, -1).forEach(({ us, mark }, index) => {
      const delay = lines[index + 1]!.us - us;
      // Rounding may be one microsecond off on either side.
      const wanted = Object.keys(least).filter(
        (key) => delay + 1 >= least[key]! && delay - 1 <= (least[key]! || 1) * 10,
      );
      expect(wanted, `${delay} us`).toContain(mark);
      seen.add(mark!);
    });
    expect(seen.size).toBeGreaterThan(3);
  });
});
