// What can be wrong with a block that still looks like one: its counts, widths and varints rewritten with numbers from the edges, each
// part keeping its place. Bytes at random hardly ever make a varint of 64 bits where one counts.

import fc from 'fast-check';
import * as L from '../../assembly/layout.ts';
import { VarintWriter } from '../../src/blocks/varint.ts';

export type Harm =
  | { readonly is: 'bytes'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly is: 'count'; readonly field: number; readonly value: bigint }
  | { readonly is: 'width'; readonly field: number; readonly value: number }
  | { readonly is: 'time'; readonly value: bigint }
  /** In place of one field of an entry of a table. */
  | { readonly is: 'entry'; readonly table: TableName; readonly field: number; readonly value: bigint }
  /** In place of one varint. */
  | { readonly is: 'varint'; readonly part: Part; readonly at: number; readonly bytes: Uint8Array }
  /** One more, in front of another one. */
  | { readonly is: 'exception'; readonly at: number; readonly numbers: readonly Uint8Array[] };

type Part = 'tokens' | 'exceptions';
type TableName = keyof typeof TABLES;

const COUNTS = [
  L.BLOCK_EVENTS,
  L.BLOCK_LANES,
  L.BLOCK_STRANDS,
  L.BLOCK_SHAPES,
  L.BLOCK_TOKENS,
  L.BLOCK_TOKEN_BYTES,
  L.BLOCK_EXCEPTION_BYTES,
  L.BLOCK_WORD_BYTES,
  L.BLOCK_LABELS,
];
const WIDTHS = [L.BLOCK_TIME_BITS, L.BLOCK_STRAND_BITS, L.BLOCK_TOKEN_BITS];

/** The tables behind the header, in their order, with offset and bytes of the fields of an entry. */
const TABLES = {
  lanes: {
    count: L.BLOCK_LANES,
    size: L.DUE_SIZE,
    fields: [
      [L.DUE_POSITION, 8],
      [L.DUE_POSITION + 6, 2],
      [L.DUE_EVENTS, 8],
      [L.DUE_FIRST_BAD, 8],
      [L.DUE_PAGES, 4],
      [L.DUE_BAD_PAGES, 4],
      [L.DUE_BAD_EVENTS, 4],
      [L.DUE_BACKWARDS, 4],
    ],
  },
  strands: {
    count: L.BLOCK_STRANDS,
    size: L.STRAND_SIZE,
    fields: [
      [L.STRAND_HEAD, 8],
      [L.STRAND_LANE, 4],
    ],
  },
  shapes: { count: L.BLOCK_SHAPES, size: L.SHAPE_SIZE, fields: [[0, 8]] },
  labels: {
    count: L.BLOCK_LABELS,
    size: L.LABEL_SIZE,
    fields: [
      [L.LABEL_CLASS, 8],
      [L.LABEL_SITE, 8],
    ],
  },
} as const;

/** Around every bound that a number of a block has. */
const edge = fc
  .tuple(fc.constantFrom(0n, 7n, 16n, 31n, 32n, 47n, 48n, 63n, 64n), fc.integer({ min: -3, max: 2 }))
  .map(([power, more]) => BigInt.asUintN(64, (1n << power) + BigInt(more)));
const number = fc.oneof(edge, fc.bigInt(0n, 300n));

const varint = fc.oneof(
  { weight: 8, arbitrary: number.map(varintOf) },
  // More bits than there are, and none that ends.
  fc.constantFrom(Uint8Array.from([...Array(9).fill(0xff), 0x7f]), new Uint8Array(10).fill(0x80)),
);

function varintOf(value: bigint): Uint8Array {
  const writer = new VarintWriter();
  writer.unsigned(value);
  return writer.bytes.slice();
}

export const harm: fc.Arbitrary<Harm> = fc.oneof(
  fc.record({
    is: fc.constant('bytes' as const),
    at: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  }),
  fc.record({ is: fc.constant('count' as const), field: fc.constantFrom(...COUNTS), value: number }),
  fc.record({
    is: fc.constant('width' as const),
    field: fc.constantFrom(...WIDTHS),
    value: fc.constantFrom(0, 1, 8, 16, 17, 31, 32, 33, 56, 64, 255),
  }),
  fc.record({ is: fc.constant('time' as const), value: edge }),
  fc.record({
    is: fc.constant('entry' as const),
    table: fc.constantFrom(...(Object.keys(TABLES) as TableName[])),
    field: fc.nat(),
    value: number,
  }),
  fc.record({
    is: fc.constant('varint' as const),
    part: fc.constantFrom<Part>('tokens', 'exceptions'),
    at: fc.nat(),
    bytes: varint,
  }),
  fc.record({
    is: fc.constant('exception' as const),
    at: fc.nat(),
    numbers: fc.tuple(varint, varint, varint),
  }),
);

