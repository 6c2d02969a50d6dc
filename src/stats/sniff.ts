/** Bytes of the largest file of statistics: it is read whole, and empty objects take thirty times as much memory as text. */
export const LARGEST = 32 << 20;

/** Are these the first bytes of a file of statistics? */
export function isStats(head: Uint8Array): boolean {
  const text = new TextDecoder().decode(head.subarray(0, 128));
  return /^\s*\{\s*"schema"\s*:\s*"spinback\/stats@/.test(text);
}
