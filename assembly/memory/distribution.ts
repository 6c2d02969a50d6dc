// A log-linear histogram (histogram.ts) that takes memory for what it holds: buckets come in rows of one power of two, made when a value
// first falls there. It also remembers its longest value: the event that ended it, and the lock.
//
//    0         8         16        24        32           72          80
//    | count   | sum     | min     | max     | longest mark | address | rows u32 ... -> 2^bits x u32 each

import {
  COUNTER_UNTRACKED_SPANS,
  DISTRIBUTION_ADDRESS,
  DISTRIBUTION_COUNT,
  DISTRIBUTION_LONGEST,
  DISTRIBUTION_MAX,
  DISTRIBUTION_MIN,
  DISTRIBUTION_ROWS,
  DISTRIBUTION_SUM,
  DUE_BUCKETS,
  HEAD_BUCKET_SLAB,
  HEAD_DISTRIBUTION_SLAB,
  HEAD_DUE,
  HEAD_DUE_COUNT,
  HEAD_BUCKETS,
  HEAD_HIST_BITS,
  STATE,
} from '../layout';
import { count } from './counters';
import { takeSlot } from './heap';
import { bucketOf } from './histogram';
import { setMark } from './mark';

/** An empty distribution, or 0 when memory is full. */
function makeDistribution(): usize {
  const bits = load<u32>(STATE, HEAD_HIST_BITS);
  // Nothing is given back, so the link of the free list may lie anywhere.
  const made = takeSlot(STATE + HEAD_DISTRIBUTION_SLAB, DISTRIBUTION_ROWS + ((65 - bits) << 2), 0);
  if (made) store<u64>(made, u64.MAX_VALUE, DISTRIBUTION_MIN);
  return made;
}

/** Records a value in the distribution whose address is kept at `at`. `event` ended it; `address` is its lock's. */
export function addTo(at: usize, value: u64, event: usize, address: u64): void {
  let spans: usize = load<u32>(at);
  if (!spans) {
    spans = makeDistribution();
    store<u32>(at, u32(spans));
  }
  const bucket = spans ? bucketIn(spans, value) : 0;
  if (!bucket) {
    count(COUNTER_UNTRACKED_SPANS);
    return;
  }
  raise(bucket);
  store<u64>(spans, load<u64>(spans, DISTRIBUTION_COUNT) + 1, DISTRIBUTION_COUNT);
  store<u64>(spans, load<u64>(spans, DISTRIBUTION_SUM) + value, DISTRIBUTION_SUM);
  if (value < load<u64>(spans, DISTRIBUTION_MIN)) store<u64>(spans, value, DISTRIBUTION_MIN);
  if (value > load<u64>(spans, DISTRIBUTION_MAX) || load<u64>(spans, DISTRIBUTION_COUNT) == 1) {
    store<u64>(spans, value, DISTRIBUTION_MAX);
    store<u64>(spans, address, DISTRIBUTION_ADDRESS);
    setMark(spans + DISTRIBUTION_LONGEST, event);
  }
}

/**
 * Adds 1 to a bucket, some time before anybody looks at it. Distributions are more than a cache holds, and a bucket is seldom there; of
 * many that are raised together the misses overlap.
 */
function raise(bucket: usize): void {
  const due = load<u32>(STATE, HEAD_DUE_COUNT);
  store<u32>(usize(STATE) + (usize(due) << 2), u32(bucket), HEAD_DUE);
  store<u32>(STATE, due + 1, HEAD_DUE_COUNT);
  if (due + 1 == DUE_BUCKETS) raiseDue();
}

function raiseDue(): void {
  const end = usize(STATE) + HEAD_DUE + (usize(load<u32>(STATE, HEAD_DUE_COUNT)) << 2);
  for (let at: usize = STATE + HEAD_DUE; at < end; at += 4) {
    const bucket: usize = load<u32>(at);
    const times = load<u32>(bucket);
    if (times == u32.MAX_VALUE) count(COUNTER_UNTRACKED_SPANS);
    else store<u32>(bucket, times + 1);
  }
  store<u32>(STATE, 0, HEAD_DUE_COUNT);
}

/** Writes the numbers of the buckets that are not empty to HEAD_BUCKETS, and their counts behind the room for those. Returns how many. */
export function listBuckets(spans: usize): u32 {
  raiseDue();
  const bits = load<u32>(STATE, HEAD_HIST_BITS);
  const first: usize = load<u32>(STATE, HEAD_BUCKETS);
  const room = usize(65 - bits) << (bits + 2);
  let at = first;
  for (let row: u32 = 0; row < 65 - bits; row++) {
    const buckets: usize = load<u32>(spans + DISTRIBUTION_ROWS + (usize(row) << 2));
    if (!buckets) continue;
    for (let n: u32 = 0; n < u32(1) << bits; n++) {
      const times = load<u32>(buckets + (usize(n) << 2));
      if (!times) continue;
      store<u32>(at, (row << bits) + n);
      store<u32>(at + room, times);
      at += 4;
    }
  }
  return u32(at - first) >> 2;
}

/** The bucket of a value; 0 when there is no memory for its row. */
function bucketIn(spans: usize, value: u64): usize {
  const bits = load<u32>(STATE, HEAD_HIST_BITS);
  const index = bucketOf(value, bits);
  const row = spans + DISTRIBUTION_ROWS + (usize(index >> bits) << 2);
  let buckets: usize = load<u32>(row);
  if (!buckets) {
    buckets = takeSlot(STATE + HEAD_BUCKET_SLAB, u32(4) << bits, 0);
    if (!buckets) return 0;
    store<u32>(row, u32(buckets));
  }
  return buckets + (usize(index & ((1 << bits) - 1)) << 2);
}
