// Blocks of a .spin container -> pending event of a lane. The events of all lanes come merged, and what they say comes as
// numbers of a table, so an event costs one load of bits, and no comparison with other lanes. Layout: layout.ts, BLOCK_*.
//
// Raw loads never trap inside linear memory, so every size, count and number is checked here before it is used. A block is
// checksummed in the file: what fails here was written wrong. It counts as a bad page, and the rest of it is left out.

import {
  BLOCK_EVENTS,
  BLOCK_EVENT_LIMIT,
  BLOCK_EXCEPTION_BYTES,
  BLOCK_HEADER,
  BLOCK_LABELS,
  BLOCK_LANES,
  DUE_BACKWARDS,
  DUE_BAD_EVENTS,
  DUE_BAD_PAGES,
  DUE_COUNT_BITS,
  DUE_EVENTS,
  DUE_FIRST_BAD,
  DUE_PAGES,
  DUE_POSITION,
  DUE_SIZE,
  BLOCK_NUMBER_BITS_LIMIT,
  BLOCK_OFFSET_BITS,
  BLOCK_SHAPES,
  BLOCK_STRANDS,
  BLOCK_STRAND_BITS,
  BLOCK_TIME,
  BLOCK_TIME_BITS,
  BLOCK_TIME_BITS_LIMIT,
  BLOCK_TOKENS,
  BLOCK_TOKEN_BITS,
  BLOCK_TOKEN_BYTES,
  BLOCK_WORD_BITS_LIMIT,
  BLOCK_WORD_BYTES,
  EVENT_ADDRESS,
  EVENT_FLAGS,
  EVENT_KIND,
  EVENT_TIME,
  EVENT_VALUE,
  EXCEPTION_PID,
  EXCEPTION_POSITION,
  EXCEPTION_TIME,
  HEAD_LANES,
  HEAD_LANE_COUNT,
  ITEM_LIMIT,
  LABEL_SIZE,
  TABLE_ITEM_SIZE,
  LANE_BACKWARDS,
  LANE_BAD_EVENTS,
  LANE_BAD_PAGES,
  LANE_CAPACITY,
  LANE_CURSOR,
  LANE_EVENTS,
  LANE_FILLED,
  LANE_FIRST_BAD,
  LANE_NEXT_TIME,
  LANE_PAGE,
  LANE_PAGES,
  LANE_PAGE_END,
  LANE_RECORD,
  LANE_SIZE,
  LANE_WINDOW,
  OUTPUT_POSITION,
  SHAPE_FLAGS,
  SHAPE_KIND,
  SHAPE_SIZE,
  SHAPE_STEP,
  SHAPE_TYPE,
  STATE,
  STRAND_ADDRESS,
  STRAND_HEAD,
  STRAND_LANE,
  STRAND_SIZE,
  TABLE_BROKEN,
  TABLE_CURSOR,
  TABLE_END,
  TABLE_EVENTS,
  TABLE_EXCEPTION,
  TABLE_ITEMS,
  TABLE_LANES,
  TABLE_NEXT,
  TABLE_STRANDS,
  TABLE_TIME,
  TABLE_TOKENS,
  TABLE_WORDS,
  TOKEN_SIZE,
} from '../layout';
import { OFFSET_MASK } from './pages';

// No event has this number.
const NEVER: u32 = 0xffffffff;
const OFFSET_LIMIT: u64 = 1 << BLOCK_OFFSET_BITS;
const COUNT_LIMIT: u64 = 1 << DUE_COUNT_BITS;
// Where a token keeps the two words that become an event's last 16 bytes.
const TOKEN_KIND: usize = 16;
const TOKEN_FLAGS: usize = 24;
const TOKEN_RAW: usize = 28;
const KIND_AND_BIT: u64 = 0xffff;
const STEP_SHIFT: u64 = 16;

/** Makes the next event pending; false when the lane is dry. */
export function advanceBlocks(lane: usize): bool {
  let item: usize = load<u32>(lane, LANE_CURSOR);
  if (item == load<u32>(lane, LANE_PAGE_END)) {
    item = nextItems(lane);
    if (!item) return false;
  }
  store<u32>(lane, u32(item), LANE_RECORD);
  store<u32>(lane, u32(item) + TABLE_ITEM_SIZE, LANE_CURSOR);
  store<u64>(lane, load<u64>(item, EVENT_TIME), LANE_NEXT_TIME);
  return true;
}

