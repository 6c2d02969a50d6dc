// Bundles the command line into CommonJS files: Node's module loader would otherwise cost more CPU time than the analysis of a small
// capture. What few runs need (the zstd decoders, 75 KB each, mapping files, some libraries) are files of their own. The library in
// dist/src stays ES modules.
import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const OPTIONS = {
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  minify: true,
  sourcemap: true,
  // What is imported when it is needed is required then.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': '__url' },
  banner: { js: "const __url=require('node:url').pathToFileURL(__filename).href;" },
  legalComments: 'linked',
  // The disassembler brings its own WebAssembly file, which it looks for next to itself.
  external: ['iced-x86'],
};

/** Modules that few runs need: dynamic imports of them are left to the files that are built from them. */
const APART = ['src/io/zstd.ts', 'src/io/zstd-stream.ts', 'src/mapping/file/mapping-file.ts'];
const BUILT = /[^/]*(?=\.ts$)/;
const apart = {
  name: 'apart',
  setup({ onResolve }) {
    const names = APART.map((path) => BUILT.exec(path)[0]);
    onResolve({ filter: new RegExp(`/(?:${names.join('|')})\\.ts$`) }, ({ path }) => ({
      path: `./${BUILT.exec(path)[0]}.cjs`,
      external: true,
    }));
    for (const [name, file] of Object.entries(LIBRARIES))
      onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: `./${file}`, external: true }));
  },
};

/** Libraries that few commands need, and the files that they become. */
const LIBRARIES = {
  'csv-stringify/sync': 'csv-stringify.cjs',
  'markdown-table': 'markdown-table.cjs',
  re2js: 're2js.cjs',
  valibot: 'valibot.cjs',
  xmlbuilder2: 'xmlbuilder2.cjs',
};

/** Commander loads child_process, and with it the network, for commands that are programs of their own; there are none here. */
const noPrograms = {
  name: 'no-programs',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ path }) => ({ path, namespace: 'no-programs' }));
    onLoad({ filter: /.*/, namespace: 'no-programs' }, () => ({ contents: 'module.exports = {}' }));
  },
};

/** Node's modules that most runs do without: loaded when something of theirs is first used (zlib: 2 ms). */
const lazily = {
  name: 'lazily',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:(?:os|zlib)$/ }, ({ path, namespace }) =>
      namespace === 'lazily' ? { path, external: true } : { path, namespace: 'lazily' },
    );
    onLoad({ filter: /.*/, namespace: 'lazily' }, async ({ path }) => {
      const getters = Object.keys((await import(path)).default).map(
        (name) => `get ${name}() { return require('${path}').${name}; },`,
      );
      return { contents: `module.exports = {${getters.join(' ')}}` };
    });
  },
};

function removeKept(names) {
  for (const file of readdirSync('dist').filter((name) => names.test(name))) rmSync(`dist/${file}`);
}

removeKept(/\.code/);
for (const [name, file] of Object.entries(LIBRARIES)) {
  await build({ ...OPTIONS, entryPoints: [name], outfile: `dist/${file}` });
}
for (const path of APART) {
  await build({ ...OPTIONS, entryPoints: [path], outfile: `dist/${BUILT.exec(path)[0]}.cjs` });
}
await build({
  ...OPTIONS,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/cli.cjs',
  plugins: [apart, noPrograms, lazily],
});
const ascii = /^[\0-\x7f]*$/;
if (!ascii.test(readFileSync('dist/cli.cjs', 'utf8')))
  throw new Error('dist/cli.cjs is not ASCII, as start.cjs takes it to be: write \\u in regular expressions');
for (const name of ['start.cjs', 'worker.cjs']) copyFileSync(`scripts/${name}`, `dist/${name}`);

const keep = (script) =>
  spawnSync(process.execPath, [script], { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
if (!keep('scripts/keep-code.js')) process.exit(1);
// With a V8 that has changed its ways it costs speed, nothing else.
if (!keep('scripts/keep-native-code.js')) {
  console.error(
    `WebAssembly is compiled at run time: its code cannot be kept with V8 ${process.versions.v8}`,
  );
  removeKept(/\.wasm\..*\.code/);
}
