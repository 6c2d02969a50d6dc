// Keeps V8's code, for dist/start.cjs, of the functions that common commands run: analysis and statistics of a capture, analysis of a container, of a perf.data
// and of a kernel log. Prints the reports, too.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CAPTURE = 'traces/slow-holder.dat';

const folder = mkdtempSync(join(tmpdir(), 'spinback-build-'));
const container = join(folder, 'container.spin');
// By another process: what converting runs is not kept.
execFileSync(process.execPath, ['bin/spinback.cjs', 'convert', CAPTURE, container]);

const { codePath, run } = createRequire(import.meta.url)('../dist/start.cjs');
// The code is good only for the flags that V8 has when it is made, and small captures turn some (src/io/tiers.ts): not here.
process.getBuiltinModule = undefined;
const { exports, script } = run('cli.cjs');
for (const [exit, ...command] of [
  [0, 'analyze', '--fail-on', 'never', CAPTURE],
  [0, 'analyze', '--fail-on', 'never', container],
  [0, 'analyze', '--fail-on', 'never', 'traces/perf-ext4-lost.data.zst'],
  [0, 'stats', CAPTURE],
  [1, 'dmesg', 'traces/seed-2015.txt'],
]) {
  process.argv = [process.argv[0], 'spinback', ...command];
  await exports.main();
  if (process.exitCode !== exit) throw new Error(`${command[0]} ended with ${process.exitCode}`);
}
process.exitCode = 0;
rmSync(folder, { recursive: true });
writeFileSync(codePath('dist/cli.cjs'), script.createCachedData());
