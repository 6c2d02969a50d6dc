// Holds the import arrows of ARCHITECTURE.md: an allow-list of folder pairs, and who may touch `node:` and assembly/.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

/** folder of src/ -> folders of src/ that it may import from, besides itself */
const ALLOWED = {
  base: [],
  model: ['base'],
  io: ['base', 'model'],
  mapping: ['base', 'model'],
  blocks: ['base', 'model'],
  engine: ['base', 'model', 'blocks'],
  dmesg: ['base', 'model'],
  trace: ['base', 'model', 'io', 'mapping', 'blocks'],
  capture: ['base'],
  analyzers: ['base', 'model'],
  stats: ['base', 'model'],
  compare: ['base', 'model', 'stats'],
  session: ['base', 'model', 'io', 'mapping', 'blocks', 'trace', 'engine', 'analyzers', 'stats', 'dmesg'],
  report: ['base', 'model', 'stats'],
  cli: [
    'base',
    'model',
    'io',
    'mapping',
    'capture',
    'trace',
    'session',
    'stats',
    'compare',
    'report',
    'dmesg',
  ],
  generate: ['base', 'model', 'io', 'mapping', 'trace'],
};
const MAY_IMPORT_LAYOUT = ['model', 'blocks', 'engine'];
const MAY_IMPORT_NODE = ['io', 'cli', 'generate'];

const root = resolve(import.meta.dirname, '..');
const problems = [];

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (entry.name.endsWith('.ts')) yield path;
  }
}

function check(file, specifier) {
  const from = relative(join(root, 'src'), file).split(sep);
  const folder = from.length > 1 ? from[0] : 'index';
  const complain = (why) => problems.push(`${relative(root, file)}: ${specifier}: ${why}`);
  if (specifier.startsWith('node:')) {
    if (!MAY_IMPORT_NODE.includes(folder)) complain(`node: belongs into ${MAY_IMPORT_NODE.join(', ')}`);
    return;
  }
  if (!specifier.startsWith('.')) return;
  const target = relative(root, resolve(dirname(file), specifier)).split(sep);
  if (target[0] === 'assembly') {
    if (!MAY_IMPORT_LAYOUT.includes(folder) || target[1] !== 'layout.ts') {
      complain('only model, blocks and engine import from assembly/, and only layout.ts');
    }
    return;
  }
  if (target[0] !== 'src') return complain('leaves src/');
  if (folder === 'index' || target[1] === folder) return;
  if (!ALLOWED[folder]) return complain(`src/${folder} is not on the list of scripts/check-imports.js`);
  if (!ALLOWED[folder].includes(target[1])) complain(`src/${folder} may not import from src/${target[1]}`);
}

for (const file of sources(join(root, 'src'))) {
  const text = readFileSync(file, 'utf8');
  for (const [, specifier] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)) check(file, specifier);
}
for (const file of sources(join(root, 'assembly'))) {
  const text = readFileSync(file, 'utf8');
  for (const [, specifier] of text.matchAll(/\bfrom\s*'([^']+)'/g)) {
    const target = relative(root, resolve(dirname(file), specifier)).split(sep);
    if (target[0] !== 'assembly')
      problems.push(`${relative(root, file)}: ${specifier}: assembly/ imports nothing outside`);
  }
}

for (const problem of problems) console.error(problem);
if (problems.length) process.exit(1);
