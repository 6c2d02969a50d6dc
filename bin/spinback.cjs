#!/usr/bin/env node
// Answers --version by itself, so that it costs nothing; everything else is src/cli/main.ts, bundled into one file.
'use strict';

const [first, ...rest] = process.argv.slice(2);

try {
  if ((first === '--version' || first === '-V') && rest.length === 0) {
    process.stdout.on('error', () => {});
    process.stdout.write(`${require('../package.json').version}\n`);
  } else {
    require('../dist/start.cjs').load('cli.cjs').main();
  }
} catch (error) {
  process.stderr.write(`spinback: internal error: cannot start: ${error}\n`);
  process.exitCode = 70;
}
