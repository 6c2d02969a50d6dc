import { SpinbackError } from '../../base/errors.ts';
import type { ByteSource } from '../../io/source.ts';
import { Cursor } from './cursor.ts';

/** 17 08 44 "tracing" (trace-cmd, Documentation/trace-cmd/trace-cmd.dat.v7.5.txt, version 3.4). */
export const MAGIC = Uint8Array.of(0x17, 0x08, 0x44, 0x74, 0x72, 0x61, 0x63, 0x69, 0x6e, 0x67);

/** What every trace.dat begins with. */
export interface FileHeader {
  readonly version: 6 | 7;
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

/** Reads the file header. Throws UNSUPPORTED for other versions and big-endian files, DAMAGED when it is cut. */
export function readFileHeader(source: ByteSource): FileHeader {
  const cursor = new Cursor(source, 0, source.size);
  cursor.skip(MAGIC.length, "the file's magic");
  const version = cursor.cstring('the file version');
  if (version !== '6' && version !== '7') {
    throw new SpinbackError('UNSUPPORTED', `trace.dat version "${version}" is not read, only 6 and 7 are`, {
      offset: MAGIC.length,
    });
  }
  const endianAt = cursor.offset;
  const endian = cursor.u8('the byte order');
  if (endian !== 0) {
    throw new SpinbackError(
      'UNSUPPORTED',
      endian === 1
        ? 'this trace.dat was recorded on a big-endian machine (s390, ppc64); only little-endian ones are read'
        : `this trace.dat names byte order ${endian}, only 0 (little endian) is read`,
      { offset: endianAt },
    );
  }
  cursor.u8("user space's size of long");
  const pageSize = cursor.u32('the page size');
  if (version === '6') return { version: 6, pageSize, compression: 'none', next: cursor.position };
  const compression = cursor.cstring('the name of the compression');
  cursor.cstring('the version of the compression');
  return { version: 7, pageSize, compression, next: cursor.size64('the place of the options') };
}
