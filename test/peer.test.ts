import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { smallCapture } from './captures.ts';

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
