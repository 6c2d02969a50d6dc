// Keeps V8's optimized machine code of our WebAssembly modules, for src/io/native-code.ts, which tells why, and what the files look like.
// Succeeds only if captures analysed with that code give the same reports as without.
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { crc32 } from 'node:zlib';

// Packed in chunks, and packed whole: each kind needs other modules.
const CAPTURES = ['traces/slow-holder.dat', 'traces/ext4-dm-1k.small-v6.dat.zst'];
const NUMBER = 4;

const require = createRequire(import.meta.url);
const { codePath } = require('../dist/start.cjs');

/** The bytes of the module that a decoder of ours brings along in its JavaScript. It must not be compiled before codeOf() has it. */
function bytesWithin(file, load) {
  return new Promise((found) => {
    WebAssembly.instantiate = (bytes) => {
      found(bytes);
      return new Promise(() => {});
    };
    require(`../dist/${file}`)[load]();
  });
}

function u32(n) {
  const bytes = Buffer.alloc(NUMBER);
  bytes.writeUInt32LE(n);
  return bytes;
}

/** The optimized code of a module, with all flags as they are when a process starts but the one that makes V8's intrinsics known. */
function codeOf(bytes) {
  setFlagsFromString('--no-liftoff'); // Switches dynamic tiering off, too.
  setFlagsFromString('--no-wasm-lazy-compilation');
  const module = new WebAssembly.Module(bytes);
  setFlagsFromString('--wasm-lazy-compilation');
  setFlagsFromString('--liftoff');
  setFlagsFromString('--wasm-dynamic-tiering');
  setFlagsFromString('--allow-natives-syntax');
  try {
    const keep = new Function('module', 'return %IsWasmTrapHandlerEnabled() && %SerializeWasmModule(module)')(
      module,
    );
    if (!keep) process.exit(1);
    return keep;
  } finally {
    setFlagsFromString('--no-allow-natives-syntax');
  }
}

function analyses() {
  return CAPTURES.map((capture) => {
    const command = ['bin/spinback.cjs', 'analyze', '--json', '--fail-on', 'never', capture];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
    return `${status} ${stdout} ${stderr}`;
  }).join();
}

const without = analyses();
for (const [name, bytes] of [
  ['engine', readFileSync('build/release.wasm')],
  ['zstd', await bytesWithin('zstd.cjs', 'loadZstd')],
  ['zstd-stream', await bytesWithin('zstd-stream.cjs', 'loadZstdStream')],
]) {
  const code = new Uint8Array(codeOf(bytes));
  const path = codePath(`dist/${name}.wasm`);
  const file = Buffer.concat([u32(bytes.length), bytes, code]);
  writeFileSync(`${path}.new`, Buffer.concat([file, u32(crc32(file))]));
  renameSync(`${path}.new`, path);
}
if (analyses() !== without) process.exit(1);