/** Decodes the next events of the window's block. Their address, 0 when there are no more. */
function nextItems(lane: usize): usize {
  const block: usize = load<u32>(lane, LANE_WINDOW);
  const table = block + load<u32>(lane, LANE_CAPACITY);
  if (!load<u32>(lane, LANE_PAGE)) {
    if (!load<u32>(lane, LANE_FILLED)) return 0;
    store<u32>(lane, u32(block), LANE_PAGE);
    memory.fill(table, 0, TABLE_TOKENS);
    if (!openBlock(block, table, load<u32>(lane, LANE_FILLED))) store<u32>(table, 1, TABLE_BROKEN);
  }
  const items = table + TABLE_ITEMS;
  const end = load<u32>(table, TABLE_BROKEN) ? items : decodeItems(block, table, items);
  if (load<u32>(table, TABLE_BROKEN) && load<u32>(table, TABLE_NEXT) != NEVER) {
    // Once: the block ends here.
    store<u32>(table, NEVER, TABLE_NEXT);
    add(lane + LANE_BAD_PAGES, 1);
  }
  store<u32>(lane, u32(end), LANE_PAGE_END);
  if (end == items) {
    store<u32>(lane, u32(end), LANE_CURSOR);
    return 0;
  }
  return items;
}

/** Checks a block of `filled` bytes and makes its tables. False: it cannot be one. */
function openBlock(block: usize, table: usize, filled: u32): bool {
  if (filled < u32(BLOCK_HEADER)) return false;
  const events = load<u32>(block, BLOCK_EVENTS);
  const lanes = load<u32>(block, BLOCK_LANES);
  const strands = load<u32>(block, BLOCK_STRANDS);
  const shapes = load<u32>(block, BLOCK_SHAPES);
  const labels = load<u32>(block, BLOCK_LABELS);
  const tokens = load<u32>(block, BLOCK_TOKENS);
  if (events > u32(BLOCK_EVENT_LIMIT) || tokens > u32(BLOCK_EVENT_LIMIT)) return false;
  const lanesAt = u64(BLOCK_HEADER);
  const strandsAt = lanesAt + u64(lanes) * DUE_SIZE;
  const shapesAt = strandsAt + u64(strands) * STRAND_SIZE;
  const labelsAt = shapesAt + u64(shapes) * SHAPE_SIZE;
  const tokensAt = labelsAt + u64(labels) * LABEL_SIZE;
  const exceptionsAt = tokensAt + u64(load<u32>(block, BLOCK_TOKEN_BYTES));
  const wordsAt = exceptionsAt + u64(load<u32>(block, BLOCK_EXCEPTION_BYTES));
  const wordBytes = u64(load<u32>(block, BLOCK_WORD_BYTES));
  const bits = u64(wordBits(block));
  if (wordsAt + wordBytes > u64(filled) || !bitsFit(block)) return false;
  if (((u64(events) * bits + 7) >> 3) + 8 > wordBytes) return false;
  store<u32>(table, events, TABLE_EVENTS);
  store<u32>(table, u32(block + usize(lanesAt)), TABLE_LANES);
  store<u32>(table, u32(block + usize(strandsAt)), TABLE_STRANDS);
  store<u32>(table, u32(block + usize(wordsAt)), TABLE_WORDS);
  store<u64>(table, load<u64>(block, BLOCK_TIME), TABLE_TIME);
  store<u32>(table, u32(block + usize(tokensAt)), TABLE_CURSOR);
  store<u32>(table, u32(block + usize(exceptionsAt)), TABLE_END);
  if (!openTokens(table, block + usize(shapesAt), shapes, tokens)) return false;
  if (!openLabels(table, block + usize(labelsAt), labels, tokens)) return false;
  if (!openStrands(table, strands, lanes) || !openLanes(table, lanes)) return false;
  store<u32>(table, u32(block + usize(exceptionsAt)), TABLE_CURSOR);
  store<u32>(table, u32(block + usize(wordsAt)), TABLE_END);
  nextException(table, 0);
  return true;
}

