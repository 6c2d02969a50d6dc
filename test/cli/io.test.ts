import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { EXIT, OutputError, errorText, exitOf, fileError } from '../../src/cli/exit.ts';
import { descriptorOutput, streamOutput } from '../../src/cli/io.ts';
import { SpinbackError } from '../../src/base/errors.ts';

/** A stream that takes `good` writes and then fails. */
function failing(code: string, good: number): { stream: NodeJS.WriteStream; taken: string[] } {
  const taken: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      if (taken.length >= good) return done(Object.assign(new Error(`${code}: no`), { code }));
      taken.push(chunk.toString());
      setImmediate(done);
    },
  });
  return { stream: stream as unknown as NodeJS.WriteStream, taken };
}

describe('an output', () => {
  it('waits until a write is out', async () => {
    const { stream, taken } = failing('EPIPE', 2);
    const output = streamOutput(stream, 'standard output');
    await output.write('a');
    expect(stream.writableLength).toBe(0);
    await output.write('b');
    expect(taken).toEqual(['a', 'b']);
    expect(output).toMatchObject({ isTTY: false, columns: undefined, closed: false });
  });

  it('closes quietly when its reader has gone', async () => {
    const output = streamOutput(failing('EPIPE', 1).stream, 'standard output');
    await output.write('a');
    await output.write('b');
    expect(output.closed).toBe(true);
    await output.write('c');
  });

  it('says so when it cannot be written for another reason', async () => {
    const output = streamOutput(failing('ENOSPC', 0).stream, 'standard output');
    await expect(output.write('a')).rejects.toThrow(
      new OutputError('standard output cannot be written: ENOSPC: no'),
    );
    expect(output.closed).toBe(true);
  });

  it('without a name never fails', async () => {
    const output = streamOutput(failing('ENOSPC', 0).stream, null);
    await output.write('a');
    expect(output.closed).toBe(true);
  });
});

describe('an output on a descriptor', () => {
  const noStream = (): NodeJS.WriteStream => {
    throw new Error('no stream is wanted');
  };

  it('writes to a file without a stream', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spinback-test-'));
    const fd = openSync(join(folder, 'out'), 'w');
    try {
      const output = descriptorOutput(fd, noStream, 'standard output');
      await output.write('a\u00b5');
      await output.write('');
      await output.write('b'.repeat(1 << 20));
      expect(output).toMatchObject({ isTTY: false, columns: undefined, closed: false });
      expect(readFileSync(join(folder, 'out'), 'utf8')).toBe(`a\u00b5${'b'.repeat(1 << 20)}`);
    } finally {
      closeSync(fd);
      rmSync(folder, { recursive: true });
    }
  });

  it.skipIf(process.platform !== 'linux')('takes /dev/null and /dev/full for no terminals', async () => {
    const nothing = openSync('/dev/null', 'w');
    await descriptorOutput(nothing, noStream, 'standard output').write('a');
    closeSync(nothing);
    const full = openSync('/dev/full', 'w');
    const output = descriptorOutput(full, noStream, 'standard output');
    await expect(output.write('a')).rejects.toThrow(/^standard output cannot be written: ENOSPC/);
    expect(output.closed).toBe(true);
    await output.write('b');
    closeSync(full);
  });

  it.skipIf(process.platform !== 'linux')('hands what a slow reader leaves to the stream', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spinback-test-'));
    const path = join(folder, 'pipe');
    spawnSync('mkfifo', [path]);
    const O_RDWR_NONBLOCK = 2 | 0o4000;
    const fd = openSync(path, O_RDWR_NONBLOCK);
    try {
      const { stream, taken } = failing('EPIPE', 1);
      const output = descriptorOutput(fd, () => stream, 'standard output');
      const size = 1 << 20;
      await output.write('x'.repeat(size));
      const left = taken.join('').length;
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThan(size);
      await output.write('gone');
      expect(output.closed).toBe(true);
    } finally {
      closeSync(fd);
      rmSync(folder, { recursive: true });
    }
  });

  it('asks the stream about what may be a terminal', () => {
    const { stream } = failing('EPIPE', 0);
    Object.assign(stream, { isTTY: true, columns: 77 });
    expect(descriptorOutput(1 << 20, () => stream, null)).toMatchObject({ isTTY: true, columns: 77 });
  });
});

describe('errors', () => {
  it.each([
    ['UNREADABLE', EXIT.unreadable],
    ['NOT_A_CAPTURE', EXIT.unreadable],
    ['UNSUPPORTED', EXIT.unreadable],
    ['DAMAGED', EXIT.unreadable],
    ['LIMIT', EXIT.unreadable],
    ['USAGE', EXIT.usage],
  ] as const)('with code %s end in %d', (code, exit) => {
    expect(exitOf(new SpinbackError(code, 'x'))).toBe(exit);
  });

  it('that are no SpinbackError are internal', () => {
    expect(exitOf(new RangeError('x'))).toBe(70);
    expect(exitOf(undefined)).toBe(70);
    expect(errorText('thrown text', null, true)).toMatch(
      /^spinback: internal error: thrown text\n.*please report/,
    );
  });

  it('name the file and the offset once', () => {
    expect(fileError('a.dat', 'cut short', 7)).toBe('spinback: a.dat: cut short (offset 7)\n');
    expect(fileError('a.dat', 'cut short', null)).toBe('spinback: a.dat: cut short\n');
    expect(fileError('a.dat', 'a.dat is a directory', null)).toBe('spinback: a.dat is a directory\n');
    expect(fileError('-', 'standard input is a terminal', null)).toBe(
      'spinback: standard input is a terminal\n',
    );
    expect(fileError('a.dat', 'a field wants 8 bytes at offset 7', 7)).toBe(
      'spinback: a.dat: a field wants 8 bytes at offset 7\n',
    );
    expect(fileError('a.dat', 'a field wants 8 bytes at offset 70', 7)).toBe(
      'spinback: a.dat: a field wants 8 bytes at offset 70 (offset 7)\n',
    );
  });
});
