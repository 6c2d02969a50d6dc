import stringWidth from 'string-width';

export type Align = 'left' | 'right';

/**
 * A table without borders, two spaces between its columns and nothing behind the last one, as it survives a mail
 * program. Without `head` it has no heading. Libraries that draw borders take half as long for one as replaying a capture does.
 */
export function table(
  head: readonly string[] | null,
  rows: readonly (readonly string[])[],
  aligns: readonly Align[],
  indent = 2,
): string[] {
  const lines = head === null ? rows : [head, ...rows];
  const widths = aligns.map((_, column) =>
    lines.reduce((width, cells) => Math.max(width, stringWidth(cells[column] ?? '')), 0),
  );
  const padded = (text: string, column: number): string => {
    const room = ' '.repeat(widths[column]! - stringWidth(text));
    return aligns[column] === 'right' ? room + text : text + room;
  };
  return lines.map((cells) =>
    (' '.repeat(indent) + cells.slice(0, aligns.length).map(padded).join('  ')).trimEnd(),
  );
}
