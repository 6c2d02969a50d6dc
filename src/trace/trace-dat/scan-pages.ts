import { readRange } from '../../io/bytes.ts';
import type { ByteSource } from '../../io/source.ts';
import type { PageLayout } from '../capture.ts';
import { MOST_CPUS } from './contents.ts';
import type { FoundLane, FoundLanes } from './found-cpus.ts';
import { isPageHeader, pageRecords, timeOf, trimPage } from './page.ts';
import { nextPage } from './scan-chunks.ts';

const BLOCK = 2 ** 20;

/**
 * Finds the CPUs' data between `from` and `end` in a file without compression: pages, one CPU's behind the other's, from the
 * first multiple of the page size on. `counts` are the events that the recorder says it recorded on each CPU with data, in
 * order. A CPU ends where it has that many. Where the counts are missing or do not fit (the recorder takes them while it
 * is still reading), a CPU ends where the time of pages runs backwards; two CPUs whose times happen to follow
 * each other would then be taken for one. A page whose header cannot be ends the search.
 */
export function scanPages(
  source: ByteSource,
  layout: PageLayout,
  from: number,
  end: number,
  counts: readonly number[] | null,
): FoundLanes {
  const { pageSize } = layout;
  const pages = new PageReader(source, layout, end);
  const lanes: FoundLane[] = [];
  let isNumbered = counts !== null;
  let at = nextPage(from, pageSize);
  while (lanes.length < MOST_CPUS && pages.at(at) !== null) {
    const lane = byCount(at) ?? byTime(at);
    lanes.push(lane);
    at = lane.at + lane.size;
  }
  const isStrange = at < end && !pages.endsWithin(at);
  return { lanes, strangeAt: isStrange ? at : null, isNumbered };

  /** The lane that begins here by its number of events, null when that does not fit. */
  function byCount(start: number): FoundLane | null {
    const expected = isNumbered ? counts?.[lanes.length] : undefined;
    let events = 0;
    let last = 0n;
    let runsBackwards = false;
    let next = start;
    if (expected !== undefined) {
      for (let page = pages.at(next); page !== null; page = pages.at(next)) {
        const time = timeOf(page, layout);
        const count = eventsOf(page, layout);
        // Behind the last event only pages without any may follow.
        if (events >= expected && (count > 0 || time < last)) break;
        runsBackwards ||= time < last;
        last = time;
        events += count;
        next += pageSize;
      }
      if (events <= expected && !runsBackwards) return laneUpTo(start, next, events === expected);
    }
    isNumbered = false;
    return null;
  }

  /** The lane that begins here, up to where time runs backwards. */
  function byTime(start: number): FoundLane {
    let last = 0n;
    let next = start;
    for (let page = pages.at(next); page !== null && timeOf(page, layout) >= last; page = pages.at(next)) {
      last = timeOf(page, layout);
      next += pageSize;
    }
    // With numbers of events that do not fit, who knows whether this is all.
    return laneUpTo(start, next, counts === null && pages.at(next) !== null);
  }

  function laneUpTo(start: number, next: number, isComplete: boolean): FoundLane {
    return { at: start, size: Math.min(next, end) - start, isWhole: isComplete && next <= end };
  }
}

function eventsOf(page: Uint8Array, layout: PageLayout): number {
  let count = 0;
  for (const _ of pageRecords(page, layout)) count++;
  return count;
}

/** Pages by their place, read a block at a time. */
class PageReader {
  readonly #source: ByteSource;
  readonly #layout: PageLayout;
  readonly #end: number;
  #block = new Uint8Array(0);
  #blockAt = 0;

  constructor(source: ByteSource, layout: PageLayout, end: number) {
    this.#source = source;
    this.#layout = layout;
    this.#end = end;
  }

  /** The page at `at`; of the last one what is there, the rest empty. null when no page can be there. */
  at(at: number): Uint8Array | null {
    const { pageSize } = this.#layout;
    const size = Math.min(pageSize, this.#end - at);
    if (size <= this.#layout.dataAt) return null;
    if (at < this.#blockAt || at + size > this.#blockAt + this.#block.byteLength) {
      const wanted = Math.min(Math.max(BLOCK, pageSize), this.#end - at);
      this.#block = readRange(this.#source, at, wanted) as Uint8Array<ArrayBuffer>;
      this.#blockAt = at;
    }
    const page = this.#block.subarray(at - this.#blockAt, at - this.#blockAt + size);
    if (page.byteLength < size || !isPageHeader(page, this.#layout)) return null;
    if (size === pageSize) return page;
    const whole = new Uint8Array(pageSize);
    whole.set(page);
    trimPage(whole, this.#layout, size);
    return whole;
  }

  /** Is what lies from `at` on too little for a page's header? */
  endsWithin(at: number): boolean {
    return this.#end - at <= this.#layout.dataAt;
  }
}
