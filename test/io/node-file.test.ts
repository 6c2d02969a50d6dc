import { execFileSync, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inputDamage } from '../../src/io/input-damage.ts';
import { openFile, openInput } from '../../src/io/node-file.ts';
import type { ByteSource } from '../../src/io/source.ts';
import { Spool } from '../../src/io/spool.ts';

const ZST = 'traces/ext4-dm-1k.small-v6.dat.zst';
const ZST_UNPACKED = 3_469_312;

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'spinback-test-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function all(source: ByteSource): Uint8Array {
  const bytes = new Uint8Array(source.size);
  expect(source.readInto(bytes, 0)).toBe(source.size);
  return bytes;
}

describe('files', () => {
  test('random access', () => {
    const source = openFile(file('plain', 'hello world'));
    const target = new Uint8Array(5);
    expect(source.readInto(target, 6)).toBe(5);
    expect(Buffer.from(target).toString()).toBe('world');
    expect(source.readInto(target, 9)).toBe(2);
    expect(source.readInto(target, 11)).toBe(0);
    source.close();
    source.close();
    expect(() => source.readInto(target, 0)).toThrow(expect.objectContaining({ code: 'UNREADABLE' }));
  });

  test('a file that shrinks gives what is left', () => {
    const path = file('shrinks', 'hello world');
    const source = openFile(path);
    truncateSync(path, 8);
    expect(source.readInto(new Uint8Array(11), 0)).toBe(8);
    source.close();
  });

  test.each([
    ['missing', () => join(folder, 'nothing'), 'there is no such file'],
    ['a directory', () => folder, 'is a directory'],
    [
      'a directory of perf record --threads',
      () => {
        const path = join(folder, 'dir x');
        mkdirSync(path, { recursive: true });
        for (const name of ['data', 'data.0']) writeFileSync(join(path, name), 'PERFILE2');
        return path;
      },
      `/dir x'" gives text that is`,
    ],
    ['a device', () => '/dev/null', 'character device'],
  ])('%s is refused', async (_, path, message) => {
    const refused = { code: 'UNREADABLE', path: path(), message: expect.stringContaining(message) };
    expect(() => openFile(path())).toThrow(expect.objectContaining(refused));
    await expect(openInput(path())).rejects.toMatchObject(refused);
  });
});

describe('inputs that are spooled', () => {
  const spools = (): string[] => readdirSync(tmpdir()).filter((name) => /^spinback-(?!test)/.test(name));

  test('a pipe, of many pieces', async () => {
    const path = join(folder, 'fifo');
    execFileSync('mkfifo', [path]);
    const writer = spawn('sh', ['-c', `cat traces/lost-unlock.dat > ${path}`]);
    const source = await openInput(path);
    expect(Buffer.from(all(source)).equals(readFileSync('traces/lost-unlock.dat'))).toBe(true);
    source.close();
    writer.kill();
  });

  test('a packed pipe', async () => {
    const path = join(folder, 'zfifo');
    execFileSync('mkfifo', [path]);
    const writer = spawn('sh', ['-c', `cat ${ZST} > ${path}`]);
    const source = await openInput(path);
    expect(source.size).toBe(ZST_UNPACKED);
    source.close();
    writer.kill();
  });

  test('files of procfs, which say that they are empty', async () => {
    const source = await openInput('/proc/self/status');
    expect(Buffer.from(all(source)).toString()).toContain('Name:');
    source.close();
  });

  test('an empty file stays empty', async () => {
    expect((await openInput(file('empty', ''))).size).toBe(0);
  });

  test('nothing stays behind in the temporary directory', async () => {
    const before = spools();
    const source = await openInput(ZST);
    expect(spools()).toEqual(before);
    source.close();
  });

  test('a copy that grows beyond its limit', () => {
    const spool = new Spool('x', 10);
    spool.write(new Uint8Array(10));
    expect(() => spool.write(new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'LIMIT' }));
    spool.discard();
  });
});

describe('inputs packed as a whole', () => {
  const packedZst = readFileSync(ZST);

  test('zstd, whatever its name', async () => {
    const source = await openInput(file('trace.jpg', packedZst));
    expect(source.size).toBe(ZST_UNPACKED);
    expect(Buffer.from(all(source).subarray(3, 10)).toString()).toBe('tracing');
    expect(inputDamage(source)).toEqual([]);
    source.close();
  });

  test('several zstd frames and a skippable one', async () => {
    const skippable = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9);
    const source = await openInput(
      file('frames', Buffer.concat([skippable, packedZst, skippable, packedZst])),
    );
    expect(source.size).toBe(2 * ZST_UNPACKED);
    expect(inputDamage(source)).toEqual([]);
    source.close();
  });

  test('gzip', async () => {
    const source = await openInput(file('gzip', gzipSync(readFileSync('traces/lost-unlock.dat'))));
    expect(Buffer.from(all(source)).equals(readFileSync('traces/lost-unlock.dat'))).toBe(true);
    expect(inputDamage(source)).toEqual([]);
    source.close();
  });

  test.each([
    ['zstd', packedZst],
    ['gzip', gzipSync(readFileSync('traces/lost-unlock.dat'))],
  ])('a cut %s file keeps its beginning and says so', async (packing, packed) => {
    const cut = packed.subarray(0, packed.length >> 1);
    const source = await openInput(file(`cut-${packing}`, cut));
    expect(source.size).toBeGreaterThan(300_000);
    expect(Buffer.from(all(source).subarray(3, 10)).toString()).toBe('tracing');
    expect(inputDamage(source)).toEqual([
      expect.objectContaining({ name: 'input-truncated', severity: 'error', offset: cut.length }),
    ]);
    source.close();
  });

  test.each([
    ['zstd', packedZst],
    ['gzip', gzipSync(readFileSync('traces/lost-unlock.dat'))],
  ])('a damaged %s file keeps what lies before the damage', async (packing, packed) => {
    const noisy = Buffer.from(packed);
    noisy.fill(0xa5, 400_000, 400_200);
    const source = await openInput(file(`noisy-${packing}`, noisy));
    expect(source.size).toBeGreaterThan(200_000);
    expect(inputDamage(source)).toEqual([
      expect.objectContaining({ name: 'input-damaged', severity: 'error' }),
    ]);
    source.close();
  });
});
