import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openOutput } from '../../src/io/output.ts';

let folder = '';
beforeEach(() => (folder = fs.mkdtempSync(join(tmpdir(), 'spinback-test-'))));
afterEach(() => fs.rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('an output', () => {
  it('has its name only when it is whole', () => {
    const output = openOutput(at('out'), at('in'), false);
    output.write(bytes('one '));
    expect(fs.existsSync(at('out'))).toBe(false);
    output.write(bytes('two'));
    output.finish();
    output.discard();
    expect(fs.readdirSync(folder)).toEqual(['out']);
    expect(fs.readFileSync(at('out'), 'utf8')).toBe('one two');
  });

  it('that is given up leaves nothing behind, and what was there as it was', () => {
    fs.writeFileSync(at('out'), 'old');
    const output = openOutput(at('out'), at('in'), true);
    output.write(bytes('new'));
    output.discard();
    output.discard();
    expect(fs.readdirSync(folder)).toEqual(['out']);
    expect(fs.readFileSync(at('out'), 'utf8')).toBe('old');
  });

  it('replaces what a link leads to, keeps its mode, and asks first', () => {
    fs.writeFileSync(at('real'), 'old', { mode: 0o640 });
    fs.symlinkSync('real', at('link'));
    expect(() => openOutput(at('link'), at('in'), false)).toThrow(/exists already: --force/);
    const output = openOutput(at('link'), at('in'), true);
    output.write(bytes('new'));
    output.finish();
    expect(fs.lstatSync(at('link')).isSymbolicLink()).toBe(true);
    expect(fs.readFileSync(at('real'), 'utf8')).toBe('new');
    expect(fs.statSync(at('real')).mode & 0o777).toBe(0o640);
  });

  it('is never the input, whatever its name', () => {
    fs.writeFileSync(at('in'), 'precious');
    fs.linkSync(at('in'), at('hard'));
    fs.symlinkSync('in', at('soft'));
    for (const name of ['in', 'hard', 'soft'])
      expect(() => openOutput(at(name), at('in'), true)).toThrow(/is the input itself/);
    expect(() => openOutput(folder, at('in'), true)).toThrow(/is a directory/);
    expect(fs.readFileSync(at('in'), 'utf8')).toBe('precious');
  });

  it('goes straight to a device, and says when that is full', () => {
    if (!fs.existsSync('/dev/full')) return console.warn('SKIPPED: there is no /dev/full');
    const output = openOutput('/dev/full', at('in'), false);
    expect(() => output.write(bytes('x'))).toThrow(/no space left/);
    output.discard();
    expect(fs.existsSync('/dev/full')).toBe(true);
  });

  it('in a folder that is not there is refused', () => {
    expect(() => openOutput(at('no/out'), at('in'), false)).toThrow(
      /cannot be written: there is no such file/,
    );
  });
});
