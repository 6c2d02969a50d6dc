import type { ClockConversion, Lane, PageLayout } from '../capture.ts';
import type { CpuLoss } from './cpu-stat.ts';
import type { LaneBytes } from './lane-bytes.ts';
import { pageRecords, trimPage, type PageRecord } from './page.ts';

export interface LaneFacts {
  readonly cpu: number;
  readonly layout: PageLayout;
  readonly clock: ClockConversion;
  /** What the recorder says about losses, null when it says nothing. */
  readonly loss: CpuLoss | null;
  /** The file ends before the lane does. */
  readonly cut: boolean;
  /** Hears of a last page of which only a part is there. */
  readonly onPartialPage: () => void;
}

/** One CPU's sub-buffer pages in a trace.dat. */
export class DatLane implements Lane {
  readonly cpu: number;
  readonly input: Lane['input'];
  readonly clock: ClockConversion;
  readonly lost: number | null;
  readonly bytes: LaneBytes;
  readonly #facts: LaneFacts;
  #partial = false;
  #ended = false;

  constructor(bytes: LaneBytes, facts: LaneFacts) {
    this.bytes = bytes;
    this.cpu = facts.cpu;
    this.clock = facts.clock;
    this.input = { kind: 'pages', layout: facts.layout };
    this.lost = facts.loss?.lost ?? null;
    this.#facts = facts;
  }

  get size(): number | null {
    const { size } = this.bytes;
    if (size === null) return null;
    const { pageSize, dataAt } = this.#facts.layout;
    const rest = size % pageSize;
    return size - rest + (rest > dataAt ? pageSize : 0);
  }

  get lostTail(): boolean {
    const { loss, cut } = this.#facts;
    return (loss !== null && loss.dropped > 0) || cut || this.#partial || this.bytes.endedEarly;
  }

  /** Delivers whole pages. Of a last page that is cut, the events that are there whole. `target` must hold a page. */
  read(target: Uint8Array): number {
    const { layout, cut, onPartialPage } = this.#facts;
    const { pageSize, dataAt } = layout;
    const room = target.byteLength - (target.byteLength % pageSize);
    if (room === 0) throw new RangeError(`a page has ${pageSize} bytes, the target ${target.byteLength}`);
    if (this.#ended) return 0;
    const got = this.bytes.next(target.subarray(0, room));
    if (got === room) return room;
    this.#ended = true;
    const rest = got % pageSize;
    if (rest === 0) return got;
    this.#partial = true;
    if (!cut && !this.bytes.endedEarly) onPartialPage();
    const whole = got - rest;
    if (rest <= dataAt) return whole;
    trimPage(target.subarray(whole, whole + pageSize), layout, rest);
    return whole + pageSize;
  }

  /** The bytes of the record whose data begins at this offset of the lane; null when no record begins there. */
  record(offset: number): Uint8Array | null {
    const { layout } = this.#facts;
    const { pageSize, dataAt } = layout;
    if (!Number.isSafeInteger(offset) || offset < 0) return null;
    const inPage = offset % pageSize;
    const page = new Uint8Array(pageSize);
    const got = this.bytes.at(offset - inPage, page);
    if (got <= dataAt) return null;
    if (got < pageSize) trimPage(page, layout, got);
    for (const { at, end } of recordsUpTo(page, layout, inPage))
      if (at === inPage) return page.subarray(at, end);
    return null;
  }
}

function* recordsUpTo(page: Uint8Array, layout: PageLayout, last: number): Generator<PageRecord> {
  for (const record of pageRecords(page, layout)) {
    if (record.at > last) return;
    yield record;
  }
}
