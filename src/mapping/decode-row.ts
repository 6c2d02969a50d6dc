/** A mapping row resolved against one event format: numbers only, ready for the engine (assembly/layout.ts, ROW_*). */
export interface DecodeRow {
  /** The capture's event type; row 0 stands for types without a format and has type 0. */
  readonly type: number;
  readonly kind: number;
  readonly namespace: number;
  /** Offset and size in the record; size 0: no such field. */
  readonly address: FieldPlace;
  readonly bit: FieldPlace;
  readonly bitConst: number;
  readonly value: FieldPlace;
  readonly high: FieldPlace;
  readonly aux: FieldPlace;
  /** Flags by (aux & 63), 64 entries. */
  readonly auxFlags: readonly number[];
  readonly flags: number;
  /** The type of the event at the function's entry that this one takes its address and bit from; 0: its own. */
  readonly entry: number;
  /** A record shorter than this is damaged. */
  readonly minSize: number;
  /** Where the lock's name lies: the place of a __data_loc or __rel_loc word. */
  readonly name?: { readonly at: number; readonly location: 'data' | 'rel' } | undefined;
  /** Where the address of the code lies. */
  readonly site?: FieldPlace | undefined;
}

export interface FieldPlace {
  readonly at: number;
  readonly size: number;
}

export const NO_FIELD: FieldPlace = { at: 0, size: 0 };
const NO_AUX: readonly number[] = Array.from({ length: 64 }, () => 0);

/** The row of an event type that no mapping row names: a sign of life, counted by type. */
export function otherRow(type: number): DecodeRow {
  return {
    type,
    kind: 0,
    namespace: 0,
    address: NO_FIELD,
    bit: NO_FIELD,
    bitConst: 0xff,
    value: NO_FIELD,
    high: NO_FIELD,
    aux: NO_FIELD,
    auxFlags: NO_AUX,
    flags: 0,
    entry: 0,
    minSize: 0,
  };
}
