import { spawnSync, type SpawnSyncOptions } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseMapping } from '../../src/mapping/file/mapping-file.ts';
import { RowTable } from '../../src/mapping/row-table.ts';
import { eventsOf } from '../../src/capture/check.ts';
import { OFFERS, offerOf } from '../../src/capture/offers.ts';
import { SITUATIONS } from '../../src/capture/situations.ts';

// The scripts of capture/: their syntax, what they would run, and whether the real programs take it.

const FOLDER = resolve(import.meta.dirname, '../../capture');
const scripts = readdirSync(FOLDER).filter((file) => file.endsWith('.sh'));
const text = (script: string): string => readFileSync(join(FOLDER, script), 'utf8');

const scratch = mkdtempSync(join(tmpdir(), 'spinback-capture-'));
chmodSync(scratch, 0o755);
afterAll(() => rmSync(scratch, { recursive: true }));

/** A tracefs with these events, and kprobes. */
function tracefs(name: string, events: readonly string[], kprobes = true): string {
  const path = join(scratch, name);
  for (const event of events) mkdirSync(join(path, 'events', event.replace(':', '/')), { recursive: true });
  mkdirSync(join(path, 'events'), { recursive: true });
  if (kprobes) writeFileSync(join(path, 'kprobe_events'), '');
  writeFileSync(join(path, 'README'), kprobes ? '  \\imm-value, \\"imm-string\\"\n' : '');
  return path;
}

const ALL = tracefs('all', [...new Set(scripts.flatMap((script) => eventsOf(text(script))))]);

function dryRun(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawnSync('sh', [join(FOLDER, script), ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], DRY_RUN: '1', TRACEFS: ALL, BIT: '22', ...env },
  });
}

function installed(program: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  if (!found) console.warn(`SKIPPED: ${program} is not installed`);
  return found;
}

/** Runs a command line as somebody who may not trace: only the parsing of its options is wanted. */
function unprivileged(command: string) {
  const [program, ...args] = command.split(' ');
  const nobody: SpawnSyncOptions = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  return spawnSync(program!, args, { ...nobody, encoding: 'utf8', cwd: '/' });
}

