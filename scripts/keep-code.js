// Keeps V8's code of the functions that the analysis of one capture runs, for dist/start.cjs. Prints the report, too.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { codePath, run } = createRequire(import.meta.url)('../dist/start.cjs');
// The code is good only for the flags that V8 has when it is made, and small captures turn some (src/io/tiers.ts): not here.
process.getBuiltinModule = undefined;
const { exports, script } = run('cli.cjs');
process.argv = [process.argv[0], 'spinback', 'analyze', '--fail-on', 'never', 'traces/slow-holder.dat'];
await exports.main();
if (process.exitCode !== 0) throw new Error(`the analysis ended with ${process.exitCode}`);
writeFileSync(codePath('dist/cli.cjs'), script.createCachedData());
