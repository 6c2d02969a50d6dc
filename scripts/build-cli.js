// Bundles the command line into CommonJS files: Node's module loader would otherwise cost more CPU time than the analysis of a small
// capture. What few runs need (the zstd decoder, 150 KB) is a file of its own. The library in dist/src stays ES modules.
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

await build({ ...OPTIONS, entryPoints: ['src/io/zstd.ts'], outfile: 'dist/zstd.cjs' });
await build({ ...OPTIONS, entryPoints: ['src/cli/main.ts'], outfile: 'dist/cli.cjs', plugins: [apart] });