function bitsFit(block: usize): bool {
  return (
    i32(load<u8>(block, BLOCK_TIME_BITS)) <= BLOCK_TIME_BITS_LIMIT &&
    i32(load<u8>(block, BLOCK_STRAND_BITS)) <= BLOCK_NUMBER_BITS_LIMIT &&
    i32(load<u8>(block, BLOCK_TOKEN_BITS)) <= BLOCK_NUMBER_BITS_LIMIT &&
    wordBits(block) <= u32(BLOCK_WORD_BITS_LIMIT)
  );
}

function wordBits(block: usize): u32 {
  return (
    u32(load<u8>(block, BLOCK_TIME_BITS)) +
    u32(load<u8>(block, BLOCK_STRAND_BITS)) +
    u32(load<u8>(block, BLOCK_TOKEN_BITS))
  );
}

/** The numbers of the tokens' labels, where there are labels. Tokens keep their addresses. */
function openLabels(table: usize, labels: usize, labelCount: u32, count: u32): bool {
  if (!labelCount) return true;
  const tokens = table + TABLE_TOKENS;
  const end = tokens + usize(count) * TOKEN_SIZE;
  for (let token = tokens; token < end; token += TOKEN_SIZE) {
    const number = varint(table);
    if (number > u64(labelCount)) return false;
    if (number) store<u32>(token, u32(labels + usize(number - 1) * LABEL_SIZE), TOKEN_RAW);
  }
  return !load<u32>(table, TABLE_BROKEN);
}

/** The tokens' shapes, then their addresses, each as the difference to the one before, then their values. */
function openTokens(table: usize, shapes: usize, shapeCount: u32, count: u32): bool {
  const tokens = table + TABLE_TOKENS;
  const end = tokens + usize(count) * TOKEN_SIZE;
  for (let token = tokens; token < end; token += TOKEN_SIZE) {
    const number = varint(table);
    if (number >= u64(shapeCount)) return false;
    const shape = shapes + usize(number) * SHAPE_SIZE;
    const step = u64(load<u16>(shape, SHAPE_STEP)) << STEP_SHIFT;
    store<u64>(token, u64(load<u16>(shape, SHAPE_KIND)) | step, TOKEN_KIND);
    const type = u64(load<u16>(shape, SHAPE_TYPE)) << 16;
    store<u64>(token, u64(load<u16>(shape, SHAPE_FLAGS)) | type, TOKEN_FLAGS);
  }
  let address: u64 = 0;
  for (let token = tokens; token < end; token += TOKEN_SIZE) {
    address += signed(varint(table));
    store<u64>(token, address);
  }
  for (let token = tokens; token < end; token += TOKEN_SIZE) store<u64>(token, varint(table), 8);
  return !load<u32>(table, TABLE_BROKEN);
}

/** Takes over what reading each lane of the original came upon. */
function openLanes(table: usize, count: u32): bool {
  const first: usize = load<u32>(table, TABLE_LANES);
  const end = first + usize(count) * DUE_SIZE;
  for (let entry = first; entry < end; entry += DUE_SIZE) {
    const position = load<u64>(entry, DUE_POSITION);
    if (position >> 48 >= u64(load<u32>(STATE, HEAD_LANE_COUNT))) return false;
    if ((position & OFFSET_MASK) >= OFFSET_LIMIT) return false;
    if (load<u64>(entry, DUE_EVENTS) >= OFFSET_LIMIT) return false;
    if (load<u64>(entry, DUE_FIRST_BAD) >= OFFSET_LIMIT) return false;
  }
  for (let entry = first; entry < end; entry += DUE_SIZE) {
    const number = usize(load<u64>(entry, DUE_POSITION) >> 48);
    const lane = load<usize>(STATE, HEAD_LANES) + number * LANE_SIZE;
    if (!canCount(lane, entry)) return false;
    const wasGood = !(load<u32>(lane, LANE_BAD_PAGES) + load<u32>(lane, LANE_BAD_EVENTS));
    if (wasGood) store<u64>(lane, load<u64>(entry, DUE_FIRST_BAD), LANE_FIRST_BAD);
    store<u64>(lane, load<u64>(lane, LANE_EVENTS) + load<u64>(entry, DUE_EVENTS), LANE_EVENTS);
    add(lane + LANE_PAGES, load<u32>(entry, DUE_PAGES));
    add(lane + LANE_BAD_PAGES, load<u32>(entry, DUE_BAD_PAGES));
    add(lane + LANE_BAD_EVENTS, load<u32>(entry, DUE_BAD_EVENTS));
    add(lane + LANE_BACKWARDS, load<u32>(entry, DUE_BACKWARDS));
  }
  return true;
}

