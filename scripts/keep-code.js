// Keeps V8's code of the functions that the analysis and the statistics of one capture and the analysis of one kernel log run, for
// dist/start.cjs. Prints the reports, too.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { codePath, run } = createRequire(import.meta.url)('../dist/start.cjs');
// The code is good only for the flags that V8 has when it is made, and small captures turn some (src/io/tiers.ts): not here.
process.getBuiltinModule = undefined;
const { exports, script } = run('cli.cjs');
for (const [exit, ...command] of [
  [0, 'analyze', '--fail-on', 'never', 'traces/slow-holder.dat'],
  [0, 'stats', 'traces/slow-holder.dat'],
  [1, 'dmesg', 'traces/seed-2015.txt'],
]) {
  process.argv = [process.argv[0], 'spinback', ...command];
  await exports.main();
  if (process.exitCode !== exit) throw new Error(`${command[0]} ended with ${process.exitCode}`);
}
process.exitCode = 0;
writeFileSync(codePath('dist/cli.cjs'), script.createCachedData());
