// A raw record + the decode row of its type -> canonical event. Rows are compiled by src/mapping from the capture's own
// `format` texts, so no offset or size is assumed here but the record's common header:
//
//    0     2    3             4
//    |type |flags|preempt count| pid i32 |
//
// flags (enum trace_flag_type, include/linux/trace_events.h, Linux 6.12): 0x01 irqs off, 0x08 hardirq,
// 0x10 softirq, 0x40 NMI; 0x02 meant "cannot tell" on architectures without irq flags tracing and means lazy rescheduling in
// later kernels, so it is not looked at. The preempt count's low half is the preempt depth.

import {
  EVENT_ADDRESS,
  EVENT_FLAGS,
  EVENT_KIND,
  EVENT_TIME,
  EVENT_VALUE,
  FLAG_IRQS_OFF,
  FLAG_PREEMPT_OFF,
  HEAD_ROWS,
  HEAD_ROW_INDEX,
  KIND_OTHER,
  LANE_CPU,
  LANE_NEXT_TIME,
  LANE_RECORD,
  LANE_RECORD_SIZE,
  LANE_WINDOW,
  ROW_ADDRESS_AT,
  ROW_ADDRESS_SIZE,
  ROW_AUX_AT,
  ROW_AUX_FLAGS,
  ROW_AUX_SIZE,
  ROW_BIT_AT,
  ROW_BIT_SIZE,
  ROW_FLAGS,
  ROW_HIGH_AT,
  ROW_HIGH_SIZE,
  ROW_KIND,
  ROW_MIN_SIZE,
  ROW_VALUE_AT,
  ROW_VALUE_SIZE,
  STATE,
} from '../layout';

/** The decode row of an event type; row 0 for types that the capture does not describe. */
export function rowOf(type: u16): usize {
  return load<usize>(STATE, HEAD_ROWS) + load<u32>(load<usize>(STATE, HEAD_ROW_INDEX) + (usize(type) << 2));
}

const KIND: u32 = 0xff;
// The five field sizes in a row's first eight bytes (layout.ts, ROW_ADDRESS_SIZE to ROW_AUX_SIZE).
const FIELD_SIZES: u64 = 0x00ffffffffff0000;

function field(at: usize, size: u8): u64 {
  if (size == 8) return load<u64>(at);
  if (size == 4) return load<u32>(at);
  if (size == 2) return load<u16>(at);
  return load<u8>(at);
}

/**
 * Writes the lane's pending record as a canonical event to `event`. False: it is too short for its format.
 *
 * The event is put together in registers and stored as whole words: a mark is copied from it as words right afterwards, and
 * a processor cannot forward several small stores to one wide load.
 */
export function decode(lane: usize, row: usize, event: usize): bool {
  const record = load<usize>(lane, LANE_RECORD);
  const whole = load<u32>(lane, LANE_RECORD_SIZE) >= u32(load<u16>(row, ROW_MIN_SIZE));
  const common = load<u32>(record); // type u16, flags u8, preempt count u8
  let flags =
    ((common >> 16) & FLAG_IRQS_OFF) |
    ((common >> 18) & 6) | // 0x08, 0x10 -> hardirq, softirq
    ((common >> 19) & 8) | // 0x40 -> NMI
    u32(load<u16>(row, ROW_FLAGS));
  if (common & 0x0f000000) flags |= FLAG_PREEMPT_OFF;
  // Kind and bit lie together in the row as they do in the event.
  let kindAndBit = u32(load<u16>(row, ROW_KIND));
  if (!whole) kindAndBit = (kindAndBit & ~KIND) | KIND_OTHER;
  let address: u64 = 0;
  let value: u64 = 0;
  if (whole && load<u64>(row) & FIELD_SIZES) {
    let size = load<u8>(row, ROW_ADDRESS_SIZE);
    if (size) address = field(record + load<u16>(row, ROW_ADDRESS_AT), size);
    size = load<u8>(row, ROW_VALUE_SIZE);
    if (size) value = field(record + load<u16>(row, ROW_VALUE_AT), size);
    size = load<u8>(row, ROW_HIGH_SIZE);
    if (size) value = (value & 0xffffffff) | (field(record + load<u16>(row, ROW_HIGH_AT), size) << 32);
    size = load<u8>(row, ROW_BIT_SIZE);
    if (size) {
      const bit = u32(field(record + load<u16>(row, ROW_BIT_AT), size)) & 63;
      kindAndBit = (kindAndBit & KIND) | (bit << 8);
    }
    size = load<u8>(row, ROW_AUX_SIZE);
    if (size) {
      const aux = field(record + load<u16>(row, ROW_AUX_AT), size) & 63;
      flags |= u32(load<u16>(row + (usize(aux) << 1), ROW_AUX_FLAGS));
    }
  }
  const pid = u64(load<u32>(record, 4));
  const raw = u64(u32(record) - load<u32>(lane, LANE_WINDOW));
  const flagsAndType = flags | (common << 16);
  store<u64>(event, load<u64>(lane, LANE_NEXT_TIME), EVENT_TIME);
  store<u64>(event, address, EVENT_ADDRESS);
  store<u64>(event, value, EVENT_VALUE);
  store<u64>(event, u64(kindAndBit) | (u64(load<u16>(lane, LANE_CPU)) << 16) | (pid << 32), EVENT_KIND);
  store<u64>(event, u64(flagsAndType) | (raw << 32), EVENT_FLAGS);
  return whole;
}