/** Can a lane have met what this entry says as well? Damage must not add up to none. */
function canCount(lane: usize, entry: usize): bool {
  return (
    load<u64>(lane, LANE_EVENTS) + load<u64>(entry, DUE_EVENTS) < OFFSET_LIMIT &&
    isCount(lane + LANE_PAGES, entry + DUE_PAGES) &&
    isCount(lane + LANE_BAD_PAGES, entry + DUE_BAD_PAGES) &&
    isCount(lane + LANE_BAD_EVENTS, entry + DUE_BAD_EVENTS) &&
    isCount(lane + LANE_BACKWARDS, entry + DUE_BACKWARDS)
  );
}

function isCount(at: usize, more: usize): bool {
  return u64(load<u32>(at)) + u64(load<u32>(more)) < COUNT_LIMIT;
}

function add(at: usize, more: u32): void {
  store<u32>(at, load<u32>(at) + more);
}

function openStrands(table: usize, count: u32, lanes: u32): bool {
  const first: usize = load<u32>(table, TABLE_STRANDS);
  const end = first + usize(count) * STRAND_SIZE;
  for (let strand = first; strand < end; strand += STRAND_SIZE) {
    const lane = load<u32>(strand, STRAND_LANE);
    if (lane >= lanes) return false;
    store<u16>(strand, 0, STRAND_HEAD);
    store<u32>(strand, load<u32>(table, TABLE_LANES) + lane * DUE_SIZE, STRAND_ADDRESS);
  }
  return true;
}

/** Decodes events to `items` until the room or the block is used up. Returns the end of what it wrote. */
function decodeItems(block: usize, table: usize, items: usize): usize {
  let n = load<u32>(table, TABLE_NEXT);
  const stop = min<u32>(load<u32>(table, TABLE_EVENTS), n + ITEM_LIMIT);
  let item = items;
  while (n < stop) {
    while (load<u32>(table, TABLE_EXCEPTION) == n) applyException(block, table, n);
    if (load<u32>(table, TABLE_BROKEN)) break;
    const until = min<u32>(stop, load<u32>(table, TABLE_EXCEPTION));
    item = decodeRun(block, table, item, n, until);
    n = until;
  }
  store<u32>(table, n, TABLE_NEXT);
  return item;
}

