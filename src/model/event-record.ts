import * as layout from '../../assembly/layout.ts';
import { NAMESPACES, type CanonicalEvent } from './event.ts';

/** Bytes of one canonical event record (assembly/layout.ts, EVENT_*). */
export const EVENT_RECORD_SIZE = layout.EVENT_SIZE;

/** Where such a record has what. */
export const EVENT_AT = {
  time: layout.EVENT_TIME,
  address: layout.EVENT_ADDRESS,
  value: layout.EVENT_VALUE,
  cpu: layout.EVENT_CPU,
  pid: layout.EVENT_PID,
  type: layout.EVENT_TYPE,
} as const;

/** Writes `event` as a 40-byte record at `at`. `raw` is kept in the record's last 32 bits. */
export function writeEvent(view: DataView, at: number, event: CanonicalEvent, raw = 0): void {
  view.setBigUint64(at + layout.EVENT_TIME, event.time, true);
  view.setBigUint64(at + layout.EVENT_ADDRESS, event.address, true);
  view.setBigUint64(at + layout.EVENT_VALUE, event.value, true);
  view.setUint8(at + layout.EVENT_KIND, event.kind);
  view.setUint8(at + layout.EVENT_BIT, event.bit);
  view.setUint16(at + layout.EVENT_CPU, event.cpu, true);
  view.setInt32(at + layout.EVENT_PID, event.pid, true);
  view.setUint16(at + layout.EVENT_FLAGS, event.flags, true);
  view.setUint16(at + layout.EVENT_TYPE, event.type, true);
  view.setUint32(at + layout.EVENT_RAW, raw, true);
}

/** Reads the 40-byte record at `at`. */
export function readEvent(view: DataView, at: number): CanonicalEvent {
  return {
    time: view.getBigUint64(at + layout.EVENT_TIME, true),
    address: view.getBigUint64(at + layout.EVENT_ADDRESS, true),
    value: view.getBigUint64(at + layout.EVENT_VALUE, true),
    kind: view.getUint8(at + layout.EVENT_KIND),
    bit: view.getUint8(at + layout.EVENT_BIT),
    cpu: view.getUint16(at + layout.EVENT_CPU, true),
    pid: view.getInt32(at + layout.EVENT_PID, true),
    flags: view.getUint16(at + layout.EVENT_FLAGS, true),
    type: view.getUint16(at + layout.EVENT_TYPE, true),
  };
}

/** The flag bits that carry a namespace: `namespaceFlags('word')`. */
export function namespaceFlags(namespace: (typeof NAMESPACES)[number]): number {
  return NAMESPACES.indexOf(namespace) << layout.FLAG_NAMESPACE_SHIFT;
}

/** The namespace number in an event's flags: an index into NAMESPACES. */
export function namespaceOf(flags: number): number {
  return flags >>> layout.FLAG_NAMESPACE_SHIFT;
}
