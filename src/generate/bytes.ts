const encoder = new TextEncoder();

/** A growing stretch of bytes, little endian unless asked otherwise. */
export class ByteWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  length = 0;
  readonly #littleEndian: boolean;

  constructor(bigEndian = false) {
    this.#littleEndian = !bigEndian;
  }

  u8(value: number): this {
    const at = this.#need(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#need(2);
    this.#view.setUint16(at, value, this.#littleEndian);
    return this;
  }

  u32(value: number): this {
    const at = this.#need(4);
    this.#view.setUint32(at, value, this.#littleEndian);
    return this;
  }

  u64(value: number | bigint): this {
    const at = this.#need(8);
    this.#view.setBigUint64(at, BigInt(value), this.#littleEndian);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    const at = this.#need(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  text(text: string): this {
    return this.bytes(encoder.encode(text));
  }

  cstring(text: string): this {
    return this.text(text).u8(0);
  }

  /** Text behind its length, as 4 or 8 bytes. */
  sizedText(text: string, sizeBytes: 4 | 8): this {
    const bytes = encoder.encode(text);
    return (sizeBytes === 4 ? this.u32(bytes.length) : this.u64(bytes.length)).bytes(bytes);
  }

  /** Zeroes up to the next multiple of `unit`. */
  alignTo(unit: number): this {
    const rest = this.length % unit;
    if (rest > 0) this.bytes(new Uint8Array(unit - rest));
    return this;
  }

  /** What was written, not copied: valid until the next write. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #need(size: number): number {
    const at = this.length;
    this.length += size;
    if (this.length > this.#bytes.length) {
      const wider = new Uint8Array(Math.max(this.#bytes.length * 2, this.length));
      wider.set(this.#bytes);
      this.#bytes = wider;
      this.#view = new DataView(wider.buffer);
    }
    return at;
  }
}
