/** A file of statistics is read whole. */
export const LARGEST = 256 << 20;

/** Are these the first bytes of a file of statistics? */
export function isStats(head: Uint8Array): boolean {
  const text = new TextDecoder().decode(head.subarray(0, 128));
  return /^\s*\{\s*"schema"\s*:\s*"spinback\/stats@/.test(text);
}
