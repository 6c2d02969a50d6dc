import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { logJson, logText } from '../../src/report/dmesg.ts';
import { smallCapture } from '../captures.ts';
import { logOf } from './harness.ts';
import { fixturesIn } from './score.ts';

const seed = readFileSync(smallCapture('seed-2015.txt'));

describe('damaged and hostile logs', () => {
  it('cut anywhere, a log gives what is left of it', async () => {
    for (let end = 0; end < seed.length; end += 211) {
      const { incidents, log } = await logOf(seed.subarray(0, end));
      expect(log.bytes).toBe(end);
      expect(incidents.length).toBeLessThanOrEqual(1);
    }
  });

  it('with bytes overwritten at random nothing is thrown', async () => {
    const random = new Random(2015);
    for (let round = 0; round < 60; round++) {
      const bytes = Uint8Array.from(seed);
      for (let at = 0; at < 80; at++) bytes[random.int(bytes.length)] = random.int(256);
      expect(logText(await logOf(bytes))).toMatch(/\n$/);
    }
  });

  it('binary garbage holds no report', async () => {
    const random = new Random(7);
    const bytes = Uint8Array.from({ length: 300_000 }, () => random.int(256));
    expect((await logOf(bytes)).incidents).toEqual([]);
  });

  it('reports without end are counted, not kept', async () => {
    const lines = Array.from(
      { length: 6000 },
      (_, at) => `[${at}.000000] BUG: soft lockup - CPU#${at} stuck for 22s! [x:${at}]`,
    );
    const { incidents, suppressed } = await logOf(lines.join('\n'));
    expect(incidents.length).toBe(2000);
    expect(suppressed['soft-lockup']).toBe(4000);
  });

  it('names of tasks move no terminal, in JSON either', async () => {
    const name = 'a\u009b2J\u202eb\u2028';
    const report = await logOf(`[1.000000] watchdog: BUG: soft lockup - CPU#1 stuck for 23s! [${name}:7]\n`);
    const line = logJson(report);
    expect(line).toContain('a\\u009b2J\\u202eb\\u2028');
    expect(line).not.toMatch(/[\x7f-\x9f\u202e\u2028]/);
    expect(JSON.parse(line)).toEqual(report);
  });

  it('numbers beyond all measure do no harm', async () => {
    const log = `[99999999999.999999] watchdog: BUG: soft lockup - CPU#99999 stuck for 99999999s! [${'x'.repeat(60)}:4294967295]\nINFO: rcu_sched detected stalls on CPUs/tasks: { ${'0-99999 '.repeat(200)}}`;
    const { incidents } = await logOf(log);
    expect(incidents[0]).toMatchObject({ kind: 'soft-lockup', cpu: 99999 });
  });

  // A pattern that can take a run apart in many ways would not come to an end here.
  it('runs of anything, as long as a line may be, come to an end', async () => {
    const random = new Random(1124);
    const lines = fixturesIn(join(import.meta.dirname, 'fixtures')).flatMap(({ log }) => log.split('\n'));
    const long = Array.from({ length: 400 }, () => {
      const line = lines[random.int(lines.length)]!;
      const from = random.int(line.length + 1);
      const part = line.slice(from, from + 1 + random.int(6)) || ' ';
      return line.slice(0, from) + part.repeat(Math.floor(16_000 / part.length)) + line.slice(from);
    });
    const rip = `RIP: 0010:[<ffffffff802a79c3>] <${'f802'.repeat(4000)}> x`;
    const text = ['INFO: rcu_sched detected stalls on CPUs/tasks: {', rip, ...long].join('\n');
    const bytes = new TextEncoder().encode(text);
    expect((await logOf(bytes)).log.bytes).toBe(bytes.length);
  });

  it('names with escape sequences are made printable', async () => {
    const text = logText(
      await logOf('watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [\u001b]0;owned\u0007:47]'),
    );
    // eslint-disable-next-line no-control-regex -- that is what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('several boots do not mix', async () => {
    const report = '[   50.000000] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a:47]';
    const { incidents } = await logOf(
      `[    0.000000] Linux version 6.1.0\n${report}\n[    0.000000] Linux version 6.1.0\n${report}\n`,
    );
    expect(incidents).toHaveLength(2);
  });
});

describe('the text', () => {
  it('fits into 100 columns for every fixture, and into 60', async () => {
    for (const { log, name } of fixturesIn(join(import.meta.dirname, 'fixtures'))) {
      const report = await logOf(log);
      for (const width of [60, 100]) {
        const longest = Math.max(
          ...logText(report, { width })
            .split('\n')
            .map((line) => line.length),
        );
        expect(longest, name).toBeLessThanOrEqual(width);
      }
    }
  });
});
