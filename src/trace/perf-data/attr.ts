import { ByteReader } from '../../base/byte-reader.ts';
import { SpinbackError } from '../../base/errors.ts';

/** What matters of a struct perf_event_attr (include/uapi/linux/perf_event.h, Linux 6.16). */
export interface Attr {
  readonly type: number;
  /** The number of a tracepoint. */
  readonly config: bigint;
  /** Every so many events are sampled; with `isFrequency` so many per second. */
  readonly period: bigint;
  readonly isFrequency: boolean;
  readonly sampleType: number;
  readonly readFormat: number;
  /** Other records than samples end with where and when they happened. */
  readonly hasTrailer: boolean;
  /** The ring was written from its end to its beginning. */
  readonly isBackward: boolean;
  /** The clock (clockid_t) of the times, null for the kernel's local clock. */
  readonly clockId: number | null;
  readonly ids: readonly bigint[];
}

/** enum perf_type_id */
export const TYPE_TRACEPOINT = 2;

/** enum perf_event_sample_format, as far as it decides where things lie. */
export const SAMPLE = {
  ip: 1 << 0,
  tid: 1 << 1,
  time: 1 << 2,
  address: 1 << 3,
  read: 1 << 4,
  callchain: 1 << 5,
  id: 1 << 6,
  cpu: 1 << 7,
  period: 1 << 8,
  streamId: 1 << 9,
  raw: 1 << 10,
  identifier: 1 << 16,
} as const;

/** Bits of the attribute's bit field. */
const FREQUENCY = 10n;
const SAMPLE_ID_ALL = 18n;
const USE_CLOCKID = 25n;
const WRITE_BACKWARD = 27n;

/** PERF_ATTR_SIZE_VER0: none is shorter. */
const SMALLEST = 64;
const CLOCKID_AT = 92;

/**
 * Reads an attribute, which says its own size, at most `size` bytes; kernels append to it, so a shorter one lacks what is
 * newer. The reader then stands behind it. Throws DAMAGED.
 */
export function readAttr(reader: ByteReader, size: number, ids: readonly bigint[] = []): Attr {
  const start = reader.position;
  const { offset } = reader;
  reader.need(size, 'an attribute');
  const type = reader.u32();
  // Size 0 stands for the first version of the structure.
  const stated = reader.u32() || SMALLEST;
  if (stated < SMALLEST || stated > size) {
    throw new SpinbackError('DAMAGED', `the attribute at offset ${offset} claims ${stated} bytes`, {
      offset,
    });
  }
  const config = reader.u64();
  const period = reader.u64();
  const sampleType = reader.u64();
  const readFormat = reader.u64();
  const flags = reader.u64();
  // Bit fields begin at the low end of a little-endian word, and at the high end of a big-endian one (swap_bitfield() in
  // tools/perf/util/session.c, Linux 6.16).
  const isSet = (bit: bigint): boolean => ((flags >> (reader.littleEndian ? bit : 63n - bit)) & 1n) === 1n;
  let clockId: number | null = null;
  if (isSet(USE_CLOCKID) && stated >= CLOCKID_AT + 4) {
    reader.position = start + CLOCKID_AT;
    clockId = reader.i32();
  }
  reader.position = start + stated;
  return {
    type,
    config,
    period,
    isFrequency: isSet(FREQUENCY),
    sampleType: Number(sampleType & 0xffff_ffffn),
    readFormat: Number(readFormat & 0xffn),
    hasTrailer: isSet(SAMPLE_ID_ALL),
    isBackward: isSet(WRITE_BACKWARD),
    clockId,
    ids,
  };
}

/** `count` ids of 64 bits. */
export function readIds(reader: ByteReader, count: number): bigint[] {
  reader.need(8 * count, 'the ids of an event');
  return Array.from({ length: count }, () => reader.u64());
}
