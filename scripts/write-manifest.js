// Writes traces/manifest.json's sizes, checksums and expected findings from the files as they are. Read the diff before committing it:
// the manifest is what test/traces.test.ts holds the files against.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const path = 'traces/manifest.json';
const manifest = JSON.parse(readFileSync(path, 'utf8'));
for (const capture of manifest.captures) {
  describe(capture);
  const mapping = capture.mapping ? ['--map', capture.mapping] : [];
  capture.findings = spinback('analyze', capture.file, mapping).findings.map(
    ({ kind, cause, confidence, startNs }) => `${kind} ${cause} ${confidence} ${startNs}`,
  );
}
for (const log of manifest.logs) {
  describe(log);
  log.incidents = spinback('dmesg', log.file).incidents.map(
    ({ headline, firstNs }) => `${firstNs} ${headline}`,
  );
}
writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);

/** Size and checksum, as the file is. */
function describe(entry) {
  const bytes = readFileSync(`traces/${entry.file}`);
  entry.bytes = bytes.length;
  entry.sha256 = createHash('sha256').update(bytes).digest('hex');
}

function spinback(command, file, options = []) {
  const args = ['bin/spinback.cjs', command, '--json', ...options, `traces/${file}`];
  const run = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  return JSON.parse(run.stdout);
}
