// A raw record + the decode row of its type -> canonical event. Rows are compiled by src/mapping from the capture's own
// `format` texts, so no offset or size is assumed here but the record's common header:
//
//    0     2    3             4
//    |type |flags|preempt count| pid i32 |
//
// flags (enum trace_flag_type, include/linux/trace_events.h, Linux 6.12): 0x01 irqs off, 0x02 irqs unknown on architectures
// without support, 0x08 hardirq, 0x10 softirq, 0x40 NMI. The preempt count's low half is the preempt depth.

import {
  EVENT_ADDRESS,
  EVENT_BIT,
  EVENT_CPU,
  EVENT_FLAGS,
  EVENT_KIND,
  EVENT_PID,
  EVENT_RAW,
  EVENT_TIME,
  EVENT_TYPE,
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
  ROW_BIT_CONST,
  ROW_BIT_SIZE,
  ROW_FLAGS,
  ROW_HIGH_AT,
  ROW_HIGH_SIZE,
  ROW_KIND,
  ROW_MIN_SIZE,
  ROW_SIZE,
  ROW_VALUE_AT,
  ROW_VALUE_SIZE,
  STATE,
} from '../layout';

/** The decode row of an event type; row 0 for types that the capture does not describe. */
export function rowOf(type: u16): usize {
  const row = load<u16>(load<usize>(STATE, HEAD_ROW_INDEX) + (usize(type) << 1));
  return load<usize>(STATE, HEAD_ROWS) + usize(row) * ROW_SIZE;
}

function field(at: usize, size: u8): u64 {
  if (size == 8) return load<u64>(at);
  if (size == 4) return load<u32>(at);
  if (size == 2) return load<u16>(at);
  return load<u8>(at);
}

/** Writes the lane's pending record as a canonical event to `event`. False: it is too short for its format. */
export function decode(lane: usize, row: usize, event: usize): bool {
  const record: usize = load<u32>(lane, LANE_RECORD);
  const common = u32(load<u8>(record, 2));
  let flags =
    (common & FLAG_IRQS_OFF) |
    ((common >> 2) & 6) | // 0x08, 0x10 -> hardirq, softirq
    ((common >> 3) & 8) | // 0x40 -> NMI
    ((common & 2) << 11) | // 0x02 -> irqs unknown
    u32(load<u16>(row, ROW_FLAGS));
  if (load<u8>(record, 3) & 15) flags |= FLAG_PREEMPT_OFF;
  store<u64>(event, load<u64>(lane, LANE_NEXT_TIME), EVENT_TIME);
  store<u16>(event, load<u16>(lane, LANE_CPU), EVENT_CPU);
  store<i32>(event, load<i32>(record, 4), EVENT_PID);
  store<u16>(event, load<u16>(record), EVENT_TYPE);
  store<u32>(event, u32(record) - load<u32>(lane, LANE_WINDOW), EVENT_RAW);

  const whole = load<u32>(lane, LANE_RECORD_SIZE) >= u32(load<u16>(row, ROW_MIN_SIZE));
  const kind = whole ? load<u8>(row, ROW_KIND) : u8(KIND_OTHER);
  store<u8>(event, kind, EVENT_KIND);
  let address: u64 = 0;
  let value: u64 = 0;
  let bit = load<u8>(row, ROW_BIT_CONST);
  if (kind != KIND_OTHER) {
    let size = load<u8>(row, ROW_ADDRESS_SIZE);
    if (size) address = field(record + load<u16>(row, ROW_ADDRESS_AT), size);
    size = load<u8>(row, ROW_VALUE_SIZE);
    if (size) value = field(record + load<u16>(row, ROW_VALUE_AT), size);
    size = load<u8>(row, ROW_HIGH_SIZE);
    if (size) value = (value & 0xffffffff) | (field(record + load<u16>(row, ROW_HIGH_AT), size) << 32);
    size = load<u8>(row, ROW_BIT_SIZE);
    if (size) bit = u8(field(record + load<u16>(row, ROW_BIT_AT), size) & 63);
    size = load<u8>(row, ROW_AUX_SIZE);
    if (size) {
      const aux = field(record + load<u16>(row, ROW_AUX_AT), size) & 63;
      flags |= u32(load<u16>(row + (usize(aux) << 1), ROW_AUX_FLAGS));
    }
  }
  store<u64>(event, address, EVENT_ADDRESS);
  store<u64>(event, value, EVENT_VALUE);
  store<u8>(event, bit, EVENT_BIT);
  store<u16>(event, u16(flags), EVENT_FLAGS);
  return whole;
}
