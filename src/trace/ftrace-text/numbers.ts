// Numbers as ftrace prints them: hexadecimal is unsigned and has at most 64 bits, decimal may be negative.

const scratch = new DataView(new ArrayBuffer(8));

/** Two 32-bit halves as one unsigned 64-bit value. Cheaper than shifting bigints. */
export function fromHalves(high: number, low: number): bigint {
  scratch.setUint32(0, high);
  scratch.setUint32(4, low);
  return scratch.getBigUint64(0);
}

/** Hexadecimal with or without `0x`, one to sixteen digits; null for anything else. */
export function parseHex(text: string): bigint | null {
  const from = hasPrefix(text) ? 2 : 0;
  const digits = text.length - from;
  if (digits < 1 || digits > 16) return null;
  let high = 0;
  let low = 0;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i) | 0x20;
    const digit =
      code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
    if (digit < 0) return null;
    high = (high << 4) | (low >>> 28);
    low = (low << 4) | digit;
  }
  return fromHalves(high, low);
}

const DECIMAL = /^-?\d{1,20}$/;

/** Decimal, or hexadecimal with `0x`; null for anything else. */
export function parseInteger(text: string): bigint | null {
  if (hasPrefix(text)) return parseHex(text);
  if (!DECIMAL.test(text)) return null;
  return text.length <= 15 ? BigInt(Number(text)) : BigInt(text);
}

/**
 * A number that a row's `text` expression caught: as above, but sixteen digits, or a letter among them, is a pointer
 * that the kernel printed with %p: hexadecimal without `0x`, with all its zeros on 64-bit machines.
 */
export function parseGroup(text: string): bigint | null {
  return (text.length === 16 && !text.startsWith('-') ? null : parseInteger(text)) ?? parseHex(text);
}

/** The address field: always hexadecimal, unless only a decimal number can be that long. */
export function parseAddress(text: string): bigint | null {
  return parseHex(text) ?? (text.length > 16 && !text.startsWith('-') ? parseInteger(text) : null);
}

/**
 * Does this print of %p carry only 32 significant bits? That is how the kernel hides addresses (lib/vsprintf.c,
 * ptr_to_id, Linux 4.15 and later) on 64-bit machines: 00000000a1b2c3d4. Kernel addresses never look like this.
 */
export function isHashedPointer(text: string): boolean {
  return text.length === 16 && text.startsWith('00000000') && !text.endsWith('00000000');
}

function hasPrefix(text: string): boolean {
  return text.charCodeAt(0) === 0x30 && (text.charCodeAt(1) | 0x20) === 0x78;
}
