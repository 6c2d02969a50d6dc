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
for (const [target, entry, ...options] of [
  ['debug', 'assembly/index.ts'],
  ['release', 'assembly/index.ts', '--debug'], // for the names of functions
  ['testing', 'assembly/testing.ts'],
]) {
  const args = [entry, '--config', 'asconfig.json', '--target', target, ...options];
  const { error, stderr } = await asc.main(args, files);
  if (error) {
    console.error(stderr.toString());
    console.error(`asc ${target}: ${error.message}`);
    process.exit(1);
  }
}

// The engine once more, with the whole way of an event in one function: asc stops inlining far earlier, and has no option for it. An
// event costs a quarter less (docs/performance.md). What seldom happens stays outside: V8 gives a function of more than 8192 virtual
// registers a register allocator that makes it a sixth slower (V8 11.3, kTopTierVirtualRegistersLimit in src/compiler/pipeline.cc).
const SELDOM = [
  'decode/big-endian/turnRecord',
  'decode/blocks/applyException',
  'decode/blocks/openBlock',
  'memory/heap/reserve',
  'memory/index-table/grow',
  'memory/index-table/initIndex',
  'memory/room/forgetIdle',
  'memory/room/takeRoom',
  'programs/cpu-life/lost',
  'programs/labels/classOf',
  'programs/labels/nameOf',
  'programs/labels/siteOf',
  'programs/passes/contextThatEntered',
  'programs/passes/openEntry',
  'programs/passes/pass',
  'programs/releases/pushRelease',
  'programs/words/lostUpdate',
  'replay/collect',
  'state/contexts/abandon',
  'state/contexts/forget',
  'state/contexts/leave',
  'state/locks/forget',
  'state/words/forget',
];
// The function that all becomes part of, and how many nodes it may have: measured good up to 22 thousand, bad from 30 thousand on.
const LOOP = 'assembly/replay/step';
const MOST_NODES = 22_000;
// How large a function may be to be inlined wherever it is called, and where that seems worth it, in nodes of binaryen's tree.
const [ALWAYS, OFTEN] = [300, 4000];

const RELEASE = 'build/release.wasm';
const { Features } = binaryen;
binaryen.setDebugInfo(true);
const engine = binaryen.readBinary(readFileSync(RELEASE));
engine.setFeatures(
  Features.MutableGlobals |
    Features.NontrappingFPToInt |
    Features.BulkMemory |
    Features.BulkMemoryOpt |
    Features.SignExt,
);
for (const name of SELDOM) {
  // Refuses a name that there is no function for any more.
  if (!engine.getFunction(`assembly/${name}`))
    throw new Error(`scripts/build-wasm.js: there is no function ${name}`);
  binaryen.setPassArgument('no-inline', `assembly/${name}`);
  engine.runPasses(['no-inline']);
}
binaryen.setPassArgument('no-inline', null);
binaryen.setOptimizeLevel(3);
binaryen.setShrinkLevel(0);
binaryen.setAlwaysInlineMaxSize(ALWAYS);
binaryen.setFlexibleInlineMaxSize(OFTEN);
binaryen.setOneCallerInlineMaxSize(-1);
binaryen.setAllowInliningFunctionsWithLoops(true);
binaryen.setDebugInfo(false);
engine.optimize();
if (!engine.validate()) throw new Error(`${RELEASE} is not valid any more`);
const nodes = binaryen.emitText(binaryen.getFunctionInfo(engine.getFunction(LOOP)).body).split('\n').length;
if (nodes > MOST_NODES)
  throw new Error(`scripts/build-wasm.js: ${LOOP} has ${nodes} nodes: put what seldom happens on the list`);
writeFileSync(RELEASE, engine.emitBinary());
