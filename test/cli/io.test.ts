import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { EXIT, OutputError, errorText, exitOf, fileError } from '../../src/cli/exit.ts';
import { streamOutput } from '../../src/cli/io.ts';
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
