// Starts a bundled file with V8's code for it from the build, which spares compiling some 300 KB of JavaScript at every start.
// That code fits one version of V8 only: another Node keeps code of its own where it can (from 22.1 on), in its cache folder.
// Copied to dist/ by build-cli.js, which also makes the .code files.
'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

/** Where the code for a bundled file lies, for the V8 that runs this. */
function codePath(filename) {
  return `${filename}.${process.arch}-${process.versions.v8}.code`;
}

/** Compiles a file of this folder and runs it as a CommonJS module. */
function run(name, cachedData) {
  const filename = join(__dirname, name);
  // The build makes it ASCII (build-cli.js); decoding UTF-8 would cost 2 ms.
  const source = readFileSync(filename, 'latin1');
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename,
    cachedData,
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, filename, __dirname);
  return { exports: module.exports, script };
}

/** Runs a file of this folder and returns its exports. */
function load(name) {
  let code;
  try {
    code = readFileSync(codePath(join(__dirname, name)));
  } catch {
    require('node:module').enableCompileCache?.();
    return require(join(__dirname, name));
  }
  return run(name, code).exports;
}

module.exports = { codePath, load, run };
