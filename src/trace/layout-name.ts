/** How a capture of a 32-bit or of a big-endian machine is told from others: ", 32-bit big-endian" behind its format. */
export function layoutName(longSize: 4 | 8, bigEndian: boolean | undefined): string {
  const words = [...(longSize === 4 ? ['32-bit'] : []), ...(bigEndian ? ['big-endian'] : [])];
  return words.length > 0 ? `, ${words.join(' ')}` : '';
}
