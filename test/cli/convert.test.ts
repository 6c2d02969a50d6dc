import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAGIC } from '../../src/trace/spin/frame.ts';
import { smallCapture } from '../captures.ts';
import { MemoryOutput, runWith } from './harness.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'bin/spinback.cjs');
const capture = smallCapture('slow-holder.dat');

function spinback(args: readonly string[], input?: Uint8Array) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    input,
    maxBuffer: 1 << 26,
  });
  return { status, stdout, stderr: stderr.toString() };
}

describe.skipIf(!existsSync(join(root, 'dist/cli.cjs')))(
  'convert, the real program',
  { timeout: 60_000 },
  () => {
    let folder = '';
    beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'spinback-test-'))));
    afterEach(() => rmSync(folder, { recursive: true }));
    const at = (name: string): string => join(folder, name);

    it('writes a container, which is read whatever its name and however it comes', () => {
      expect(spinback(['convert', capture, at('x.dat')])).toMatchObject({ status: 0, stderr: '' });
      expect(readdirSync(folder)).toEqual(['x.dat']);
      const bytes = readFileSync(at('x.dat'));
      expect([...bytes.subarray(0, 8)]).toEqual([...MAGIC]);
      expect(spinback(['convert', capture, '-']).stdout.equals(bytes)).toBe(true);
      const [one, other] = [
        spinback(['analyze', '--json', at('x.dat')]),
        spinback(['analyze', '--json', '-'], bytes),
      ];
      const original = JSON.parse(spinback(['analyze', '--json', capture]).stdout.toString());
      for (const { stdout } of [one, other]) {
        const { trace, ...rest } = JSON.parse(stdout.toString());
        const { trace: expected, ...others } = original;
        expect(rest).toEqual(others);
        expect(trace).toEqual({
          ...expected,
          path: trace.path,
          format: `spin v2 of ${capture} (${expected.format})`,
        });
      }
      expect(spinback(['events', '-v', '--limit', '500', at('x.dat')]).stdout.toString()).toBe(
        spinback(['events', '-v', '--limit', '500', capture]).stdout.toString(),
      );
    });

    it('refuses to replace what is there, and the input always', () => {
      writeFileSync(at('x.spin'), 'old');
      expect(spinback(['convert', capture, at('x.spin')])).toMatchObject({ status: 2 });
      expect(readFileSync(at('x.spin'), 'utf8')).toBe('old');
      expect(spinback(['convert', '--force', capture, at('x.spin')])).toMatchObject({ status: 0 });
      expect(spinback(['convert', '--force', at('x.spin'), at('x.spin')]).stderr).toMatch(
        /is the input itself/,
      );
      expect(spinback(['convert', at('x.spin'), at('y.spin')])).toMatchObject({ status: 3 });
      expect(readdirSync(folder)).toEqual(['x.spin']);
    });

    it('says whose fault it was: 3 for the input, 70 for the output', () => {
      writeFileSync(at('cut.dat'), readFileSync(capture).subarray(0, 940_000));
      expect(spinback(['convert', at('cut.dat'), at('cut.spin')])).toMatchObject({ status: 3 });
      const { status, stdout } = spinback(['analyze', '--json', at('cut.spin')]);
      expect(status).toBe(3);
      expect(stdout.toString()).toContain('"truncated"');
      expect(spinback(['convert', capture, '/dev/full'])).toMatchObject({ status: 70 });
      expect(spinback(['convert', at('none.dat'), at('none.spin')])).toMatchObject({ status: 3 });
      expect(readdirSync(folder).toSorted()).toEqual(['cut.dat', 'cut.spin']);
    });

    it('leaves nothing behind when it is interrupted', async () => {
      const child = spawn(process.execPath, [bin, 'convert', capture, at('x.spin')]);
      while (child.exitCode === null && readdirSync(folder).length === 0)
        await new Promise((go) => setTimeout(go, 2));
      child.kill('SIGINT');
      const [status, signal] = await new Promise<[number | null, string | null]>((go) =>
        child.on('close', (...end) => go(end)),
      );
      // Whoever is quick enough is done before the signal comes.
      if (signal === null) expect(status).toBe(0);
      expect(readdirSync(folder)).toEqual(signal === null ? ['x.spin'] : []);
    });
  },
);

it('a container is not shown on a terminal', async () => {
  const ran = await runWith(['convert', 'a.dat', '-'], {
    files: { 'a.dat': {} },
    stdout: new MemoryOutput(true),
  });
  expect(ran.exit).toBe(2);
  expect(ran.stderr).toMatch(/a terminal shows no containers/);
});
