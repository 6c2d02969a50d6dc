import * as v from 'valibot';
import { isMap, isScalar, LineCounter, parseDocument, type Document, visit, type ParsedNode } from 'yaml';
import type { LinePattern, Mapping, MappingError } from '../mapping.ts';
import { BUILTIN_ROWS, type MappingRow } from '../rows.ts';
import { compileSpans, compileText, ExpressionError } from './expression.ts';
import { FILE, type FileLine, type FileRow } from './schema.ts';

// Mapping files: YAML, of which JSON is a part. Only parseMapping is for others, and this is the only door to the
// libraries that it needs: nothing of them is loaded without a mapping file.

/** A mapping, or the first thing that is wrong with the file. */
export type Parsed = { readonly mapping: Mapping } | { readonly error: MappingError };

type Path = readonly (string | number)[];

/** Kinds that are about a lock or a word, and mean nothing without its address. */
const ABOUT_ADDRESS: ReadonlySet<string> = new Set([
  'attempt',
  'contend',
  'acquire',
  'wait end',
  'release',
  'release hint',
  'pass',
  'word load',
  'word store',
  'word rmw',
  'observe',
]);

/** Something that the schema cannot tell, at a place of the file. */
class Wrong extends Error {
  readonly path: Path;

  constructor(path: Path, message: string) {
    super(message);
    this.path = path;
  }
}

/** Nobody writes mapping files larger than this, in UTF-16 units; what a stranger's costs stays small. */
const LONGEST = 256 * 1024;
/** The parser holds every key against all others of its map. */
const MOST_COMPARISONS = 2_000_000;
const LONGEST_MESSAGE = 240;

/** Parses and checks the text of a mapping file. Never throws. */
export function parseMapping(text: string): Parsed {
  const lines = new LineCounter();
  const at = (offset: number, message: string): Parsed => {
    const { line, col } = lines.linePos(offset);
    const said = message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}...` : message;
    return { error: { line: Math.max(1, line), column: Math.max(1, col), message: said } };
  };
  if (text.length > LONGEST) return at(0, `has more than ${LONGEST >> 10} KiB: that is no mapping file`);
  let document: Document.Parsed;
  let data: unknown;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: keyComparison() });
    const [error] = document.errors;
    if (error) return at(error.pos[0], `is not YAML: ${error.message}`);
    visit(document, { Alias: refuseAlias });
    data = document.toJS();
  } catch (error) {
    // Nesting without end, or aliases that multiply.
    return at(0, `cannot be read as YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (data === null) return at(0, 'is empty');
  if (!isMap(document.contents)) return at(0, 'must be a map with the keys schema, about, events, lines');
  const checked = v.safeParse(FILE, data);
  if (!checked.success) {
    // A key that nobody knows is most likely the one that is missing, misspelt.
    const issue = checked.issues.find(({ expected }) => expected === 'never') ?? checked.issues[0];
    const path = (issue.path ?? []).map(({ key }) => key as string | number);
    return at(offsetOf(document, path, issue.expected === 'never'), told(path, issue.message));
  }
  const { events, lines: patterns } = checked.output;
  if (events.length + patterns.length === 0)
    return at(0, 'maps nothing: it has neither events nor lines, or was cut before them');
  try {
    return { mapping: mappingOf(events, patterns) };
  } catch (error) {
    if (error instanceof Wrong) return at(offsetOf(document, error.path), told(error.path, error.message));
    throw error;
  }
}

/** A mapping has no use for aliases, and looking each of them up takes quadratic time. */
function refuseAlias(): never {
  throw new Error('aliases (*name) are not taken');
}

/** Are two keys the same? Gives up on maps of a size that only a stranger's file has. */
function keyComparison(): (a: ParsedNode, b: ParsedNode) => boolean {
  let left = MOST_COMPARISONS;
  return (a, b) => {
    if (left-- === 0) throw new Error('maps with too many keys');
    return a === b || (isScalar(a) && isScalar(b) && a.value === b.value);
  };
}

