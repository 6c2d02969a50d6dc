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
export type FileHeader =
  | { readonly kind: 'pipe'; readonly data: Section }
  | {
      readonly kind: 'file';
      readonly data: Section;
      /** Entries of `attrSize` bytes: an attribute, and the section of its ids. */
      readonly attrs: Section;
      readonly attrSize: number;
      /** Numbers of the features (HEADER_*) that the file has, in the order of their sections behind the data. */
      readonly features: readonly number[];
      /** perf has not come to write how long the data is: it was interrupted. */
      readonly isUnfinished: boolean;
      /** The data claims to end behind the end of the file. */
      readonly isCut: boolean;
    };

/** "PERFILE2" as it lies in a file of a little-endian machine, of a big-endian one, and the first version of 2009. */
const MAGIC = 'PERFILE2';
const SWAPPED = '2ELIFREP';
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
  return [MAGIC, SWAPPED, VERSION_1].includes(magicOf(head));
}

/** Throws UNSUPPORTED for layouts that are not read, DAMAGED where the header cannot be. */
export function readFileHeader(source: ByteSource): FileHeader {
  const reader = new ByteReader(readRange(source, 0, FILE_HEADER));
  const magic = magicOf(reader.take(MAGIC_SIZE, 'the magic'));
  if (magic === SWAPPED) {
    throw unsupported(
      'this perf.data is from a big-endian machine, which is not read; "perf script" on it gives text that is',
    );
  }
  if (magic === VERSION_1)
    throw unsupported('this perf.data has the format of 2009 (PERFFILE), which is not read');
  const size = reader.size64('the size of the header');
  if (size === PIPE_HEADER) {
    return { kind: 'pipe', data: { at: PIPE_HEADER, size: Math.max(0, source.size - PIPE_HEADER) } };
  }
  if (size < FILE_HEADER) {
    throw new SpinbackError('DAMAGED', `the header claims a size of ${size} bytes`, { offset: MAGIC_SIZE });
  }
  const attrSize = reader.size64('the size of an attribute');
  const attrs = section(reader, 'the attributes');
  const data = section(reader, 'the data');
  const isUnfinished = data.size === 0;
  const rest = Math.max(0, source.size - data.at);
  return {
    kind: 'file',
    data: { at: data.at, size: isUnfinished ? rest : Math.min(data.size, rest) },
    attrs,
    attrSize,
    features: featuresOf(reader),
    isUnfinished,
    isCut: data.size > rest,
  };
}

function section(reader: ByteReader, what: string): Section {
  return { at: reader.size64(`the place of ${what}`), size: reader.size64(`the size of ${what}`) };
}

function featuresOf(reader: ByteReader): number[] {
  reader.position = FEATURES_AT;
  const bitmap = reader.take(FILE_HEADER - FEATURES_AT, 'the features');
  const features: number[] = [];
  for (let n = 0; n < 8 * bitmap.length; n++) if ((bitmap[n >> 3]! >> (n & 7)) & 1) features.push(n);
  return features;
}

function unsupported(message: string): SpinbackError {
  return new SpinbackError('UNSUPPORTED', message, { offset: 0 });
}
