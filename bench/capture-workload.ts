import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openInput } from '../src/io/node-file.ts';
import { engineInput, makeWasmEngine } from '../src/session/pump.ts';
import type { Lane } from '../src/trace/capture.ts';
import { openCapture } from '../src/trace/open.ts';
import { replayed } from './replay.ts';
import { scratchFolder } from './scratch.ts';
import type { Workload } from './workloads.ts';

// A replay from memory is no replay of a file: larger captures are only measured as whole processes.
const LARGEST = 256 << 20;
const PIECE = 1 << 20;

/** A capture's lanes in memory as a workload, for measuring decode, merge and replay without reading files; null if too large. */
export async function captureWorkload(path: string): Promise<Workload | null> {
  const capture = await openCapture(path);
  try {
    let left = LARGEST;
    const lanes = [];
    for (const lane of capture.lanes) {
      const bytes = readLane(lane, left);
      if (bytes === null) return null;
      left -= bytes.length;
      lanes.push({ cpu: lane.cpu, bytes });
    }
    const base = {
      name: basename(path),
      lanes,
      options: engineInput(capture),
      warmBytes: 0,
      lockEventsOnly: false,
    };
    const { engine } = replayed(makeWasmEngine, { ...base, events: 0, timedEvents: 0 });
    const events = Number(engine.state().events);
    return { ...base, events, timedEvents: events };
  } finally {
    capture.close();
  }
}

/** All bytes of a lane; null if there are more than `most`. */
function readLane(lane: Lane, most: number): Uint8Array | null {
  const pieces: Uint8Array[] = [];
  for (let total = 0; ;) {
    const piece = new Uint8Array(PIECE);
    const got = lane.read(piece);
    total += got;
    if (total > most) return null;
    if (got === 0) return Buffer.concat(pieces);
    pieces.push(piece.subarray(0, got));
  }
}

/** The captures to measure: those named, or the repository's own and, where SPINBACK_TRACES tells of them, the large ones. */
export async function findCaptures(named: readonly string[]): Promise<readonly string[]> {
  if (named.length > 0) return named;
  const files = ['traces/lost-unlock.dat', 'traces/slow-holder.dat'];
  const folder = process.env['SPINBACK_TRACES'];
  if (folder === undefined) {
    console.log('SPINBACK_TRACES is not set: the large captures are not measured.');
    return files;
  }
  const present = new Set(readdirSync(folder));
  const unpacked = scratchFolder();
  for (const name of ['ext4-dm-1k.medium.dat', 'bhrace-1.dat', 'perf-ext4-lock.data']) {
    if (present.has(`${name}.zst`))
      files.push(await unpack(join(folder, `${name}.zst`), join(unpacked, name)));
  }
  return files;
}

/** Unpacks a packed file: the peers cannot read it as it is. */
async function unpack(from: string, to: string): Promise<string> {
  const source = await openInput(from);
  const file = openSync(to, 'w');
  const piece = new Uint8Array(1 << 20);
  for (let at = 0, got; (got = source.readInto(piece, at)) > 0; at += got) writeSync(file, piece, 0, got);
  closeSync(file);
  source.close();
  return to;
}
