// Loads a bundled file with V8's compiled code from the build, where this Node can use it (otherwise V8 ignores it). That spares
// compiling some 300 KB of JavaScript at every start. Copied to dist/ by build-cli.js, which also makes the .cache files.
'use strict';

const { readFileSync } = require('node:fs');
const { createRequire, wrap } = require('node:module');
const { join } = require('node:path');
const { Script } = require('node:vm');

/**
 * @param {string} name file in this folder
 * @returns {{ exports: any, script: Script }}
 */
exports.load = function load(name) {
  const filename = join(__dirname, name);
  let cachedData;
  try {
    cachedData = readFileSync(`${filename}.cache`);
  } catch {
    // Not made yet.
  }
  const script = new Script(wrap(readFileSync(filename, 'utf8')), { filename, cachedData });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(filename), module, filename, __dirname);
  return { exports: module.exports, script };
};
