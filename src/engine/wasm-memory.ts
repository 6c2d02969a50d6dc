import * as L from '../../assembly/layout.ts';
import type { Mark } from '../model/state.ts';

/**
 * Views over linear memory that survive its growth. Growing detaches the buffer, which leaves views of it without length: that is looked
 * at, as asking the memory for its buffer is a call out of JavaScript, for every number that is read. Nobody else keeps a view.
 */
export class WasmMemory {
  readonly #memory: WebAssembly.Memory;
  #view!: DataView;
  #bytes = new Uint8Array(0);
  #words!: Uint32Array;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  get view(): DataView {
    if (this.#bytes.length === 0) this.#renew();
    return this.#view;
  }

  get bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#renew();
    return this.#bytes;
  }

  /** Linear memory as 32-bit words, for loops over tables: index = address / 4. */
  get words(): Uint32Array {
    if (this.#bytes.length === 0) this.#renew();
    return this.#words;
  }

  #renew(): void {
    const { buffer } = this.#memory;
    this.#view = new DataView(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
  }

  u8(at: number): number {
    return this.view.getUint8(at);
  }

  u16(at: number): number {
    return this.view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  i32(at: number): number {
    return this.view.getInt32(at, true);
  }

  u64(at: number): bigint {
    return this.view.getBigUint64(at, true);
  }

  /** A 64-bit number as far as a double holds it: exact below 2^53. */
  u53(at: number): number {
    return this.u32(at) + this.u32(at + 4) * 2 ** 32;
  }

  setU8(at: number, value: number): void {
    this.view.setUint8(at, value);
  }

  setU16(at: number, value: number): void {
    this.view.setUint16(at, value, true);
  }

  setU32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  setU64(at: number, value: bigint): void {
    this.view.setBigUint64(at, BigInt.asUintN(64, value), true);
  }

  /** The mark at `at`, null where there is none. */
  mark(at: number): Mark | null {
    // Marks are read by the thousand: the view is asked for once.
    const { view } = this;
    const time = view.getBigUint64(at + L.MARK_TIME, true);
    const kind = view.getUint8(at + L.MARK_KIND);
    if (time === 0n && kind === L.KIND_OTHER) return null;
    return {
      time,
      ...placeOf(view.getBigUint64(at + L.MARK_POSITION, true)),
      value: view.getBigUint64(at + L.MARK_VALUE, true),
      pid: view.getInt32(at + L.MARK_PID, true),
      cpu: view.getUint16(at + L.MARK_CPU, true),
      flags: view.getUint16(at + L.MARK_FLAGS, true),
      kind,
      bit: view.getUint8(at + L.MARK_BIT),
      type: view.getUint16(at + L.MARK_TYPE, true),
    };
  }
}

/** lane << 48 | byte offset, the way the engine keeps an event's place. */
export function placeOf(position: bigint): { lane: number; offset: number } {
  return { lane: Number(position >> 48n), offset: Number(position & 0xffff_ffff_ffffn) };
}
