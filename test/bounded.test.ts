import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportJson } from '../src/report/json.ts';
import { analyzeCapture } from '../src/session/session.ts';
import { openCapture } from '../src/trace/open.ts';

// SPINBACK_BIG_MB=600 npx vitest run test/bounded.test.ts
// Half a minute and 0.6 GB of the temporary directory; for 6 GB ten times as much.
const megabytes = Number(process.env['SPINBACK_BIG_MB'] ?? 0);
if (!megabytes) console.warn('SPINBACK_BIG_MB is not set: the test of bounded memory is skipped');

const root = fileURLToPath(new URL('..', import.meta.url));
const MIB = 1 << 20;
const RESIDENT_LIMIT = 200 * MIB;
/** Bytes per event asked for, on the small side: a run with faults has fewer. */
const EVENT_BYTES = 27;
const CPUS = 8;
const TIMEOUT_MS = 3_600_000;

describe.skipIf(!megabytes)(`a capture of ${megabytes} MB`, () => {
  let folder = '';
  let path = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'spinback-big-'));
    path = join(folder, 'big.dat');
    const events = Math.ceil((megabytes * MIB) / EVENT_BYTES);
    const options = ['--cpus', CPUS, '--events', events, '--locks', 4000, '--seed', 7].map(String);
    const faults = ['lost-unlock:at=2s', 'slow-holder:at=500ms'].flatMap((fault) => ['--fault', fault]);
    const generator = join(root, 'dist/src/generate/main.js');
    const made = spawnSync(process.execPath, [generator, 'workload', '--out', path, ...options, ...faults]);
    expect(made.status, String(made.stderr)).toBe(0);
  }, TIMEOUT_MS);
  afterAll(() => rmSync(folder, { recursive: true }));

  it(
    'is analysed within 200 MiB, and comes to what it does with large windows',
    async () => {
      expect(statSync(path).size).toBeGreaterThanOrEqual(megabytes * 1e6);
      const gauge = join(folder, 'gauge.cjs');
      writeFileSync(
        gauge,
        "process.on('exit', () => require('node:fs').writeSync(2, `resident ${process.resourceUsage().maxRSS}`));",
      );
      const bin = join(root, 'bin/spinback.cjs');
      const ran = spawnSync(process.execPath, ['--require', gauge, bin, 'analyze', '--json', path], {
        encoding: 'utf8',
        maxBuffer: 64 * MIB,
      });
      expect(ran.status, ran.stderr).toBe(1);
      const resident = Number(/^resident (\d+)$/.exec(ran.stderr)?.[1]) * 1024;
      console.log(`${(resident / MIB).toFixed(0)} MiB resident`);
      expect(resident).toBeLessThan(RESIDENT_LIMIT);

      // In one piece where it fits.
      const windowLimit = Math.min(2 ** 31 / CPUS, statSync(path).size);
      const capture = await openCapture(path);
      const whole = analyzeCapture(capture, { limits: { windowBudget: 2 ** 31, windowLimit } });
      capture.close();
      expect(whole.findings.map(({ cause, confidence }) => `${cause} ${confidence}`)).toContain(
        'lost-unlock certain',
      );
      expect(ran.stdout).toBe(`${reportJson(whole)}\n`);
    },
    TIMEOUT_MS,
  );
});
