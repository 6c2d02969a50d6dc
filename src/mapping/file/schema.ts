import * as v from 'valibot';
import { FLAGS, KINDS, NAMESPACES, type FlagName } from '../../model/event.ts';
import { SCHEMA } from '../mapping.ts';

// The shape of a mapping file. What takes more than one value to judge is in mapping-file.ts.

/** More rows than a kernel has tracepoints help nobody. */
const MOST_ROWS = 4096;
const MOST_LINES = 32;
/** Names of systems and events have at most 64 characters each (MAX_EVENT_NAME_LEN, kernel/trace/trace.h, Linux 6.12). */
const LONGEST_EVENT = 129;

/** Kinds that a row may give; a recorder's losses are told by its own marks. */
export const ROW_KINDS = KINDS.filter((kind) => kind !== 'other' && kind !== 'lost');

const oneOf = <const T extends readonly string[]>(names: T, what: string) =>
  v.picklist(names, `is no ${what}: give ${names.join(', ')}`);

const event = v.pipe(
  v.string('must be "system:name"'),
  v.maxLength(LONGEST_EVENT, `has more than ${LONGEST_EVENT} characters`),
  v.regex(/^[\w*]+:[\w.*]+$/, 'must be "system:name", such as bl:finish_enter; * stands for any characters'),
);
const exactEvent = v.pipe(event, v.regex(/^[^*]*$/, 'must name one event, without *'));
const field = v.pipe(
  v.string('must be the name of a field'),
  v.regex(/^[A-Za-z_]\w{0,63}$/, 'must be the name of a field, such as addr'),
);
const expression = v.pipe(
  v.string('must be a regular expression'),
  v.maxLength(2048, 'has more than 2048 characters'),
);
const flag = oneOf(Object.keys(FLAGS) as FlagName[], 'flag');
const bitNumber = v.pipe(
  v.number('must be a number from 0 to 63, or the name of the field that holds it'),
  v.integer('must be a whole number'),
  v.minValue(0, 'must be a number from 0 to 63'),
  v.maxValue(63, 'must be a number from 0 to 63'),
);

const row = v.strictObject(
  {
    event,
    kind: oneOf(ROW_KINDS, 'kind'),
    namespace: v.optional(oneOf(NAMESPACES, 'namespace')),
    address: v.optional(field),
    bit: v.optional(v.union([bitNumber, field], 'must be a number from 0 to 63, or the name of a field')),
    value: v.optional(field),
    high: v.optional(field),
    flagsFrom: v.optional(
      v.strictObject(
        {
          field,
          bits: v.optional(
            v.record(v.pipe(v.string(), v.regex(/^[0-5]$/, 'must be a bit from 0 to 5')), flag),
          ),
          nonzero: v.optional(flag),
        },
        notAnObject('field, bits, nonzero'),
      ),
    ),
    flags: v.optional(v.array(flag, 'must be a list of flags')),
    name: v.optional(field),
    site: v.optional(field),
    entry: v.optional(event),
    text: v.optional(expression),
  },
  notAnObject('event, kind, namespace, address, bit, value, high, flagsFrom, flags, name, site, entry, text'),
);

const line = v.strictObject(
  {
    pattern: expression,
    event: v.optional(exactEvent),
    clock: v.optional(
      v.pipe(
        v.string('must be the name of a clock'),
        v.regex(/^[\w-]{1,32}$/, 'must be the name of a clock'),
      ),
    ),
  },
  notAnObject('pattern, event, clock'),
);

export const FILE = v.strictObject(
  {
    schema: v.literal(SCHEMA, `must be ${SCHEMA}, the only version there is`),
    about: v.optional(v.string('must be text')),
    events: v.optional(
      v.pipe(
        v.array(row, 'must be a list of rows'),
        v.maxLength(MOST_ROWS, `has more than ${MOST_ROWS} rows`),
      ),
      [],
    ),
    lines: v.optional(
      v.pipe(
        v.array(line, 'must be a list'),
        v.maxLength(MOST_LINES, `has more than ${MOST_LINES} patterns`),
      ),
      [],
    ),
  },
  notAnObject('schema, about, events, lines'),
);

export type FileRow = v.InferOutput<typeof row>;
export type FileLine = v.InferOutput<typeof line>;

/** One message for what an object lacks, has too much of, or is not. */
function notAnObject(keys: string): (issue: v.BaseIssue<unknown>) => string {
  return ({ expected, path, received }) => {
    const key = String(path?.at(-1)?.key ?? '');
    if (expected === 'never') return `there is no "${key}" here: give ${keys}`;
    if (expected?.startsWith('"')) return `"${key}" is missing`;
    return `must have the keys ${keys}, and is ${received}`;
  };
}
