// Bundles the command line into CommonJS files: Node's module loader would otherwise cost more CPU time than the analysis of a small
// capture. What few runs need (the zstd decoder, 150 KB) is a file of its own. The library in dist/src stays ES modules.
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { build } from 'esbuild';

const OPTIONS = {
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  // What is imported when it is needed is required then.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': '__url' },
  banner: { js: "const __url=require('node:url').pathToFileURL(__filename).href;" },
  legalComments: 'linked',
};

/** Leaves dynamic imports of src/io/zstd.ts to the file that is built from it. */
const apart = {
  name: 'apart',
  setup({ onResolve }) {
    onResolve({ filter: /\/zstd\.ts$/ }, () => ({ path: './zstd.cjs', external: true }));
  },
};

rmSync('dist/cli.cjs.cache', { force: true });
await build({ ...OPTIONS, entryPoints: ['src/io/zstd.ts'], outfile: 'dist/zstd.cjs' });
await build({ ...OPTIONS, entryPoints: ['src/cli/main.ts'], outfile: 'dist/cli.cjs', plugins: [apart] });
copyFileSync('scripts/start.cjs', 'dist/start.cjs');

// V8 keeps the code of the functions that ran: analyse one capture, quietly, and keep it.
const { exports, script } = createRequire(import.meta.url)('../dist/start.cjs').load('cli.cjs');
const write = process.stdout.write;
process.stdout.write = (_text, ...rest) => {
  rest.find((argument) => typeof argument === 'function')?.();
  return true;
};
process.argv = ['node', 'spinback', 'analyze', '--fail-on', 'never', 'traces/slow-holder.dat'];
await exports.main();
process.stdout.write = write;
writeFileSync('dist/cli.cjs.cache', script.createCachedData());
