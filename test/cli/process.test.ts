import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/base/version.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'bin/spinback.cjs');
const built = existsSync(join(root, 'dist/src/cli/main.js'));
const traces = join(root, 'traces');
const race = join(traces, 'lost-unlock.dat');

if (!built) console.warn('dist is not built: the tests of the real program are skipped');
if (!existsSync(race))
  console.warn('traces/lost-unlock.dat is not there: tests with a real capture are skipped');

function spinback(args: readonly string[], input?: Uint8Array) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { input, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe.skipIf(!built)('the real program', () => {
  it('prints its version', () => {
    for (const flag of ['--version', '-V']) {
      expect(spinback([flag])).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
    }
  });

  it('ends with 2 for wrong usage and 0 for help', () => {
    expect(spinback([]).status).toBe(2);
    expect(spinback(['analyze']).status).toBe(2);
    expect(spinback(['analyze', '--help']).status).toBe(0);
  });

  it('ends with 3 for a file that is not there, is a directory, or no capture', () => {
    for (const path of ['/nowhere/at/all.dat', tmpdir(), bin]) {
      const ran = spinback(['analyze', path]);
      expect(ran).toMatchObject({ status: 3, stdout: '' });
      expect(ran.stderr).toMatch(/^spinback: .*\n$/);
    }
    expect(spinback(['info', '-'], new Uint8Array())).toMatchObject({ status: 3, stdout: '' });
  });
});

describe.skipIf(!built)('options behind --', () => {
  it.each([
    ['analyze', ['--', '--json', race]],
    ['info', ['--', '--json', race]],
    ['stats', ['--', '--json', race]],
    ['compare', [race, '--', '--json', race]],
    ['dmesg', ['--', '--json']],
    ['events', ['--', '--json']],
  ])('%s says that they are taken for files', (command, args) => {
    const { status, stderr } = spinback([command, ...args]);
    expect(status).toBe(3);
    expect(stderr).toContain(
      'spinback: --json cannot be opened: there is no such file (every word behind -- is the name of a file: options stand in front of it)\n',
    );
  });
});

describe.skipIf(!built)('a program that crashes', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'spinback-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Runs the program with a module loaded first that lets something go wrong. */
  function sabotaged(code: string, env: Record<string, string> = {}) {
    const preload = join(folder, 'sabotage.mjs');
    writeFileSync(preload, code);
    const args = ['--import', preload, bin, 'analyze', '--help'];
    return spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, ...env } });
  }

  it.each([
    ['throws in a timer', "setTimeout(() => { throw new Error('late'); }, 0); setTimeout(() => {}, 60000)"],
    [
      'rejects unheard',
      "setTimeout(() => { Promise.reject(new Error('late')); }, 0); setTimeout(() => {}, 60000)",
    ],
  ])('because something %s ends with 70, never with 1', (_, code) => {
    // Late enough for main() to have begun.
    const ran = sabotaged(code.replaceAll(', 0)', ', 1000)'));
    expect(ran.status).toBe(70);
    expect(ran.stderr).toContain('internal error: Error: late');
    expect(ran.stderr).not.toContain('    at ');
  });
});

