// Compares the number of events of each type, and of lost events, that `spinback info` counts with what `perf script` prints.
//   node scripts/compare-with-perf.js FILE.data...     (unpack .zst files first: perf does not read them)
// Exit status 0: equal for every file; 1: they differ; 77: perf is not installed.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

// "            perf   118 [000]   101.449662:        lock:contention_end: 0x..." and "...: PERF_RECORD_LOST lost 5418"
const EVENT = /\s\[\d+\]\s+\d+\.\d+:\s+(?:\d+\s+)?(\S+):(?:\s|$)/;
const LOST = /\s\[\d+\]\s+\d+\.\d+: PERF_RECORD_LOST lost (\d+)$/;

async function theirs(file) {
  const counts = new Map([['lost', 0]]);
  const add = (name, count) => counts.set(name, (counts.get(name) ?? 0) + count);
  const script = spawn('perf', ['script', '--show-lost-events', '-i', file], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  for await (const line of createInterface({ input: script.stdout, crlfDelay: Infinity })) {
    const lost = LOST.exec(line)?.[1];
    const name = lost === undefined ? EVENT.exec(line)?.[1] : undefined;
    if (lost !== undefined) add('lost', Number(lost));
    else if (name !== undefined) add(name, 1);
  }
  return counts;
}

function ours(file) {
  const { stdout } = spawnSync(process.execPath, ['bin/spinback.cjs', 'info', '--json', file], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const { events, trace } = JSON.parse(stdout);
  const lost = trace.problems.find(({ name }) => name === 'lost')?.count ?? 0;
  return new Map([['lost', lost], ...events.map(({ event, count }) => [event, count])]);
}

if (spawnSync('perf', ['--version']).error) {
  console.error('perf is not installed: nothing was compared');
  process.exit(77);
}
let differ = false;
for (const file of process.argv.slice(2)) {
  const mine = ours(file);
  const peers = await theirs(file);
  const names = new Set([...mine.keys(), ...peers.keys()]);
  const wrong = [...names].filter((name) => mine.get(name) !== peers.get(name));
  const total = [...mine.values()].reduce((sum, count) => sum + count, -mine.get('lost'));
  if (wrong.length === 0) {
    console.log(
      `${file}: ${total} events of ${names.size - 1} types, ${mine.get('lost')} lost: all counts equal`,
    );
  }
  for (const name of wrong)
    console.log(`${file}: ${name}: spinback ${mine.get(name) ?? 0}, perf ${peers.get(name) ?? 0}`);
  differ ||= wrong.length > 0;
}
process.exit(differ ? 1 : 0);
