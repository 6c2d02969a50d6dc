import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseMapping } from '../../src/mapping/file/mapping-file.ts';
import { loadMapping } from '../../src/mapping/load.ts';
import { BUILTIN_ROWS } from '../../src/mapping/rows.ts';

const HEAD = 'schema: spinback/mapping@1\n';
const events = (rows: string): string => `${HEAD}events:\n${rows}`;
const SHIPPED = join(import.meta.dirname, '../../mappings');

function errorOf(text: string): string {
  const parsed = parseMapping(text);
  if ('mapping' in parsed) throw new Error('the file was accepted');
  const { line, column, message } = parsed.error;
  return `${line}:${column}: ${message}`;
}

test('a row has what the file says, in YAML and in JSON', () => {
  const row = { event: 'bl:a_enter', kind: 'attempt', address: 'bh', bit: 4, value: 'state' };
  const yaml = events('  - { event: bl:a_enter, kind: attempt, address: bh, bit: 4, value: state }\n');
  const json = JSON.stringify({ schema: 'spinback/mapping@1', events: [row] }, null, 2);
  for (const text of [yaml, json, `\ufeff${yaml}`])
    expect(parseMapping(text)).toEqual({ mapping: { rows: [row], lines: [] } });
});

// Line and column are those of what is wrong, in a file of several lines.
test.each([
  ['', '1:1: is empty'],
  ['a: [', '1:5: is not YAML'],
  ['a: 1\na: 2\n', '2:1: is not YAML: Map keys must be unique'],
  ['[1, 2]', '1:1: must be a map with the keys schema'],
  ['events: []', '1:1: "schema" is missing'],
  ['schema: spinback/mapping@1\nabout: cut here\n', '1:1: maps nothing'],
  ['schema: spinback/mapping@2', '1:9: schema must be spinback/mapping@1'],
  [events('  - 5\n'), '3:5: events[0] must have the keys event, kind'],
  [events('  - event: bl:x\n    kind: nothing\n'), '4:11: events[0].kind is no kind: give attempt, contend'],
  [
    events('  - event: bl:x\n    knid: attempt\n'),
    '4:5: events[0] there is no "knid" here: give event, kind',
  ],
  [events('  - event: bl:x\n'), '3:5: events[0] "kind" is missing'],
  [events('  - event: x\n    kind: message\n'), '3:12: events[0].event must be "system:name"'],
  [events('  - event: bl:x\n    kind: acquire\n'), '3:5: events[0] a row of kind acquire needs the address'],
  [
    events('  - { event: bl:x, kind: attempt, address: a, bit: 64 }\n'),
    '3:52: events[0].bit must be a number from 0 to 63',
  ],
  [
    events('  - { event: bl:x, kind: attempt, address: a, bit: 1, namespace: lock }\n'),
    '3:66: events[0].namespace must be word',
  ],
  [
    events('  - { event: bl:x, kind: switch, high: next }\n'),
    '3:40: events[0].high is the upper half of a value',
  ],
  [
    events('  - { event: bl:x, kind: message, flags: [spinning] }\n'),
    '3:43: events[0].flags[0] is no flag: give irqs-off',
  ],
  [
    events('  - { event: bl:x, kind: message, flagsFrom: { field: f, bits: { 6: try } } }\n'),
    'events[0].flagsFrom.bits',
  ],
  [
    events('  - { event: bl:x, kind: pass, entry: bl:y }\n'),
    '3:39: events[0].entry bl:y has no row of kind attempt',
  ],
  [
    events('  - { event: bl:x, kind: release, entry: bl:y }\n'),
    '3:42: events[0].entry goes with the kinds pass and acquire, not with release',
  ],
  [
    events(
      "  - { event: 'bl:*_in', kind: attempt, address: a }\n  - { event: bl:x, kind: pass, entry: 'bl:*_in' }\n",
    ),
    '4:39: events[1].entry must have one * where the event has one',
  ],
  [
    events("  - { event: bl:x, kind: message, text: '(?=x)' }\n"),
    '3:41: events[0].text is no regular expression of the RE2 syntax',
  ],
  [
    events("  - { event: bl:x, kind: message, text: '(a{1000}){1000}' }\n"),
    '3:41: events[0].text is no regular expression of the RE2 syntax',
  ],
  [`${HEAD}lines:\n  - pattern: '(?<ns>\\d+)'\n`, '3:14: lines[0].pattern needs a group cpu'],
  [`${HEAD}lines:\n  - pattern: '(?<cpu>\\d+)'\n`, '3:14: lines[0].pattern needs a group for the time'],
  [`${HEAD}lines: 5\n`, '2:8: lines must be a list'],
])('%j is refused: %s', (text, message) => {
  expect(errorOf(text)).toContain(message);
});

