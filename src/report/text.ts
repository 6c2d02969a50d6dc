/** Lines of reports never get longer than this, so that mail programs leave them alone. */
export const MAX_WIDTH = 100;

/** "fake_endio-108", as ftrace prints a task; "<...>-108" where the capture does not know the name. */
export function task(comm: string | null, pid: number): string {
  return `${comm === null ? '<...>' : clip(comm, 24)}-${pid}`;
}

/** At most `width` characters; "..." says that something is missing. */
export function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 3))}...`;
}

/** "1 event", "2 events". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Stands for a space at which no line ends. Reports hold no other control character: they are printable. */
const GLUE = '\u0001';
// "(spinback capture --print lockdep)": what is pasted into a shell stays on one line.
const COMMAND = /\(spinback [^()]*\)/g;

/**
 * Breaks `text` at spaces into lines of at most `width` characters, commands of spinback in parentheses at their ends only. A word that is longer
 * than a line is cut: the text may come from a damaged file.
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.replace(COMMAND, (command) => command.replaceAll(' ', GLUE)).split(' ')) {
    let rest = word.replaceAll(GLUE, ' ');
    if (line !== '' && line.length + 1 + rest.length <= width) {
      line += ` ${rest}`;
      continue;
    }
    if (line !== '') lines.push(line);
    for (; rest.length > width; rest = rest.slice(width)) lines.push(rest.slice(0, width));
    line = rest;
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  return lines;
}

/** `text` behind `prefix` on the first line and indented by as much on the following ones. */
export function hang(prefix: string, text: string, width: number): string[] {
  const indent = ' '.repeat(prefix.length);
  return wrap(text, Math.max(20, width - prefix.length)).map(
    (line, at) => (at === 0 ? prefix : indent) + line,
  );
}

/** "What this is good for: spinback info a.dat". The command is never broken: where it does not fit, it has a line of its own, however long. */
export function suggestion(what: string, command: string, width: number): string[] {
  const line = `${what}: ${command}`;
  return line.length <= width ? [line] : [...hang('', `${what}:`, width), `  ${command}`];
}

/** Blocks of lines with an empty line between them; empty blocks are left out. Ends with a newline. */
export function page(blocks: readonly (readonly string[])[]): string {
  const full = blocks.filter((lines) => lines.length > 0);
  return `${full.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}
