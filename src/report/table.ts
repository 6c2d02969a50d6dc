import Table from 'cli-table3';

export type Align = 'left' | 'right';

const EDGES = [
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right',
  'left left-mid mid mid-mid right right-mid middle',
]
  .join(' ')
  .split(' ');
const NO_BORDERS = Object.fromEntries(EDGES.map((edge) => [edge, '']));

/**
 * A table without borders, two spaces between its columns and nothing behind the last one, as it survives a mail
 * program. Without `head` it has no heading.
 */
export function table(
  head: readonly string[] | null,
  rows: readonly (readonly string[])[],
  aligns: readonly Align[],
  indent = 2,
): string[] {
  const drawn = new Table({
    ...(head === null ? {} : { head: [...head] }),
    chars: NO_BORDERS,
    colAligns: [...aligns],
    style: { 'padding-left': 0, 'padding-right': 2, head: [], border: [], compact: true },
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn
    .toString()
    .split('\n')
    .map((line) => (' '.repeat(indent) + line).trimEnd());
}
