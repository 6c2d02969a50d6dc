/**
 * The byte order of files that tests build. A test file that sets it before it imports another one runs all of that one's tests in
 * that order.
 */
export const byteOrder = { littleEndian: true };
