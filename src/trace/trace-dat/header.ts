import { SpinbackError } from '../../base/errors.ts';
import type { ByteSource } from '../../io/source.ts';
import { Cursor } from './cursor.ts';

/** 17 08 44 "tracing" (trace-cmd, Documentation/trace-cmd/trace-cmd.dat.v7.5.txt, version 3.4). */
export const MAGIC = Uint8Array.of(0x17, 0x08, 0x44, 0x74, 0x72, 0x61, 0x63, 0x69, 0x6e, 0x67);

/** What every trace.dat begins with. */
export interface FileHeader {
  readonly version: 6 | 7;
  readonly littleEndian: boolean;
  /** Page size of the recorded machine, or of its ring buffer's sub-buffers, in bytes. */
  readonly pageSize: number;
  /** "none", "zstd", "zlib". */
  readonly compression: string;
  /** Version 7: where the first options section lies. Version 6: where the metadata goes on. */
  readonly next: number;
}

/** Does the input begin with trace.dat's magic? */
export function isTraceDat(head: Uint8Array): boolean {
  return head.length >= MAGIC.length && MAGIC.every((byte, index) => head[index] === byte);
}

/** Reads the file header. Throws UNSUPPORTED for other versions, DAMAGED when it is cut. */
export function readFileHeader(source: ByteSource): FileHeader {
  const beginning = new Cursor(source, 0, source.size);
  beginning.skip(MAGIC.length, "the file's magic");
  const version = beginning.cstring('the file version');
  if (version !== '6' && version !== '7') {
    throw new SpinbackError('UNSUPPORTED', `trace.dat version "${version}" is not read, only 6 and 7 are`, {
      offset: MAGIC.length,
    });
  }
  const endianAt = beginning.offset;
  const endian = beginning.u8('the byte order');
  if (endian > 1) {
    throw new SpinbackError(
      'UNSUPPORTED',
      `this trace.dat names byte order ${endian}, only 0 (little endian) and 1 (big endian) are read`,
      { offset: endianAt },
    );
  }
  const littleEndian = endian === 0;
  const cursor = new Cursor(source, beginning.position, source.size, littleEndian);
  cursor.u8("user space's size of long");
  const pageSize = cursor.u32('the page size');
  if (version === '6')
    return { version: 6, littleEndian, pageSize, compression: 'none', next: cursor.position };
  const compression = cursor.cstring('the name of the compression');
  cursor.cstring('the version of the compression');
  const next = cursor.size64('the place of the options');
  return { version: 7, littleEndian, pageSize, compression, next };
}
