/** A word of a command line as a POSIX shell reads it back: "a.dat", "'dir x/a.dat'", "'it'\''s'". */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** A path as an argument: not even "-x" is taken for an option. "-" by itself is standard input. */
export function shellPath(path: string): string {
  return shellWord(path.startsWith('-') && path !== '-' ? `./${path}` : path);
}
