import { crc32 } from 'node:zlib';

/** CRC-32 as zlib and PNG have it, over `bytes`; `before` continues an earlier one. */
export function checksum(bytes: Uint8Array, before = 0): number {
  return crc32(bytes, before);
}