describe.skipIf(!built || !existsSync(race))('with a real capture', () => {
  it('finds the lost unlock, from a file and from a pipe', () => {
    const file = spinback(['analyze', '--json', race]);
    expect(file.status).toBe(1);
    const report = JSON.parse(file.stdout) as { findings: { cause: string }[] };
    expect(report.findings[0]!.cause).toBe('lost-unlock');
    const pipe = spinback(['analyze', '--json', '-'], readFileSync(race));
    expect(pipe.status).toBe(1);
    expect(pipe.stdout.replace('"path":"-"', '"path":""')).toBe(
      file.stdout.replace(JSON.stringify(race), '""'),
    );
  });

  it('prints the same bytes twice', () => {
    expect(spinback(['analyze', race]).stdout).toBe(spinback(['analyze', race]).stdout);
  });

  it('gives every thread a mapping that can be read once only', () => {
    // A pipe of the shell's; what Node gives a child is a socket, which cannot be opened by name.
    const command =
      'cat "$ROOT/mappings/bhrace-kprobes.yaml" | "$NODE" "$ROOT/bin/spinback.cjs" analyze --json --jobs "$1" ' +
      '--map /dev/stdin "$ROOT/traces/kprobe-leak.dat" "$ROOT/traces/slow-holder.dat"';
    const analyzed = (jobs: string) => {
      const env = { ...process.env, ROOT: root, NODE: process.execPath };
      const { status, stdout, stderr } = spawnSync('sh', ['-c', command, 'sh', jobs], {
        env,
        encoding: 'utf8',
      });
      return { status, stdout, stderr };
    };
    const one = analyzed('1');
    expect(one.stdout).toContain('"cause":"unknown-setter"');
    expect(analyzed('2')).toEqual(one);
  });

  it('on several threads: the same bytes in the same order, and the worst status', () => {
    const paths = [race, join(traces, 'slow-holder.dat'), '/nowhere/at/all.dat', race, bin];
    for (const options of [[], ['--json'], ['--fail-on', 'never', '--limit', '1']]) {
      const one = spinback(['analyze', '--jobs', '1', ...options, ...paths]);
      expect(spinback(['analyze', '--jobs', '3', ...options, ...paths])).toEqual(one);
      expect(one.status).toBe(3);
    }
  });

  it('where addresses are scarce says so, and what to do', () => {
    const limited = (options: string) =>
      spawnSync(
        'bash',
        ['-c', `ulimit -v 6000000; "$0" ${options} "$1" analyze "$2"`, process.execPath, bin, race],
        {
          encoding: 'utf8',
        },
      );
    const short = limited('');
    expect(short).toMatchObject({ status: 3, stdout: '' });
    expect(short.stderr).toMatch(/^spinback: .*lost-unlock\.dat: not enough address space .*\n$/);
    expect(limited('--disable-wasm-trap-handler').stdout).toBe(spinback(['analyze', race]).stdout);
  });

  describe('and code from the build', () => {
    let folder: string;
    const code = (name: string) => join(folder, `dist/${name}.${process.arch}-${process.versions.v8}.code`);
    const NAMES = ['cli.cjs', 'engine.wasm', 'zstd.wasm', 'zstd-stream.wasm'];

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'spinback-test-'));
      for (const part of ['bin', 'dist', 'build', 'package.json']) {
        cpSync(join(root, part), join(folder, part), { recursive: true });
      }
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it('starts with it', () => {
      const check =
        "const { codePath, run } = require('./dist/start.cjs'), { readFileSync } = require('node:fs');" +
        "console.log(run('cli.cjs', readFileSync(codePath('dist/cli.cjs'))).script.cachedDataRejected)";
      const ran = spawnSync(process.execPath, ['--eval', check], { cwd: root, encoding: 'utf8' });
      expect(ran).toMatchObject({ status: 0, stdout: 'false\n', stderr: '' });
    });

    it('gives V8 that of its WebAssembly', () => {
      for (const name of NAMES.slice(1))
        cpSync(code(name), join(folder, 'dist/src/io', basename(code(name))));
      const check =
        "const { tierByUse } = await import('./dist/src/io/tiers.js');" +
        "const { useNativeCode } = await import('./dist/src/io/native-code.js');" +
        "const used = () => ['engine', 'zstd', 'zstd-stream'].map(useNativeCode).join();" +
        'console.log(used()); tierByUse(); console.log(used());';
      const run = (...options: string[]) =>
        spawnSync(process.execPath, [...options, '--input-type=module', '--eval', check], {
          cwd: folder,
          encoding: 'utf8',
        });
      // Not in a process that is not ours, and not where accesses beyond memory would go unnoticed.
      const [none, all] = ['false,false,false\n', 'true,true,true\n'];
      expect(run()).toMatchObject({ status: 0, stdout: none + all, stderr: '' });
      expect(run('--disable-wasm-trap-handler')).toMatchObject({
        status: 0,
        stdout: none + none,
        stderr: '',
      });
    });

    it.each(NAMES)('needs none for %s, and none that is broken or of another V8', (name) => {
      const copy = join(folder, 'bin/spinback.cjs');
      const analyze = () => spawnSync(process.execPath, [copy, 'analyze', race], { encoding: 'utf8' });
      const { stdout } = spinback(['analyze', race]);
      const kept = readFileSync(code(name));
      const flipped = (from: number, to: number) =>
        kept.map((byte, at) => (at >= from && at < to ? ~byte : byte));
      const broken = [kept.subarray(0, 1000), Buffer.alloc(0), Buffer.alloc(4), flipped(0, 16)];
      if (name.endsWith('.wasm')) {
        // Behind the module's own bytes V8 says what made the code.
        const head = 4 + kept.readUInt32LE(0);
        broken.push(
          kept.subarray(0, -1),
          flipped(head, head + 4),
          flipped(head + 4, head + 20),
          flipped(8, 4000),
          // What V8 would run.
          ...[1, 2, 3, 4, 5, 6, 7].map((part) => {
            const at = head + Math.floor(((kept.length - head) * part) / 8);
            return flipped(at, at + 8);
          }),
        );
      }
      for (const bytes of broken) {
        writeFileSync(code(name), bytes);
        expect(analyze()).toMatchObject({ status: 1, stdout, stderr: '' });
      }
      rmSync(code(name));
      expect(analyze()).toMatchObject({ status: 1, stdout, stderr: '' });
    });
  });

  it('ends quietly with 0 when the reader of its events has seen enough', () => {
    const script = '"$0" "$1" events "$2" | head -n 3; echo "${PIPESTATUS[0]}"';
    const ran = spawnSync('bash', ['-c', script, process.execPath, bin, race], { encoding: 'utf8' });
    expect(ran.stderr).toBe('');
    expect(ran.stdout.trimEnd().split('\n')).toHaveLength(4);
    expect(ran.stdout.trimEnd().split('\n').at(-1)).toBe('0');
  });
});
