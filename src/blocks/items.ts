import * as L from '../../assembly/layout.ts';
import type { CanonicalEvent, EventPlace } from '../model/event.ts';
import { writeEvent } from '../model/event-record.ts';

/** What statistics know an event's lock, and the code that used it, by; 0n where they do not. */
export interface Label {
  readonly class: bigint;
  readonly site: bigint;
}

export const NO_LABEL: Label = { class: 0n, site: 0n };

const WORDS = L.OUTPUT_SIZE / 4;

/**
 * Events as the engine's collect mode leaves them (assembly/layout.ts, OUTPUT_*), for loops over many of them: fields of event `n` as
 * 32-bit numbers, without an object or a bigint for each.
 */
export class Items {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  count: number;

  /** Over `bytes`, of which the first `count` events are there. */
  constructor(bytes: Uint8Array, count = bytes.length / L.OUTPUT_SIZE) {
    this.bytes = bytes;
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    this.count = count;
  }

  /** Room for so many events. */
  static ofCapacity(events: number): Items {
    return new Items(new Uint8Array(events * L.OUTPUT_SIZE), 0);
  }

  get room(): number {
    return this.bytes.length / L.OUTPUT_SIZE - this.count;
  }

  /** Where in `bytes` an event lies. */
  start(n: number): number {
    return n * L.OUTPUT_SIZE;
  }

  setRecordSize(n: number, size: number): void {
    this.words[this.start(n) / 4 + (L.OUTPUT_RECORD_SIZE >>> 2)] = size;
  }

  /** Appends events `from` to `to` of others. */
  append(items: Items, from: number, to: number): void {
    const part = items.bytes.subarray(from * L.OUTPUT_SIZE, to * L.OUTPUT_SIZE);
    this.bytes.set(part, this.count * L.OUTPUT_SIZE);
    this.count += to - from;
  }

  /** Appends an event that never was a record. */
  push(event: CanonicalEvent, { lane, offset }: EventPlace, label: Label = NO_LABEL): void {
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.count * L.OUTPUT_SIZE);
    writeEvent(view, 0, event);
    view.setBigUint64(L.OUTPUT_POSITION, (BigInt(lane) << 48n) | BigInt(offset), true);
    view.setUint32(L.OUTPUT_RECORD_SIZE, 0, true);
    view.setBigUint64(L.OUTPUT_CLASS, label.class, true);
    view.setBigUint64(L.OUTPUT_SITE, label.site, true);
    this.count++;
  }

  #u32(n: number, field: number): number {
    return this.words[n * WORDS + (field >>> 2)]!;
  }

  #u64(n: number, field: number): bigint {
    return (BigInt(this.#u32(n, field + 4)) << 32n) | BigInt(this.#u32(n, field));
  }

  time(n: number): bigint {
    return this.#u64(n, L.EVENT_TIME);
  }

  /** The latest time of all, which is not the last one's where times run backwards; 0 of none. */
  latest(): bigint {
    let [high, low] = [0, 0];
    for (let n = 0, at = 0; n < this.count; n++, at += WORDS) {
      const upper = this.words[at + 1]!;
      const lower = this.words[at]!;
      if (upper > high || (upper === high && lower > low)) [high, low] = [upper, lower];
    }
    return (BigInt(high) << 32n) | BigInt(low);
  }

  /** Time since the event before as a number: exact where it is below 2^53. */
  delta(n: number): number {
    const at = n * WORDS;
    return (
      (this.words[at + 1]! - this.words[at + 1 - WORDS]!) * 2 ** 32 +
      this.words[at]! -
      this.words[at - WORDS]!
    );
  }

  address(n: number): bigint {
    return this.#u64(n, L.EVENT_ADDRESS);
  }

  value(n: number): bigint {
    return this.#u64(n, L.EVENT_VALUE);
  }

  /** kind | bit << 8 */
  kindAndBit(n: number): number {
    return this.#u32(n, L.EVENT_KIND) & 0xffff;
  }

  kind(n: number): number {
    return this.#u32(n, L.EVENT_KIND) & 0xff;
  }

  cpu(n: number): number {
    return this.#u32(n, L.EVENT_KIND) >>> 16;
  }

  pid(n: number): number {
    return this.#u32(n, L.EVENT_PID) | 0;
  }

  /** flags | type << 16 */
  flagsAndType(n: number): number {
    return this.#u32(n, L.EVENT_FLAGS);
  }

  type(n: number): number {
    return this.#u32(n, L.EVENT_FLAGS) >>> 16;
  }

  /** Where the raw record lies in its lane's window. */
  raw(n: number): number {
    return this.#u32(n, L.EVENT_RAW);
  }

  lane(n: number): number {
    return this.#u32(n, L.OUTPUT_POSITION + 4) >>> 16;
  }

  offset(n: number): number {
    return (this.#u32(n, L.OUTPUT_POSITION + 4) & 0xffff) * 2 ** 32 + this.#u32(n, L.OUTPUT_POSITION);
  }

  recordSize(n: number): number {
    return this.#u32(n, L.OUTPUT_RECORD_SIZE);
  }

  label(n: number): Label {
    return { class: this.#u64(n, L.OUTPUT_CLASS), site: this.#u64(n, L.OUTPUT_SITE) };
  }

  /** Do two events say the same, apart from when and who? */
  isSame(a: number, b: number): boolean {
    const [x, y] = [a * WORDS, b * WORDS];
    const { words } = this;
    return (
      words[x + 2] === words[y + 2] &&
      words[x + 3] === words[y + 3] &&
      words[x + 4] === words[y + 4] &&
      words[x + 5] === words[y + 5] &&
      ((words[x + 6]! ^ words[y + 6]!) & 0xffff) === 0 &&
      words[x + 8] === words[y + 8] &&
      words[x + 12] === words[y + 12] &&
      words[x + 14] === words[y + 14] &&
      words[x + 15] === words[y + 15] &&
      words[x + 16] === words[y + 16] &&
      words[x + 17] === words[y + 17]
    );
  }

  /** A number that such events have in common. */
  hash(n: number): number {
    const at = n * WORDS;
    const { words } = this;
    let hash = Math.imul(words[at + 2]! ^ Math.imul(words[at + 3]!, 0x85ebca6b), 0x9e3779b1);
    hash = Math.imul(hash ^ words[at + 4]! ^ Math.imul(words[at + 5]!, 0xc2b2ae35), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15) ^ (words[at + 6]! & 0xffff), 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 13) ^ words[at + 8]! ^ (words[at + 12]! << 7), 0xc2b2ae35);
    hash = Math.imul(hash ^ words[at + 14]! ^ words[at + 16]!, 0x85ebca6b);
    return (hash ^ (hash >>> 16)) >>> 0;
  }
}