/** Decodes events `n` to `until`, none of which has an exception. */
function decodeRun(block: usize, table: usize, items: usize, n: u32, until: u32): usize {
  const timeBits = u64(load<u8>(block, BLOCK_TIME_BITS));
  const strandBits = u64(load<u8>(block, BLOCK_STRAND_BITS));
  const tokenBits = u64(load<u8>(block, BLOCK_TOKEN_BITS));
  const tokenShift = timeBits + strandBits;
  const one: u64 = 1;
  const timeMask = (one << timeBits) - 1;
  const strandMask = (one << strandBits) - 1;
  const tokenMask = (one << tokenBits) - 1;
  const strandCount = u64(load<u32>(block, BLOCK_STRANDS));
  const tokenCount = u64(load<u32>(block, BLOCK_TOKENS));
  const strands: usize = load<u32>(table, TABLE_STRANDS);
  const words: usize = load<u32>(table, TABLE_WORDS);
  const width = wordBits(block);
  let time = load<u64>(table, TABLE_TIME);
  let item = items;
  const end = items + usize(until - n) * TABLE_ITEM_SIZE;
  for (let bit = n * width; item < end; bit += width) {
    const word = load<u64>(words + usize(bit >> 3)) >> u64(bit & 7);
    const strandNumber = (word >> timeBits) & strandMask;
    const tokenNumber = (word >> tokenShift) & tokenMask;
    if (strandNumber >= strandCount || tokenNumber >= tokenCount) {
      store<u32>(table, 1, TABLE_BROKEN);
      break;
    }
    const strand = strands + usize(strandNumber) * STRAND_SIZE;
    const token = table + TABLE_TOKENS + usize(tokenNumber) * TOKEN_SIZE;
    const lane: usize = load<u32>(strand, STRAND_ADDRESS);
    const kind = load<u64>(token, TOKEN_KIND);
    const position = load<u64>(lane, DUE_POSITION);
    time += word & timeMask;
    store<u64>(item, time, EVENT_TIME);
    store<u64>(item, load<u64>(token), EVENT_ADDRESS);
    store<u64>(item, load<u64>(token, 8), EVENT_VALUE);
    store<u64>(item, (kind & KIND_AND_BIT) | load<u64>(strand, STRAND_HEAD), EVENT_KIND);
    store<u64>(item, load<u64>(token, TOKEN_FLAGS), EVENT_FLAGS);
    store<u64>(item, position, OUTPUT_POSITION);
    store<u64>(lane, position + (kind >> STEP_SHIFT), DUE_POSITION);
    item += TABLE_ITEM_SIZE;
  }
  store<u64>(table, time, TABLE_TIME);
  return item;
}

/** Finds the event of the next exception, the last one being at `n`: an event of the block, from `n` on. */
function nextException(table: usize, n: u32): void {
  let next = NEVER;
  if (load<u32>(table, TABLE_CURSOR) != load<u32>(table, TABLE_END)) {
    const more = varint(table);
    if (more < u64(load<u32>(table, TABLE_EVENTS) - n)) next = n + u32(more);
    else store<u32>(table, 1, TABLE_BROKEN);
  }
  store<u32>(table, next, TABLE_EXCEPTION);
}

function applyException(block: usize, table: usize, n: u32): void {
  const code = varint(table);
  const amount = signed(varint(table));
  const what = code & 3;
  const place = code >> 2;
  if (what == EXCEPTION_TIME) {
    store<u64>(table, load<u64>(table, TABLE_TIME) + amount, TABLE_TIME);
  } else if (what == EXCEPTION_PID && place < u64(load<u32>(block, BLOCK_STRANDS))) {
    const strand = usize(load<u32>(table, TABLE_STRANDS)) + usize(place) * STRAND_SIZE;
    store<u32>(strand, u32(amount), STRAND_HEAD + 4);
  } else if (what == EXCEPTION_POSITION && place < u64(load<u32>(block, BLOCK_LANES))) {
    const lane = usize(load<u32>(table, TABLE_LANES)) + usize(place) * DUE_SIZE;
    const position = load<u64>(lane, DUE_POSITION);
    const offset = (position & OFFSET_MASK) + amount;
    if (offset >= OFFSET_LIMIT) store<u32>(table, 1, TABLE_BROKEN);
    else store<u64>(lane, (position & ~OFFSET_MASK) | offset, DUE_POSITION);
  } else store<u32>(table, 1, TABLE_BROKEN);
  nextException(table, n);
}

function signed(zigzag: u64): u64 {
  return (zigzag >> 1) ^ (0 - (zigzag & 1));
}

/** The number at the table's cursor; where there is none, the table is broken. */
function varint(table: usize): u64 {
  let at: usize = load<u32>(table, TABLE_CURSOR);
  const end: usize = load<u32>(table, TABLE_END);
  let value: u64 = 0;
  for (let shift: u64 = 0; shift < 64 && at < end; shift += 7) {
    const byte = u64(load<u8>(at++));
    value |= (byte & 127) << shift;
    if (byte < 128) {
      store<u32>(table, u32(at), TABLE_CURSOR);
      return value;
    }
  }
  // Nothing can be read behind it either.
  store<u32>(table, u32(end), TABLE_CURSOR);
  store<u32>(table, 1, TABLE_BROKEN);
  return 0;
}