describe.each(scripts)('%s', (script) => {
  test('is POSIX shell that parses', () => {
    expect(text(script)).toMatch(/^#!\/bin\/sh\n/);
    expect(spawnSync('sh', ['-n', join(FOLDER, script)], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  test.skipIf(!installed('shellcheck'))('pleases shellcheck', () => {
    expect(spawnSync('shellcheck', ['-s', 'sh', join(FOLDER, script)], { encoding: 'utf8' }).stdout).toBe('');
  });

  test('belongs to a situation, and every event of it is explained', () => {
    expect(SITUATIONS.filter((situation) => situation.script === script)).toHaveLength(1);
    for (const event of eventsOf(text(script))) expect(offerOf(event), event).toBeDefined();
  });
});

test('every event that is explained is one that a script wants', () => {
  const wanted = new Set(scripts.flatMap((script) => eventsOf(text(script))));
  expect(OFFERS.flatMap(({ events }) => events).filter((event) => !wanted.has(event))).toEqual([]);
});

test('every event that a script wants is in the built-in mapping, or a sign of life on purpose', () => {
  const rhythm = ['timer:hrtimer_expire_entry'];
  const table = new RowTable();
  const unmapped = scripts
    .flatMap((script) => eventsOf(text(script)))
    .filter((event) => table.find(...(event.split(':') as [string, string])) === null);
  expect([...new Set(unmapped)]).toEqual(rhythm);
});

describe.each(['stock-trace-cmd.sh', 'lockdep.sh', 'bit-locks-kprobes.sh'])('%s', (script) => {
  test('asks for what this kernel has, and says what it leaves out', () => {
    const some = tracefs(`some-${script}`, ['lock:lock_acquire', 'sched:sched_switch']);
    const { stdout, stderr, status } = dryRun(script, ['7'], { TRACEFS: some });
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^trace-cmd record -C mono -b \d+ -o trace\.dat .*-e sched:sched_switch.* sleep 7$/m,
    );
    expect(stdout).not.toContain('printk:console');
    expect(stderr).toContain('this kernel has no printk:console: left out');
  });

  test.skipIf(!installed('trace-cmd'))('gives options that trace-cmd knows', () => {
    const command = dryRun(script, ['0']).stdout.trim().split('\n').at(-1)!;
    const { stderr } = unprivileged(command);
    expect(unprivileged('trace-cmd record --no-such-option sleep 0').stderr).toMatch(/unrecognized option/);
    expect(stderr).not.toMatch(/unrecognized option|invalid option|requires an argument/);
  });
});

test('a kernel without lockdep, kprobes or tracefs is told from one with them', () => {
  const stock = tracefs('stock', ['sched:sched_switch'], false);
  expect(dryRun('lockdep.sh', [], { TRACEFS: stock })).toMatchObject({ status: 1, stdout: '' });
  expect(dryRun('lockdep.sh', [], { TRACEFS: stock }).stderr).toContain(
    'CONFIG_PROVE_LOCKING or CONFIG_LOCK_STAT',
  );
  expect(dryRun('bit-locks-kprobes.sh', [], { TRACEFS: stock }).stderr).toContain('CONFIG_KPROBE_EVENTS');
});

describe('stock-perf.sh', () => {
  test.skipIf(!installed('perf') || process.getuid?.() !== 0)('gives options that perf knows', () => {
    const { stdout } = spawnSync('sh', [join(FOLDER, 'stock-perf.sh'), '1'], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], DRY_RUN: '1', OUT: join(scratch, 'perf.data') },
    });
    const [program, record, ...rest] = stdout.trim().split(' ');
    const dry = (args: readonly string[]) =>
      spawnSync(program!, [record!, '--dry-run', ...args], { encoding: 'utf8' });
    expect(dry(['--no-such-option'])).toMatchObject({ status: 129 });
    expect(dry(rest)).toMatchObject({ status: 0 });
  });

  test('asks for callchains where somebody waits, and there only', () => {
    const { stdout } = dryRun('stock-perf.sh', ['3']);
    expect(stdout).toMatch(/^perf record -a -c 1 -k CLOCK_MONOTONIC -m 1024 -o perf\.data /);
    expect(stdout.match(/call-graph/g)).toHaveLength(1);
    expect(stdout).toContain('-e lock:contention_begin/call-graph=fp/');
  });
});

describe('bit-locks-kprobes.sh', () => {
  const { stdout } = dryRun('bit-locks-kprobes.sh', ['1'], {
    LOCKS: '\nmy_lock_user $arg2 4\nother +0($arg1) 22\n',
  });
  const long = `x${spawnSync('getconf', ['LONG_BIT'], { encoding: 'utf8' }).stdout.trim()}`;

  test('sets an entry with address, bit and word, and a return, on every function', () => {
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      `p:bl/my_lock_user_enter my_lock_user addr=$arg2:${long} bit=\\4:u8 word=+0($arg2):${long}`,
      'r256:bl/my_lock_user_return my_lock_user',
      `p:bl/other_enter other addr=+0($arg1):${long} bit=\\22:u8 word=+0(+0($arg1)):${long}`,
      'r256:bl/other_return other',
    ]);
  });

  test('its events are those of the mapping function-kprobes', () => {
    const parsed = parseMapping(readFileSync(join(FOLDER, '../mappings/function-kprobes.yaml'), 'utf8'));
    if (!('mapping' in parsed)) throw new Error('not in order');
    const table = new RowTable(parsed.mapping.rows);
    expect(table.find('bl', 'other_enter')).toMatchObject({
      kind: 'attempt',
      address: 'addr',
      bit: 'bit',
      value: 'word',
    });
    expect(table.find('bl', 'other_return')).toMatchObject({ kind: 'pass', entry: 'bl:other_enter' });
  });
});