test('the message of a file names the file', async () => {
  await expect(loadMapping('schema: x', 'my.yaml')).rejects.toThrow(
    expect.objectContaining({
      code: 'USAGE',
      message: expect.stringMatching(/^my\.yaml:1:9: schema must be/),
    }),
  );
});

describe('hostile files end in a message', () => {
  test('every truncation and flipped byte of a real one', () => {
    const text = readFileSync(join(SHIPPED, 'bpftrace.yaml'), 'utf8');
    for (let end = 0; end < text.length; end += 7) parseMapping(text.slice(0, end));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(255), (at, byte) => {
        parseMapping(text.slice(0, at) + String.fromCharCode(byte) + text.slice(at + 1));
      }),
    );
  });

  test.each([
    ['nesting without end', '['.repeat(100_000)],
    ['maps without end', '{a: '.repeat(20_000)],
    [
      'aliases that multiply',
      Array.from({ length: 12 }, (_, n) => `k${n}: &a${n} [${n ? Array(9).fill(`*a${n - 1}`) : 'x'}]`).join(
        '\n',
      ),
    ],
    ['a map with too many keys', Array.from({ length: 20_000 }, (_, n) => `k${n}: 1`).join('\n')],
    ['a tag without end', '!!'.repeat(100_000)],
    ['a text without end', `"${'\\n \n'.repeat(50_000)}`],
    ['too large a file', `# ${'x'.repeat(300 * 1024)}`],
    [
      'an expression that is huge when written out',
      events(`  - { event: a:b, kind: message, text: '${'(x{30}y?)'.repeat(99)}{30}' }\n`),
    ],
  ])('%s', (_, text) => {
    expect(errorOf(text)).toMatch(/^\d+:\d+: .{5,250}$/s);
  });

  test('any text ends in a mapping or a message', () => {
    const token = fc.constantFrom(
      ...'{}[]:,-?!&*#|>%@`"\'\n \t',
      'schema',
      'events',
      'a',
      '- ',
      ': ',
      '\n  ',
      '<<',
      '---\n',
      '0',
      '~',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(token, { maxLength: 200 }).map((all) => all.join('')),
        ),
        (text) => {
          expect(Object.keys(parseMapping(text))).toHaveLength(1);
          expect(Object.keys(parseMapping(events(text)))).toHaveLength(1);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('an expression that would take exponential time elsewhere does not here', () => {
    const parsed = parseMapping(events("  - { event: a:b, kind: message, text: '(a+)+(b+)+(a|a)*$' }\n"));
    if (!('mapping' in parsed)) throw new Error('refused');
    const { text } = parsed.mapping.rows[0]!;
    expect(typeof text === 'object' && text.exec(`${'a'.repeat(1000)}!`)).toBeNull();
  });
});

describe('the mappings that come with spinback', () => {
  const files = readdirSync(SHIPPED).filter((file) => file.endsWith('.yaml'));

  test.each(files)('%s is in order and says what it is about', (file) => {
    const text = readFileSync(join(SHIPPED, file), 'utf8');
    expect(parseMapping(text)).toHaveProperty('mapping');
    expect(parse(text).about.length).toBeGreaterThan(80);
  });

  test('builtin.yaml is the built-in table', () => {
    expect(parse(readFileSync(join(SHIPPED, 'builtin.yaml'), 'utf8')).events).toEqual(BUILTIN_ROWS);
  });
});
