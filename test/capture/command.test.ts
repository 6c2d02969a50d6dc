import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Machine } from '../../src/capture/check.ts';
import { SITUATIONS } from '../../src/capture/situations.ts';
import { capture, type CaptureCommand } from '../../src/cli/capture.ts';
import { MemoryOutput, runWith } from '../cli/harness.ts';

/** A machine of files that exist in memory only. */
function machine(files: Readonly<Record<string, string>>, events: readonly string[] | null): Machine {
  const all = new Map(Object.entries(files));
  if (events) all.set('/sys/kernel/tracing/events', '');
  for (const event of events ?? []) all.set(`/sys/kernel/tracing/events/${event.replace(':', '/')}`, '');
  return {
    release: '6.1.0-test',
    cpus: 4,
    exists: (path) => all.has(path),
    read: (path) => all.get(path) ?? null,
    hasProgram: (name) => name !== 'bpftrace',
  };
}

async function run(command: CaptureCommand, on: Machine) {
  const stdout = new MemoryOutput();
  const stderr = new MemoryOutput();
  const session = () => Promise.reject(new Error('no capture is opened'));
  const exit = await capture(command, { stdout, stderr, env: {}, session }, on);
  return { exit, stdout: stdout.text, stderr: stderr.text };
}

const STOCK = machine(
  {
    '/boot/config-6.1.0-test':
      'CONFIG_FTRACE=y\n# CONFIG_LOCK_STAT is not set\n# CONFIG_PROVE_LOCKING is not set\n',
  },
  [
    'lock:contention_begin',
    'lock:contention_end',
    'sched:sched_switch',
    'sched:sched_process_exit',
    'printk:console',
  ],
);

test('the list says of every situation whether it works here, and why not', async () => {
  const { stdout, exit } = await run({}, STOCK);
  expect(exit).toBe(0);
  for (const { name } of SITUATIONS) expect(stdout).toContain(`  ${name} `);
  expect(stdout).toMatch(/stock-trace-cmd +partly/);
  expect(stdout).toMatch(/lockdep +no /);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
    'no lock:lock_acquire: it needs CONFIG_PROVE_LOCKING or CONFIG_LOCK_STAT (here: CONFIG_PROVE_LOCKING=n, CONFIG_LOCK_STAT=n)',
  );
  expect(stdout).toContain('bpftrace is not installed');
  expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
});

describe('a printed script', () => {
  test('asks for the events of this kernel only, says what cannot be seen, and parses', async () => {
    const { stdout, stderr, exit } = await run({ print: 'stock-trace-cmd' }, STOCK);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^#!\/bin\/sh\n# Printed by spinback/);
    expect(/EVENTS="\n([^"]*)"/.exec(stdout)![1]!.trim().split('\n')).toEqual([
      'lock:contention_begin',
      'lock:contention_end',
      'sched:sched_switch',
      'sched:sched_process_exit',
      'printk:console',
    ]);
    expect(stderr).toContain('cannot be seen here: since when interrupts are off');
    expect(stdout).toContain('# Cannot be seen here: since when interrupts are off');
    expect(spawnSync('sh', ['-n'], { input: stdout, encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  test('ends with 1 where the kernel lacks what it is for', async () => {
    const { stdout, stderr, exit } = await run({ print: 'bit-locks-bpftrace' }, STOCK);
    expect(exit).toBe(1);
    expect(stderr).toContain('CONFIG_KPROBE_EVENTS');
    expect(stderr).toContain('CONFIG_DEBUG_INFO_BTF');
    expect(stdout).toContain('# Does not work here: ');
  });

  test('is left as it is where tracefs cannot be looked at', async () => {
    const { stdout, stderr, exit } = await run({ print: 'lockdep' }, machine({}, null));
    expect(exit).toBe(1);
    expect(stderr).toContain('run as root');
    expect(stdout).toContain('\nbitlock:bit_spin_acquire\n');
  });

  test.each(SITUATIONS.map(({ name }) => name))(
    '%s parses on a machine with everything and with nothing',
    async (name) => {
      for (const on of [machine({}, null), machine({}, [])]) {
        const { stdout } = await run({ print: name }, on);
        expect(spawnSync('sh', ['-n'], { input: stdout, encoding: 'utf8' })).toMatchObject({
          status: 0,
          stderr: '',
        });
      }
    },
  );
});

test('--json gives one line per situation', async () => {
  const { stdout } = await run({ json: true }, STOCK);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ situation }) => situation)).toEqual(SITUATIONS.map(({ name }) => name));
  expect(lines[2]).toMatchObject({
    schema: 'spinback/capture@1',
    script: 'lockdep.sh',
    blockers: [expect.any(String)],
  });
});

test('a situation that does not exist is wrong usage', async () => {
  expect(await runWith(['capture', '--print', 'everything'])).toMatchObject({
    exit: 2,
    stdout: '',
    stderr: expect.stringContaining('there is no situation "everything", only stock-trace-cmd'),
  });
});

test('this machine can be looked at', async () => {
  const ran = await runWith(['capture']);
  expect(ran).toMatchObject({ exit: 0, stderr: '', sessions: 0 });
  expect(ran.stdout).toContain('What can be recorded on this machine');
});
