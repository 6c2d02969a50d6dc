import { ByteReader, decodeText } from '../../base/byte-reader.ts';
import { SpinbackError } from '../../base/errors.ts';
import { readAttr, readIds, type Attr } from './attr.ts';

/** Numbers of the header's features (enum perf_header_feature, tools/perf/util/header.h, Linux 6.16). */
export const FEATURE = {
  tracingData: 1,
  buildId: 2,
  osRelease: 4,
  cpus: 7,
  eventDescriptions: 12,
} as const;

/** Features are small; only the tracing data, which is read elsewhere, may be larger. */
export const LARGEST_FEATURE = 16 * 2 ** 20;
const MOST_EVENTS = 65_536;

/** struct perf_header_string: u32 length with padding, zero-terminated text. */
export function readString(reader: ByteReader, what: string): string {
  const bytes = reader.take(reader.u32(what), what);
  const end = bytes.indexOf(0);
  return decodeText(end < 0 ? bytes : bytes.subarray(0, end));
}

/** The CPUs that the machine can have: write_nrcpus() writes them before those online, whatever the document says. */
export function readCpuCount(reader: ByteReader): number {
  return reader.u32('the number of CPUs');
}

export interface EventDescription {
  readonly attr: Attr;
  /** "lock:lock_acquire", "cycles". */
  readonly name: string;
}

/** HEADER_EVENT_DESC: u32 events, u32 attribute size; for each attribute, u32 ids, name, ids. */
export function readEventDescriptions(reader: ByteReader): EventDescription[] {
  const count = reader.u32('the number of event descriptions');
  const size = reader.u32('the size of an attribute');
  if (count > MOST_EVENTS) {
    const { offset } = reader;
    throw new SpinbackError('DAMAGED', `the header claims ${count} events`, { offset });
  }
  return Array.from({ length: count }, () => {
    const start = reader.position;
    const attr = readAttr(reader, size);
    reader.position = start + size;
    const idCount = reader.u32('the number of ids');
    const name = readString(reader, 'the name of an event');
    return { attr: { ...attr, ids: readIds(reader, idCount) }, name };
  });
}

/** MISC of a build id record that says how long the id is (PERF_RECORD_MISC_BUILD_ID_SIZE). */
const HAS_SIZE = 1 << 15;
const ID_AT = 12;
const SIZE_AT = ID_AT + 20;
const NAME_AT = 36;

/** The kernel's build id among HEADER_BUILD_ID's records {header, s32 pid, 24 bytes of id, file name}; null without one. */
export function kernelBuildId(reader: ByteReader): string | null {
  while (reader.remaining >= NAME_AT) {
    const start = reader.position;
    reader.u32();
    const misc = reader.u16();
    const size = reader.u16();
    const record = reader.bytes.subarray(start, start + size);
    if (size < NAME_AT || record.length < size) return null;
    reader.position = start + size;
    if (!decodeText(record.subarray(NAME_AT)).startsWith('[kernel.kallsyms]')) continue;
    const length = misc & HAS_SIZE ? Math.min(20, record[SIZE_AT]!) : 20;
    return Array.from(record.subarray(ID_AT, ID_AT + length), (byte) =>
      byte.toString(16).padStart(2, '0'),
    ).join('');
  }
  return null;
}