describe('bit-locks-bpftrace.sh', () => {
  const program = /<< 'EOF'\n([^]*?)\nEOF\n/.exec(text('bit-locks-bpftrace.sh'))![1]!;

  test('prints lines that the mapping bpftrace reads', () => {
    const parsed = parseMapping(readFileSync(join(FOLDER, '../mappings/bpftrace.yaml'), 'utf8'));
    if (!('mapping' in parsed)) throw new Error('not in order');
    const { pattern } = parsed.mapping.lines[0]!;
    const formats = [...program.matchAll(/printf\("([^"]*)\\n"/g)].map(([, format]) => format!);
    expect(formats).toHaveLength(6);
    for (const format of formats) {
      const line = format
        .replaceAll('%llu', '19274438321')
        .replaceAll('0x%llx', '0xffff888100829d00')
        .replaceAll('%d', '4')
        .replaceAll('%s', 'a b');
      const groups = pattern.exec(line)!;
      expect(line.slice(...groups('comm')!)).toBe('a b');
      expect(line.slice(...groups('event')!)).toMatch(
        /^(lock_enter|lock_return|sched_switch|sched_process_exit)$/,
      );
    }
  });

  test('sorts what bpftrace prints CPU by CPU, and keeps marks of losses where they were', () => {
    const bin = join(scratch, 'bin');
    mkdirSync(bin);
    const lines = [
      'Attaching 9 probes...',
      '30 1 7 b: - comm=x',
      '200000000000000001 1 7 d: - comm=x',
      'Lost 3 events',
      '9 0 8 a: - comm=x',
      '100 0 8 c: - comm=x',
    ];
    writeFileSync(
      join(bin, 'bpftrace'),
      `#!/bin/sh\nprintf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')}\nexec sleep 60\n`,
    );
    chmodSync(join(bin, 'bpftrace'), 0o755);
    const out = join(scratch, 'bit-locks.txt');
    const ran = spawnSync('sh', [join(FOLDER, 'bit-locks-bpftrace.sh'), '1'], {
      encoding: 'utf8',
      env: { PATH: `${bin}:${process.env['PATH']}`, OUT: out, BIT: '22' },
    });
    expect(ran).toMatchObject({ status: 0, stderr: `6 lines in ${out}\n` });
    expect(readFileSync(out, 'utf8').trim().split('\n')).toEqual([
      lines[0],
      lines[4],
      lines[1],
      lines[5],
      lines[2],
      lines[3],
    ]);
  });

  test('says what bpftrace said when it fails', () => {
    const bin = join(scratch, 'failing');
    mkdirSync(bin);
    writeFileSync(join(bin, 'bpftrace'), '#!/bin/sh\necho "ERROR: no kprobes" >&2\nexit 1\n');
    chmodSync(join(bin, 'bpftrace'), 0o755);
    const ran = spawnSync('sh', [join(FOLDER, 'bit-locks-bpftrace.sh'), '1'], {
      encoding: 'utf8',
      env: { PATH: `${bin}:${process.env['PATH']}`, OUT: join(scratch, 'none.txt'), BIT: '22' },
    });
    expect(ran).toMatchObject({ status: 1, stderr: 'ERROR: no kprobes\n' });
  });

  test.skipIf(!installed('bpftrace') || process.getuid?.() !== 0)(
    'is a program that bpftrace compiles',
    () => {
      const dry = (source: string) => spawnSync('bpftrace', ['-d', '-e', source, '22'], { encoding: 'utf8' });
      const able = dry('BEGIN {}');
      if (able.status !== 0) {
        console.warn(`SKIPPED: bpftrace cannot run here: ${able.stderr}`);
        return;
      }
      expect(dry('BEGIN { nonsense }').status).not.toBe(0);
      expect(dry(program).status).toBe(0);
    },
    60_000,
  );
});

describe('flight-recorder.sh', () => {
  test('overwrites the oldest events, and a report of a lockup freezes the ring', () => {
    const { stdout, status } = dryRun('flight-recorder.sh', ['start']);
    expect(status).toBe(0);
    const steps = stdout.trim().split('\n');
    expect(steps[0]).toBe(`0 > ${ALL}/tracing_on`);
    expect(steps).toContain(`1 > ${ALL}/options/overwrite`);
    expect(steps.at(-1)).toBe(`1 > ${ALL}/tracing_on`);
    // The trigger needs printk:console with a filter on its field msg.
    writeFileSync(join(ALL, 'events/printk/console/trigger'), '');
    const armed = dryRun('flight-recorder.sh', ['start']).stdout;
    expect(armed).toMatch(/^traceoff if msg ~ "\*LOCKUP\*" \|\| .* > .*\/events\/printk\/console\/trigger$/m);
    expect(dryRun('flight-recorder.sh', ['stop']).stdout).toContain(
      `!traceoff > ${ALL}/events/printk/console/trigger`,
    );
  });

  test('panics on a hard lockup only when asked to', () => {
    expect(dryRun('flight-recorder.sh', ['start']).stdout).not.toContain('sysctl');
    expect(dryRun('flight-recorder.sh', ['panic']).stdout).toContain('sysctl kernel.hardlockup_panic=1');
  });

  test('leaves alone what somebody else is tracing', () => {
    const busy = tracefs('busy', ['sched:sched_switch']);
    writeFileSync(join(busy, 'set_event'), 'sched:sched_switch\n');
    const ran = dryRun('flight-recorder.sh', ['start'], { TRACEFS: busy, DRY_RUN: '' });
    expect(ran).toMatchObject({ status: 1, stdout: '' });
    expect(ran.stderr).toContain('somebody is tracing already');
  });

  test('saves what trace_pipe gives, after the ring is off', () => {
    const path = tracefs('save', []);
    writeFileSync(join(path, 'trace_pipe'), 'the events\n');
    const out = join(scratch, 'saved.txt');
    expect(dryRun('flight-recorder.sh', ['save', out], { TRACEFS: path, DRY_RUN: '' }).status).toBe(0);
    expect(readFileSync(join(path, 'tracing_on'), 'utf8')).toBe('0\n');
    expect(readFileSync(out, 'utf8')).toBe('the events\n');
  });

  test('explains itself', () => {
    expect(dryRun('flight-recorder.sh', [])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('start | panic | status'),
    });
  });
});
