// A raw record + the decode row of its type -> canonical event.

import * as L from '../../../assembly/layout.ts';
import { ByteReader } from '../../base/byte-reader.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import { fieldsToTurn } from '../../model/fields-to-turn.ts';
import type { RowSpec } from '../engine.ts';

/** The record's own flags (enum trace_flag_type, include/linux/trace_events.h, Linux 6.12), and ours. */
const RECORD_FLAGS: readonly (readonly [theirs: number, ours: number])[] = [
  [0x01, L.FLAG_IRQS_OFF],
  [0x08, L.FLAG_HARDIRQ],
  [0x10, L.FLAG_SOFTIRQ],
  [0x40, L.FLAG_NMI],
];

/** The low half of the preempt count is the preempt depth, the high half counts migrate-disable. */
const PREEMPT_DEPTH = 0x0f;

export interface Decoded {
  readonly event: CanonicalEvent;
  /** The record is as long as its format says; otherwise it is a sign of life only. */
  readonly isWhole: boolean;
}

/**
 * A record of a big-endian machine as a little-endian one would have written what is read of it: the common type and pid, and the
 * fields of its type's row.
 */
export function turned(record: Uint8Array, rowOf: (type: number) => { readonly spec: RowSpec }): Uint8Array {
  const bytes = record.slice();
  bytes.subarray(0, 2).reverse();
  bytes.subarray(4, 8).reverse();
  for (const { at, size } of fieldsToTurn(rowOf(typeOf(bytes)).spec))
    if (at + size <= bytes.length) bytes.subarray(at, at + size).reverse();
  return bytes;
}

/** Number of the record's event type. */
export function typeOf(record: Uint8Array): number {
  return new ByteReader(record).u16('the record type');
}

/** `time` in ns, `cpu` of the lane; the record begins with u16 type, u8 flags, u8 preempt count, s32 pid. */
export function decode(record: Uint8Array, row: RowSpec, time: bigint, cpu: number): Decoded {
  const reader = new ByteReader(record);
  const type = reader.u16();
  const theirs = reader.u8();
  const preemptCount = reader.u8();
  const pid = reader.i32();

  let flags = 0;
  for (const [bit, flag] of RECORD_FLAGS) if (theirs & bit) flags |= flag;
  if (preemptCount & PREEMPT_DEPTH) flags |= L.FLAG_PREEMPT_OFF;
  const event = {
    time,
    cpu,
    pid,
    type,
    kind: L.KIND_OTHER,
    flags,
    address: 0n,
    value: 0n,
    bit: row.bitConst,
  };
  // A type that means nothing to us is a sign of life, whatever its row says.
  if (row.kind === L.KIND_OTHER) return { event, isWhole: true };
  event.flags |= row.flags;
  if (record.length < row.minSize) return { event, isWhole: false };

  event.kind = row.kind;
  const field = ({ at, size }: { at: number; size: number }): bigint | null =>
    size === 0 ? null : reader.uintAt(at, size);
  const [bit, high, aux] = [field(row.bit), field(row.high), field(row.aux)];
  event.address = field(row.address) ?? 0n;
  event.value = field(row.value) ?? 0n;
  if (high !== null) event.value = (event.value & 0xffff_ffffn) | BigInt.asUintN(64, high << 32n);
  if (bit !== null) event.bit = Number(bit & 63n);
  if (aux !== null) event.flags |= row.auxFlags[Number(aux & 63n)] ?? 0;
  return { event, isWhole: true };
}
