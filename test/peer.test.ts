import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { anyCapture, smallCapture } from './captures.ts';

const installed = spawnSync('trace-cmd', ['--version']).error === undefined;
if (!installed)
  console.warn('SKIPPED: trace-cmd is not installed, its event counts are not compared with ours');

describe.skipIf(!installed)('trace-cmd report', () => {
  it('counts the same events of each type', () => {
    const files = ['lost-unlock.dat', 'slow-holder.dat', 'stock.dat', 'ext4-finish-bio-2015/trace.dat'].map(
      smallCapture,
    );
    const run = spawnSync(process.execPath, ['scripts/compare-with-trace-cmd.js', ...files], {
      encoding: 'utf8',
    });
    expect(run.stdout.match(/all counts equal/g)).toHaveLength(files.length);
    expect(run.status).toBe(0);
  });
});

const hasPerf = spawnSync('perf', ['--version']).error === undefined;
const plain = anyCapture('perf-ext4-z.data');
if (!hasPerf) console.warn('SKIPPED: perf is not installed, its event counts are not compared with ours');

// The other perf captures are packed, which perf does not read; test/trace/perf-data unpacks them.
describe.skipIf(!hasPerf || !plain)('perf script', () => {
  it('counts the same events of each type, and the same losses', () => {
    const run = spawnSync(process.execPath, ['scripts/compare-with-perf.js', plain!], { encoding: 'utf8' });
    expect(run.stdout).toMatch(/785495 events of 14 types, 227188 lost: all counts equal/);
    expect(run.status).toBe(0);
  });
});
