// Compiles assembly/ to build/{debug,release,testing}.wasm. The entry is named here and not in asconfig.json because asc merges the
// entries of a config with those of the command line, and ours must not mix with the testing target's.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';
import binaryen from 'binaryen';

// assembly/layout.ts is TypeScript's too, and so names its parts with their extension, to which asc adds another.
const files = {
  readFile(name, folder) {
    try {
      return readFileSync(join(folder, name.replace(/\.ts\.ts$/, '.ts')), 'utf8');
    } catch {
      return null;
    }
  },
};

mkdirSync('build', { recursive: true });
for (const [target, entry] of [
  ['debug', 'assembly/index.ts'],
  ['release', 'assembly/index.ts'],
  ['testing', 'assembly/testing.ts'],
]) {
  const { error, stderr } = await asc.main([entry, '--config', 'asconfig.json', '--target', target], files);
  if (error) {
    console.error(stderr.toString());
    console.error(`asc ${target}: ${error.message}`);
    process.exit(1);
  }
}

// The loop over events once more, with its programs inlined wherever they are called from: asc stops at smaller functions, and has no
// option for it. An event costs a tenth less (docs/performance.md). The sizes are binaryen's, in nodes of its tree.
const RELEASE = 'build/release.wasm';
const { Features } = binaryen;
const engine = binaryen.readBinary(readFileSync(RELEASE));
engine.setFeatures(
  Features.MutableGlobals |
    Features.NontrappingFPToInt |
    Features.BulkMemory |
    Features.BulkMemoryOpt |
    Features.SignExt,
);
binaryen.setOptimizeLevel(3);
binaryen.setShrinkLevel(0);
binaryen.setAlwaysInlineMaxSize(30);
binaryen.setFlexibleInlineMaxSize(120);
binaryen.setOneCallerInlineMaxSize(-1);
engine.optimize();
if (!engine.validate()) throw new Error(`${RELEASE} is not valid any more`);
writeFileSync(RELEASE, engine.emitBinary());