function mappingOf(events: readonly FileRow[], lines: readonly FileLine[]): Mapping {
  const rows = events.map(rowOf);
  const kinds = new Map([...BUILTIN_ROWS, ...rows].map(({ event, kind }) => [event, kind]));
  events.forEach(({ entry }, n) => {
    if (entry === undefined || kinds.get(entry) === 'attempt') return;
    throw new Wrong(['events', n, 'entry'], `${entry} has no row of kind attempt`);
  });
  return { rows, lines: lines.map(lineOf) };
}

function rowOf(row: FileRow, n: number): MappingRow {
  const path: Path = ['events', n];
  const { text, ...rest } = row;
  const { kind, address, entry, bit, namespace, high, value } = row;
  if (entry !== undefined) {
    if (kind !== 'pass' && kind !== 'acquire')
      throw new Wrong([...path, 'entry'], `goes with the kinds pass and acquire, not with ${kind}`);
    const [own, other] = [row.event, entry].map((name) => name.split('*').length - 1);
    if (own !== other || own! > 1)
      throw new Wrong(
        [...path, 'entry'],
        'must have one * where the event has one, and none where it has none',
      );
    const given = (['address', 'bit', 'namespace'] as const).find((key) => row[key] !== undefined);
    if (given) throw new Wrong([...path, given], 'is that of the entry');
  } else if (ABOUT_ADDRESS.has(kind) && address === undefined) {
    throw new Wrong(path, `a row of kind ${kind} needs the address`);
  }
  if (bit !== undefined && namespace !== undefined && namespace !== 'word')
    throw new Wrong([...path, 'namespace'], 'must be word where there is a bit');
  if (high !== undefined && value === undefined)
    throw new Wrong([...path, 'high'], 'is the upper half of a value: give that too');
  if (text === undefined) return rest as MappingRow;
  return { ...(rest as MappingRow), text: compiled([...path, 'text'], () => compileText(text)) };
}

function lineOf({ pattern: source, event, clock }: FileLine, n: number): LinePattern {
  const path: Path = ['lines', n, 'pattern'];
  const pattern = compiled(path, () => compileSpans(source));
  const lacks = (...names: string[]): boolean => !names.some((name) => pattern.groups.has(name));
  if (lacks('ns', 'us', 'seconds')) throw new Wrong(path, 'needs a group for the time: ns, us or seconds');
  if (lacks('cpu')) throw new Wrong(path, 'needs a group cpu');
  if (lacks('tid')) throw new Wrong(path, "needs a group tid (the thread's id: what the kernel calls pid)");
  if (lacks('event') && event === undefined)
    throw new Wrong(path, 'needs a group event, or an event beside it');
  return { pattern, event: event ?? null, clock: clock ?? 'unknown' };
}

function compiled<T>(path: Path, compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (error instanceof ExpressionError) throw new Wrong(path, error.message);
    throw error;
  }
}

/** "events[3].kind is no kind: ..." */
function told(path: Path, message: string): string {
  // What is said about a key names it.
  const named = message.includes(`"${path.at(-1)}"`) ? path.slice(0, -1) : path;
  const place = named.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
  return [place.replace(/^\./, ''), message].filter(Boolean).join(' ');
}

/** Where in the text the value at `path` (or its key) stands, or as much of the path as there is. */
function offsetOf(document: Document.Parsed, path: Path, atKey = false): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [n, key] of path.entries()) {
    const child = isCollection(node) ? node.get(key, true) : undefined;
    const wanted = atKey && n === path.length - 1 ? keyOf(node, key) : child;
    offset = startOf(wanted) ?? startOf(keyOf(node, key)) ?? offset;
    node = child;
  }
  return offset;
}

interface Collection {
  get(key: string | number, keepScalar: true): unknown;
}

function isCollection(node: unknown): node is Collection {
  return typeof (node as Partial<Collection> | null)?.get === 'function';
}

function keyOf(node: unknown, key: string | number): unknown {
  if (!isMap(node)) return null;
  return node.items.find(({ key: one }) => isScalar(one) && String(one.value) === String(key))?.key;
}

function startOf(node: unknown): number | null {
  return (node as { readonly range?: readonly [number, ...unknown[]] } | null)?.range?.[0] ?? null;
}
