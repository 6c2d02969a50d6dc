import { ByteReader } from '../../base/byte-reader.ts';
import { SpinbackError } from '../../base/errors.ts';
import { readRange } from '../../io/bytes.ts';
import type { ByteSource } from '../../io/source.ts';

/** A stretch of the file (struct perf_file_section). */
export interface Section {
  readonly at: number;
  readonly size: number;
}

/** The first bytes of a perf.data: struct perf_file_header or perf_pipe_file_header (tools/perf/util/header.h, Linux 6.16). */
export type FileHeader = (PipeHeader | SeekableHeader) & {
  readonly littleEndian: boolean;
  readonly data: Section;
};

interface PipeHeader {
  readonly kind: 'pipe';
}

interface SeekableHeader {
  readonly kind: 'file';
  /** Entries of `attrSize` bytes: an attribute, and the section of its ids. */
  readonly attrs: Section;
  readonly attrSize: number;
  /** Numbers of the features (HEADER_*) that the file has, in the order of their sections behind the data. */
  readonly features: readonly number[];
  /** perf has not come to write how long the data is: it was interrupted. */
  readonly isUnfinished: boolean;
  /** The data claims to end behind the end of the file. */
  readonly isCut: boolean;
}

/** The number 0x32454c4946524550 as a little-endian machine writes it, as a big-endian one does, and the first version of 2009. */
const MAGIC = 'PERFILE2';
const BIG_ENDIAN = '2ELIFREP';
const VERSION_1 = 'PERFFILE';

export const MAGIC_SIZE = MAGIC.length;

/** u64 magic, size, attr_size; sections attrs, data, event types; a bitmap of 256 features. */
const FILE_HEADER = 104;
const PIPE_HEADER = 16;
const FEATURES_AT = 72;

function magicOf(head: Uint8Array): string {
  return String.fromCharCode(...head.subarray(0, MAGIC_SIZE));
}

export function isPerfData(head: Uint8Array): boolean {
  return [MAGIC, BIG_ENDIAN, VERSION_1].includes(magicOf(head));
}

/** Throws UNSUPPORTED for layouts that are not read, DAMAGED where the header cannot be. */
export function readFileHeader(source: ByteSource): FileHeader {
  const bytes = readRange(source, 0, FILE_HEADER);
  const magic = magicOf(bytes);
  if (magic === VERSION_1)
    throw unsupported('this perf.data has the format of 2009 (PERFFILE), which is not read');
  const littleEndian = magic !== BIG_ENDIAN;
  const reader = new ByteReader(bytes, littleEndian);
  reader.take(MAGIC_SIZE, 'the magic');
  if (bytes.length < PIPE_HEADER) throw cutInHeader(source);
  const size = reader.size64('the size of the header');
  if (size === PIPE_HEADER) {
    const data = { at: PIPE_HEADER, size: Math.max(0, source.size - PIPE_HEADER) };
    return { kind: 'pipe', littleEndian, data };
  }
  if (size < FILE_HEADER) {
    throw new SpinbackError('DAMAGED', `the header claims a size of ${size} bytes`, { offset: MAGIC_SIZE });
  }
  if (bytes.length < FILE_HEADER) throw cutInHeader(source);
  const attrSize = reader.size64('the size of an attribute');
  const attrs = section(reader, 'the attributes');
  const data = section(reader, 'the data');
  const isUnfinished = data.size === 0;
  const rest = Math.max(0, source.size - data.at);
  return {
    kind: 'file',
    littleEndian,
    data: { at: data.at, size: isUnfinished ? rest : Math.min(data.size, rest) },
    attrs,
    attrSize,
    features: featuresOf(reader),
    isUnfinished,
    isCut: data.size > rest,
  };
}

function cutInHeader({ size }: ByteSource): SpinbackError {
  return new SpinbackError('DAMAGED', `the file was cut: it ends within its header, at offset ${size}`, {
    offset: size,
  });
}

function section(reader: ByteReader, what: string): Section {
  return { at: reader.size64(`the place of ${what}`), size: reader.size64(`the size of ${what}`) };
}

/** HEADER_HOSTNAME: every perf since 2011 writes it. */
const HOSTNAME = 3;

/**
 * The bitmap is made of longs of the recorded machine. On a little-endian one their size makes no difference; on a big-endian one
 * they are taken for 64 bits, or for 32 where only that has the feature that every file has, as perf does it
 * (perf_file_header__read() in tools/perf/util/header.c, Linux 6.16).
 */
function featuresOf(reader: ByteReader): number[] {
  reader.position = FEATURES_AT;
  const bitmap = reader.take(FILE_HEADER - FEATURES_AT, 'the features');
  if (reader.littleEndian) return setBits(bitmap, 0);
  const wide = setBits(bitmap, 7);
  const narrow = setBits(bitmap, 3);
  return !wide.includes(HOSTNAME) && narrow.includes(HOSTNAME) ? narrow : wide;
}

/** `turn`: what a byte's number is XORed with, so that words of so many bytes and one begin with their low byte. */
function setBits(bitmap: Uint8Array, turn: number): number[] {
  const bits: number[] = [];
  for (let n = 0; n < 8 * bitmap.length; n++) if ((bitmap[(n >> 3) ^ turn]! >> (n & 7)) & 1) bits.push(n);
  return bits;
}

function unsupported(message: string): SpinbackError {
  return new SpinbackError('UNSUPPORTED', message, { offset: 0 });
}
