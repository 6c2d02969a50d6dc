import { FLAGS, KINDS, type FlagName } from '../../model/event.ts';
import { namespaceFlags } from '../../model/event-record.ts';
import { namespaceOf, type MappingRow, type TextPattern } from '../../mapping/rows.ts';
import type { FieldValue } from '../capture.ts';
import { fromHalves, isHashedPointer, parseAddress, parseGroup, parseInteger } from './numbers.ts';
import { caught, compilePattern, type Caught } from './pattern.ts';

/** What a row's fields become in the canonical event. */
export interface FieldSink {
  address: bigint;
  value: bigint;
  bit: number;
  flags: number;
}

/** The text behind the event's name as one row understands it. */
export interface ParsedText {
  /** The name of the task that comes next, where the event is a switch that tells. */
  nextComm: string | null;
  nextPid: number;
  hashed: boolean;
  /** The lock's name, empty where the text has none. */
  name: string;
}

/** A longer text goes through no expression: no event prints so much, and expressions may take quadratic time. */
const MAX_PATTERN_TEXT = 1024;
const WHOLE_LOCK = 0xff;

/** A field of a row: its name, and the groups of the row's expression that catch it. */
interface Source {
  readonly name: string;
  readonly groups: readonly number[] | undefined;
}

/** Turns printed fields into the numbers of a canonical event, by one mapping row. */
export class TextFields {
  readonly kind: number;
  /** Does the row want any field at all? */
  readonly wanted: boolean;
  readonly hasAddress: boolean;
  readonly hasValue: boolean;
  /** The event that the row has its address from. */
  readonly entry: string | undefined;
  readonly #row: MappingRow;
  readonly #flags: number;
  readonly #pattern: TextPattern | null;
  readonly #address: Source | null;
  readonly #bit: Source | null;
  readonly #value: Source | null;
  readonly #high: Source | null;
  readonly #aux: Source | null;
  readonly #name: Source | null;
  readonly #nextComm: readonly number[] | undefined;
  readonly #auxBits: readonly (readonly [bit: number, flag: number])[];
  /** Groups named like a flag, which they set when they catch something. */
  readonly #flagGroups: readonly (readonly [groups: readonly number[], flag: number])[];

