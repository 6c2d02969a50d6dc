import widthOf from 'fast-string-width';

export type Align = 'left' | 'right';

const GAP = '  ';

/**
 * A table without borders, two spaces between its columns and nothing behind the last one, as it survives a mail
 * program. Without `head` it has no heading. Columns are as many as `aligns`, and as wide as a terminal shows their texts.
 */
export function table(
  head: readonly string[] | null,
  rows: readonly (readonly string[])[],
  aligns: readonly Align[],
  indent = 2,
): string[] {
  const lines = head === null ? rows : [head, ...rows];
  const widths = aligns.map((_, column) =>
    lines.reduce((widest, cells) => Math.max(widest, widthOf(cells[column] ?? '')), 0),
  );
  return lines.map((cells) => {
    const padded = aligns.map((align, column) => {
      const text = cells[column] ?? '';
      const padding = ' '.repeat(widths[column]! - widthOf(text));
      return align === 'left' ? text + padding : padding + text;
    });
    return (' '.repeat(indent) + padded.join(GAP)).trimEnd();
  });
}
