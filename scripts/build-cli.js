// Bundles the command line into one CommonJS file, dist/cli.cjs: Node's module loader would otherwise cost more CPU time than the
// analysis of a small capture. What a command imports dynamically is still evaluated only when it is used. The library in
// dist/src stays ES modules.
import { build } from 'esbuild';

await build({
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/cli.cjs',
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  define: { 'import.meta.url': '__url' },
  banner: { js: "const __url=require('node:url').pathToFileURL(__filename).href;" },
  legalComments: 'linked',
});
