import type { ByteSource } from './source.ts';

/** What was wrong with an input before any format was looked at: a compressed file that ends too early. */
export interface InputDamage {
  readonly name: string;
  readonly severity: 'info' | 'error' | 'data loss';
  readonly text: string;
  readonly count: number;
  /** Byte offset in the compressed input. */
  readonly offset?: number;
}

/** A source that was copied from somewhere and remembers what went wrong on the way. */
export interface SpooledSource extends ByteSource {
  readonly damage: readonly InputDamage[];
}

/** The damage that a source remembers; nothing for sources that were not spooled. */
export function inputDamage(source: ByteSource): readonly InputDamage[] {
  return (source as Partial<SpooledSource>).damage ?? [];
}
