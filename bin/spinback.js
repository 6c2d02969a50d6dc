#!/usr/bin/env node
// Answers --version by itself, so that it costs nothing; everything else is src/cli/main.ts.
// No top-level await: Node would end with status 13 where it never settles.

const [first, ...rest] = process.argv.slice(2);

if ((first === '--version' || first === '-V') && rest.length === 0) {
  process.stdout.on('error', () => {});
  import('../dist/src/base/version.js').then(({ VERSION }) => process.stdout.write(`${VERSION}\n`), notBuilt);
} else {
  import('../dist/src/cli/main.js').then(({ main }) => main()).catch(notBuilt);
}

/** @param {unknown} error */
function notBuilt(error) {
  process.stderr.write(`spinback: internal error: cannot start: ${error}\n`);
  process.exitCode = 70;
}
