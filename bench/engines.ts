import type { Engine, EngineOptions } from '../src/engine/engine.ts';
import { makeTwin } from '../src/engine/twin/twin-engine.ts';
import { Random } from '../src/base/random.ts';
import { EVENT_RECORD_SIZE, namespaceFlags, writeEvent } from '../src/model/event-record.ts';
import { FLAGS, KINDS } from '../src/model/event.ts';
import { otherRow } from '../src/mapping/decode-row.ts';
import { makeWasmEngine } from '../src/session/pump.ts';

/** Canonical records of spinlocks taken and released by a task per CPU, Zipf-like over `locks` addresses. */
export function lockRecords(events: number, cpus: number, locks: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const bytes = new Uint8Array(events * EVENT_RECORD_SIZE);
  const view = new DataView(bytes.buffer);
  const phases = ['attempt', 'acquire', 'release'].map((kind) =>
    KINDS.indexOf(kind as (typeof KINDS)[number]),
  );
  const held = Array.from({ length: cpus }, () => ({ phase: 0, address: 0n }));
  for (let n = 0, time = 1_000_000_000n; n < events; n++) {
    const cpu = random.int(cpus);
    const state = held[cpu]!;
    // A CPU has locks of its own, so that nobody ever takes what another one holds.
    if (state.phase === 0)
      state.address = 0xffff888100000000n + BigInt((random.int(locks) * cpus + cpu) * 64);
    time += BigInt(20 + random.int(400));
    writeEvent(view, n * EVENT_RECORD_SIZE, {
      time,
      address: state.address,
      value: 0n,
      kind: phases[state.phase]!,
      bit: 0xff,
      cpu,
      pid: 100 + cpu,
      flags: namespaceFlags('lockdep') | FLAGS['preempt-off'],
      type: 1,
    });
    state.phase = (state.phase + 1) % 3;
  }
  return bytes;
}

/** Replays the records once and returns the milliseconds of the replay alone. */
function replayMs(engine: Engine, records: Uint8Array): number {
  let at = 0;
  const start = performance.now();
  for (;;) {
    const step = engine.step();
    if (step.state === 'done') return performance.now() - start;
    if (step.state === 'full') engine.drain();
    if (step.state !== 'dry') continue;
    const window = engine.window(0);
    const piece = records.subarray(at, at + window.length);
    if (piece.length === 0) engine.finish(0);
    else {
      window.set(piece);
      engine.supply(0, piece.length);
      at += piece.length;
    }
  }
}

export interface EngineRates {
  /** Millions of events per second, medians. */
  readonly wasm: number;
  readonly twin: number;
  readonly ratio: number;
}

/** The WebAssembly engine against its plain-TypeScript twin on the same records, in turns. */
export function compareEngines(records: Uint8Array, rounds: number): EngineRates {
  const options: EngineOptions = {
    lanes: [{ cpu: 0, layout: null, mult: 0, shift: 0, offsetNs: 0n }],
    rows: [otherRow(0), otherRow(1)],
    spinNs: Infinity,
    irqOffNs: Infinity,
    silentNs: Infinity,
  };
  const times: { wasm: number[]; twin: number[] } = { wasm: [], twin: [] };
  for (let round = 0; round <= rounds; round++) {
    const wasm = replayMs(makeWasmEngine(options), records);
    const twin = replayMs(makeTwin(options), records);
    if (round === 0) continue;
    times.wasm.push(wasm);
    times.twin.push(twin);
  }
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  const rate = (ms: number): number => records.length / EVENT_RECORD_SIZE / ms / 1000;
  return {
    wasm: rate(median(times.wasm)),
    twin: rate(median(times.twin)),
    ratio: median(times.twin) / median(times.wasm),
  };
}
