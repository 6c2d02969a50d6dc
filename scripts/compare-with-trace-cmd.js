// Compares the number of events of each type that `spinback info` counts with those that `trace-cmd report` prints.
//   node scripts/compare-with-trace-cmd.js FILE.dat...
// Exit status 0: equal for every file; 1: they differ; 77: trace-cmd is not installed.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

// "     busybox-113   [001]    17.304869: lock_release:         0xffff..." and, on clocks without seconds, "... 123456: event:"
const LINE = /^.*-\d+\s+\[\d+\]\s+(?:\S+\s+)?[\d.]+:\s+([\w.-]+):/;

async function theirs(file) {
  const counts = new Map();
  const report = spawn('trace-cmd', ['report', file], { stdio: ['ignore', 'pipe', 'ignore'] });
  for await (const line of createInterface({ input: report.stdout, crlfDelay: Infinity })) {
    const name = LINE.exec(line)?.[1];
    if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function ours(file) {
  const { stdout } = spawnSync(process.execPath, ['bin/spinback.cjs', 'info', '--json', file], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return new Map(JSON.parse(stdout).events.map(({ event, count }) => [event.replace(/^.*:/, ''), count]));
}

if (spawnSync('trace-cmd', ['--version']).error) {
  console.error('trace-cmd is not installed: nothing was compared');
  process.exit(77);
}
let differ = false;
for (const file of process.argv.slice(2)) {
  const mine = ours(file);
  const peers = await theirs(file);
  const names = new Set([...mine.keys(), ...peers.keys()]);
  const wrong = [...names].filter((name) => mine.get(name) !== peers.get(name));
  const total = [...mine.values()].reduce((sum, count) => sum + count, 0);
  if (wrong.length === 0) console.log(`${file}: ${total} events of ${names.size} types, all counts equal`);
  for (const name of wrong)
    console.log(`${file}: ${name}: spinback ${mine.get(name) ?? 0}, trace-cmd ${peers.get(name) ?? 0}`);
  differ ||= wrong.length > 0;
}
process.exit(differ ? 1 : 0);
