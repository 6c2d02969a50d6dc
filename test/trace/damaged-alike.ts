import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { SpinbackError } from '../../src/base/errors.ts';
import { makeTwin } from '../../src/engine/twin/twin-engine.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import type { EngineMaker } from '../../src/session/pump.ts';
import { openSource } from '../../src/trace/open.ts';
import { reportOf } from './spin/container.ts';
import { seeded } from './trace-dat/drain.ts';

/** What a damaged file gives: its report, or the code of our error. */
async function outcome(bytes: Uint8Array, engine?: EngineMaker): Promise<object | string> {
  try {
    return reportOf(await openSource(bytesSource(bytes, 'damaged')), engine);
  } catch (error) {
    if (error instanceof SpinbackError) return error.code;
    throw error;
  }
}

/**
 * Damages a file in `rounds` ways, cut or with flipped bytes, and holds the engine's report of each against its twin's. Returns how
 * many of them could be read.
 */
export async function damagedAlike(file: Uint8Array, rounds: number): Promise<number> {
  const random = seeded(20151008);
  let read = 0;
  for (let round = 0; round < rounds; round++) {
    const bytes = round % 3 === 0 ? file.slice(0, random(file.length)) : file.slice();
    if (round % 3 > 0)
      for (let flips = 1 + random(40); flips > 0; flips--) bytes[random(bytes.length)] = random(256);
    const [found, expected] = [await outcome(bytes), await outcome(bytes, makeTwin)];
    if (!isDeepStrictEqual(found, expected)) expect(found, `round ${round}`).toEqual(expected);
    if (typeof found === 'object') read++;
  }
  return read;
}
