import { KIND_OTHER } from '../../assembly/layout.ts';

/** Where a number lies in a record. */
interface Field {
  readonly at: number;
  readonly size: number;
}

/** A decode row, as far as it says which fields of a record are read. */
interface Row {
  readonly kind: number;
  readonly address: Field;
  readonly bit: Field;
  readonly value: Field;
  readonly high: Field;
  readonly aux: Field;
  readonly name?: { readonly at: number } | undefined;
  readonly site?: Field | undefined;
}

/** Bytes of the common fields, which are turned in every record. */
const COMMON_SIZE = 8;

/**
 * The fields that the engine turns around in a big-endian machine's record, in place, besides the common ones: those that its row
 * reads, each once, for one field can be several things to an event.
 */
export function fieldsToTurn({ kind, address, bit, value, high, aux, name, site }: Row): Field[] {
  if (kind === KIND_OTHER) return [];
  const fields = [address, bit, value, high, aux, name && { at: name.at, size: 4 }, site];
  const distinct = new Map<string, Field>();
  for (const field of fields)
    if (field && field.size > 1 && field.at >= COMMON_SIZE) distinct.set(`${field.at} ${field.size}`, field);
  return [...distinct.values()];
}
