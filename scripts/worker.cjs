// What a worker thread of `spinback analyze --jobs` runs (src/cli/serve.ts). Copied to dist/ by build-cli.js.
'use strict';

require('./start.cjs').load('cli.cjs').work();
