import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../src/io/bytes.ts';
import { openCapture, openSource } from '../../src/trace/open.ts';
import { buildV6, buildV7 } from './trace-dat/build.ts';

const open = (bytes: Uint8Array | string) =>
  openSource(bytesSource(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes));

test('told by the first bytes, without a name', async () => {
  expect((await open(buildV6())).format).toBe('trace.dat v6');
});

describe('what is no capture', () => {
  test.each([
    ['nothing', '', 'empty'],
    ['a JPEG', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16), 'JPEG'],
    ['an ELF file', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1), '7f 45 4c 46'],
    ['noise', Uint8Array.of(1, 2, 3), '01 02 03'],
    ['half a magic', Uint8Array.of(0x17, 0x08, 0x44, 0x74), '17 08 44 74'],
  ])('%s', async (_, bytes, message) => {
    await expect(open(bytes)).rejects.toMatchObject({
      code: 'NOT_A_CAPTURE',
      offset: 0,
      message: expect.stringContaining(message),
    });
    await expect(open(bytes)).rejects.toThrow(/trace\.dat/);
  });

  test.each([
    ['perf.data of 2009', 'PERFFILE........', '2009'],
    ['xz', Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), 'unpack it first'],
  ])('%s is known, and not read', async (_, bytes, message) => {
    await expect(open(bytes)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining(message),
    });
  });
});

describe('by path', () => {
  test('errors name the path', async () => {
    await expect(openCapture('package.json')).rejects.toMatchObject({
      code: 'NOT_A_CAPTURE',
      path: 'package.json',
    });
    await expect(openCapture('no/such/file')).rejects.toMatchObject({
      code: 'UNREADABLE',
      path: 'no/such/file',
    });
    await expect(openCapture('src')).rejects.toMatchObject({ code: 'UNREADABLE', path: 'src' });
  });

  test('a packed file', async () => {
    const capture = await openCapture('traces/ext4-dm-1k.small-v6.dat.zst');
    expect(capture.format).toBe('trace.dat v6');
    expect(capture.damage()).toEqual([]);
    capture.close();
  });

  test('a packed file that is cut before anything can be read says both', async () => {
    const source = Object.assign(bytesSource(buildV7().subarray(0, 2000)), {
      damage: [
        { name: 'input-truncated', severity: 'data loss' as const, text: 'The zstd file ends.', count: 1 },
      ],
    });
    await expect(openSource(source)).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringMatching(/the file was cut.*2000.*The zstd file ends\./),
    });
  });

  test("what was wrong with the packing is the capture's damage", async () => {
    const source = Object.assign(bytesSource(buildV6()), {
      damage: [{ name: 'input-truncated', severity: 'data loss' as const, text: 'x', count: 1 }],
    });
    const capture = await openSource(source);
    expect(capture.damage()[0]).toMatchObject({ name: 'input-truncated' });
    expect(capture.comm(11)).toBe('first');
    expect(capture.types.length).toBeGreaterThan(0);
    expect(capture.record({ lane: 0, offset: 20 })?.type.name).toBe('bit_spin_acquire');
  });
});

test.each([
  [
    'zstd',
    readFileSync('traces/ext4-dm-1k.small-v6.dat.zst').map((byte, at) => (at >= 8 && at < 64 ? 0xff : byte)),
  ],
  ['gzip', gzipSync(readFileSync('traces/lost-unlock.dat')).map((byte, at) => (at === 12 ? 0xff : byte))],
])('%s that is damaged from its beginning is damaged, not empty', async (_, bytes) => {
  const folder = mkdtempSync(join(tmpdir(), 'spinback-test-'));
  try {
    const path = join(folder, 'packed');
    writeFileSync(path, bytes);
    await expect(openCapture(path)).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringMatching(/^nothing could be unpacked: The (?:zstd|gzip) file is damaged/),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
