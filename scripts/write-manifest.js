// Writes traces/manifest.json's sizes, checksums and expected findings from the files as they are. Read the diff before committing it:
// the manifest is what test/traces.test.ts holds the files against.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const path = 'traces/manifest.json';
const manifest = JSON.parse(readFileSync(path, 'utf8'));
for (const capture of manifest.captures) {
  const bytes = readFileSync(`traces/${capture.file}`);
  capture.bytes = bytes.length;
  capture.sha256 = createHash('sha256').update(bytes).digest('hex');
  const run = spawnSync(
    process.execPath,
    [
      'bin/spinback.cjs',
      'analyze',
      '--json',
      ...(capture.mapping ? ['--map', capture.mapping] : []),
      `traces/${capture.file}`,
    ],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    },
  );
  capture.findings = JSON.parse(run.stdout).findings.map(
    ({ kind, cause, confidence, startNs }) => `${kind} ${cause} ${confidence} ${startNs}`,
  );
}
writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
