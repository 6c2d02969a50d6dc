// Compiles assembly/ to build/{debug,release,testing}.wasm. The entry is named here and not in asconfig.json because asc merges the
// entries of a config with those of the command line, and ours must not mix with the testing target's.
import { mkdirSync } from 'node:fs';
import asc from 'assemblyscript/asc';

mkdirSync('build', { recursive: true });
for (const [target, entry] of [
  ['debug', 'assembly/index.ts'],
  ['release', 'assembly/index.ts'],
  ['testing', 'assembly/testing.ts'],
]) {
  const { error, stderr } = await asc.main([entry, '--config', 'asconfig.json', '--target', target]);
  if (error) {
    console.error(stderr.toString());
    console.error(`asc ${target}: ${error.message}`);
    process.exit(1);
  }
}