  /** Throws SpinbackError USAGE when the row's expression is not one. */
  constructor(row: MappingRow) {
    this.#row = row;
    this.kind = KINDS.indexOf(row.kind);
    this.#flags = (row.flags ?? []).reduce(
      (all, name) => all | FLAGS[name],
      namespaceFlags(namespaceOf(row)),
    );
    const names = [
      row.address,
      row.bit,
      row.value,
      row.high,
      row.flagsFrom?.field,
      row.high && 'next_comm',
      row.name,
    ];
    const pattern = compileRow(row, (field) => names.includes(field) || Object.hasOwn(FLAGS, field));
    const source = (name: string | number | undefined) =>
      typeof name === 'string' ? { name, groups: pattern?.groups.get(name) } : null;
    this.hasAddress = row.address !== undefined;
    this.hasValue = row.value !== undefined;
    this.entry = row.entry;
    this.#pattern = pattern;
    this.#address = source(row.address);
    this.#bit = source(row.bit);
    this.#value = source(row.value);
    this.#high = source(row.high);
    this.#aux = source(row.flagsFrom?.field);
    this.#name = source(row.name);
    this.#nextComm = pattern?.groups.get('next_comm');
    this.#auxBits = Object.entries(row.flagsFrom?.bits ?? {}).map(([bit, name]) => [
      Number(bit),
      FLAGS[name],
    ]);
    this.#flagGroups = [...(pattern?.groups ?? [])]
      .filter(([name]) => Object.hasOwn(FLAGS, name))
      .map(([name, groups]) => [groups, FLAGS[name as FlagName]]);
    this.wanted = [this.#address, this.#bit, this.#value, this.#high, this.#aux].some(
      (field) => field !== null,
    );
  }

  /** False when a field that the row needs is not there or not a number; `sink` is then half filled. */
  parse(text: string, sink: FieldSink, parsed: ParsedText): boolean {
    sink.address = 0n;
    sink.value = 0n;
    sink.bit = typeof this.#row.bit === 'number' ? this.#row.bit : WHOLE_LOCK;
    sink.flags = this.#flags;
    parsed.nextComm = null;
    parsed.hashed = false;
    parsed.name = '';
    if (!this.wanted) return true;
    const match = execute(this.#pattern, text);
    // A row's expression may fit by accident what trace-cmd report -R prints: "lockdep_addr=0x... name=...".
    return (match !== null && this.#fill(text, match, sink, parsed)) || this.#fill(text, null, sink, parsed);
  }

  #fill(text: string, match: Caught | null, sink: FieldSink, parsed: ParsedText): boolean {
    const number = match ? parseGroup : parseInteger;
    if (this.#address) {
      const printed = find(this.#address, text, match);
      const address = parseAddress(printed);
      if (address === null) return false;
      sink.address = address;
      parsed.hashed = isHashedPointer(printed);
    }
    if (this.#bit) {
      const bit = number(find(this.#bit, text, match));
      if (bit === null || bit < 0n || bit >= WHOLE_LOCK) return false;
      sink.bit = Number(bit);
    }
    if (this.#value) {
      const value = number(find(this.#value, text, match));
      if (value === null) return false;
      sink.value = BigInt.asUintN(64, value);
    }
    if (this.#high) {
      const high = number(find(this.#high, text, match));
      if (high === null) return false;
      parsed.nextPid = Number(BigInt.asIntN(32, high));
      sink.value = fromHalves(parsed.nextPid, Number(BigInt.asIntN(32, sink.value)));
      parsed.nextComm = (match && caught(match, this.#nextComm)) ?? null;
    }
    if (this.#name) parsed.name = find(this.#name, text, match);
    if (match && this.#flagGroups.length > 0) {
      for (const [groups, flag] of this.#flagGroups) if (caught(match, groups)) sink.flags |= flag;
    } else if (this.#aux) {
      sink.flags |= this.#auxFlags(find(this.#aux, text, match));
    }
    return true;
  }

  /** Flags selected by a field, printed as a number or by their names: `3`, `0x3`, `SPIN|MUTEX`. */
  #auxFlags(printed: string): number {
    if (printed === '') return 0;
    let aux = 0n;
    let flags = 0;
    for (const part of printed.split('|')) {
      const flag = FLAGS[part.toLowerCase() as FlagName] as number | undefined;
      if (flag === undefined) aux |= parseInteger(part) ?? 0n;
      else if (this.#auxBits.some(([, known]) => known === flag)) flags |= flag;
    }
    for (const [bit, flag] of this.#auxBits) if ((aux >> BigInt(bit)) & 1n) flags |= flag;
    const nonzero = this.#row.flagsFrom?.nonzero;
    return nonzero !== undefined && aux !== 0n ? flags | FLAGS[nonzero] : flags;
  }

  /** All fields, for people. */
  list(text: string): FieldValue[] {
    const pattern = compileRow(this.#row, () => true);
    const match = execute(pattern, text);
    const address = this.#row.address;
    if (!match || (address && parseAddress(caught(match, pattern!.groups.get(address)) ?? '') === null)) {
      return listFields(text);
    }
    const fields: FieldValue[] = [];
    for (const [name, groups] of pattern!.groups) {
      const printed = caught(match, groups);
      if (printed === undefined) continue;
      const number = name === address ? parseAddress(printed) : parseGroup(printed);
      fields.push({ name, value: isText(name) ? printed : (number ?? printed.trim()) });
    }
    return fields;
  }
}

function compileRow(row: MappingRow, wanted: (field: string) => boolean): TextPattern | null {
  if (typeof row.text === 'object') return row.text;
  return row.text === undefined ? null : compilePattern(row.event, row.text, wanted);
}

function execute(pattern: TextPattern | null, text: string): Caught | null {
  return pattern !== null && text.length <= MAX_PATTERN_TEXT ? pattern.exec(text) : null;
}

/** What is printed for a field; empty when nothing is. */
function find(source: Source, text: string, match: Caught | null): string {
  return (match && caught(match, source.groups)) ?? findField(text, source.name) ?? '';
}

/**
 * The value of `name=value`. The last one counts: what stands in front may be a task's name, and that can hold
 * anything ("comm=a pid=1 pid=108").
 */
export function findField(text: string, name: string): string | undefined {
  const key = `${name}=`;
  let at = text.lastIndexOf(key);
  while (at > 0 && isWord(text.charCodeAt(at - 1))) at = text.lastIndexOf(key, at - 1);
  if (at < 0) return undefined;
  const from = at + key.length;
  let to = from;
  while (to < text.length && !isEnd(text.charCodeAt(to))) to++;
  return text.slice(from, to);
}

const FIELD = /(?:^|[\s([{,])([A-Za-z_]\w{0,63})=/g;
const LISTED = 4096;

/** Every `name=value` of a text; a value runs up to the next one, so that a comm with spaces stays whole. */
export function listFields(text: string): FieldValue[] {
  const shown = text.slice(0, LISTED);
  const starts = [...shown.matchAll(FIELD)];
  return starts.map((match, i) => {
    const from = match.index + match[0].length;
    const name = match[1]!;
    const printed = shown.slice(from, starts[i + 1]?.index ?? shown.length).trim();
    return { name, value: isText(name) ? printed : (number(printed) ?? printed) };
  });
}

function number(printed: string): bigint | null {
  return parseInteger(printed) ?? (printed.length === 16 ? parseAddress(printed) : null);
}

function isText(name: string): boolean {
  return name === 'name' || name.endsWith('comm');
}

function isWord(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    code === 0x5f ||
    (code >= 0x61 && code <= 0x7a)
  );
}

/** White space, a comma or a closing bracket ends a value. */
function isEnd(code: number): boolean {
  return code <= 0x20 || code === 0x2c || code === 0x29 || code === 0x5d || code === 0x7d;
}