/** The block with all of that done to it. Places are taken modulo what there is. */
export function harmed(block: Uint8Array, harms: readonly Harm[]): Uint8Array {
  return harms.reduce((bytes, one) => inflict(bytes.slice(), one), block);
}

function inflict(block: Uint8Array, harm: Harm): Uint8Array {
  const view = new DataView(block.buffer);
  switch (harm.is) {
    case 'bytes': {
      // Most of a block is words, and what goes wrong there is soon told: every other one hits the header and the tables.
      const at = harm.at % (harm.at % 2 ? block.length : Math.min(block.length, 400));
      block.set(harm.bytes.subarray(0, block.length - at), at);
      return block;
    }
    case 'count':
      view.setUint32(harm.field, Number(harm.value & 0xffff_ffffn), true);
      return block;
    case 'width':
      view.setUint8(harm.field, harm.value);
      return block;
    case 'time':
      view.setBigUint64(L.BLOCK_TIME, harm.value, true);
      return block;
    case 'entry':
      return withEntry(block, view, harm);
    case 'varint':
      return withVarints(block, harm.part, (varints) => {
        if (varints.length > 0) varints[harm.at % varints.length] = harm.bytes;
      });
    case 'exception':
      return withVarints(block, 'exceptions', (varints) => {
        varints.splice(3 * (harm.at % (Math.floor(varints.length / 3) + 1)), 0, ...harm.numbers);
      });
  }
}

/** Where the tables and what is behind them begin, as the header has it; at most at the block's end. */
function startsOf(block: Uint8Array): Record<TableName | Part | 'words', number> {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  let at = L.BLOCK_HEADER;
  const next = (size: number): number => {
    const start = at;
    at = Math.min(block.length, at + size);
    return start;
  };
  const table = (name: TableName): number =>
    next(view.getUint32(TABLES[name].count, true) * TABLES[name].size);
  return {
    lanes: table('lanes'),
    strands: table('strands'),
    shapes: table('shapes'),
    labels: table('labels'),
    tokens: next(view.getUint32(L.BLOCK_TOKEN_BYTES, true)),
    exceptions: next(view.getUint32(L.BLOCK_EXCEPTION_BYTES, true)),
    words: at,
  };
}

function withEntry(
  block: Uint8Array,
  view: DataView,
  { table, field, value }: Extract<Harm, { is: 'entry' }>,
): Uint8Array {
  const { count, size, fields } = TABLES[table];
  const entries = view.getUint32(count, true);
  const [offset, width] = fields[field % fields.length]!;
  const at = startsOf(block)[table] + (Math.floor(field / fields.length) % (entries || 1)) * size + offset;
  if (entries === 0 || at + width > block.length) return block;
  const bytes = new Uint8Array(BigUint64Array.of(value).buffer);
  block.set(bytes.subarray(0, width), at);
  return block;
}

/** The block with the varints of a part changed, and the part's size told anew. */
function withVarints(block: Uint8Array, part: Part, change: (varints: Uint8Array[]) => void): Uint8Array {
  const starts = startsOf(block);
  const [from, to] =
    part === 'tokens' ? [starts.tokens, starts.exceptions] : [starts.exceptions, starts.words];
  const varints: Uint8Array[] = [];
  for (let at = from; at < to;) {
    let end = at + 1;
    while (end < to && block[end - 1]! > 127) end++;
    varints.push(block.slice(at, end));
    at = end;
  }
  change(varints);
  const written = Buffer.concat(varints);
  const bytes = new Uint8Array(Buffer.concat([block.subarray(0, from), written, block.subarray(to)]));
  const field = part === 'tokens' ? L.BLOCK_TOKEN_BYTES : L.BLOCK_EXCEPTION_BYTES;
  new DataView(bytes.buffer).setUint32(field, written.length, true);
  return bytes;
}
