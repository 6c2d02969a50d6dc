// Precision and recall of the kernel log reader over the fixtures, and over FOLDER, whose files are made like them:
//   npm run dmesg:score [-- FOLDER]
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const folder = process.argv[2];
const { status } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', 'test/dmesg/corpus.test.ts', '--reporter=verbose'],
  {
    stdio: 'inherit',
    env:
      folder === undefined
        ? process.env
        : { ...process.env, DMESG_CORPUS: resolve(process.env.INIT_CWD ?? '.', folder) },
  },
);
process.exit(status ?? 1);
