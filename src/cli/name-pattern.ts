import { SpinbackError } from '../base/errors.ts';
import { shellWord } from '../base/shell.ts';
import { printable } from '../report/printable.ts';

/** What `stats --lock` was given: an RE2 expression that may match anywhere in a name. */
export interface NamePattern {
  matches(name: string): boolean;
  /** Why none of these names matches, and what would, as a sentence. */
  advice(names: Iterable<string>): string;
}

/** RE2: linear time whatever the expression is. Throws USAGE for what is none. */
export async function namePattern(text: string): Promise<NamePattern> {
  const { RE2JS } = await import('re2js');
  const literal = RE2JS.quote(text);
  const compile = (): InstanceType<typeof RE2JS> => {
    try {
      return RE2JS.compile(text);
    } catch (error) {
      const why = (error as Error).message.replace(/^error parsing regexp: /, '');
      throw new SpinbackError(
        'USAGE',
        `--lock ${shellWord(text)} is no RE2 expression, which matches anywhere in a name: ${why}. ` +
          `For these characters as they are: --lock ${shellWord(literal)}`,
      );
    }
  };
  const expression = compile();
  const asIs = RE2JS.compile(literal, RE2JS.CASE_INSENSITIVE);
  return {
    matches: (name) => expression.matcher(name).find(),
    advice(names) {
      const known = [...new Set(names)];
      const same = known.filter((name) => asIs.matcher(name).find());
      const head = `--lock ${shellWord(text)} matches none of ${known.length} names`;
      if (same.length > 0)
        return `${head}: it is an RE2 expression, with case. As text it is in ${few(same)}: --lock ${shellWord(`(?i)${literal}`)}`;
      const like = closest(text, known);
      return like.length > 0 ? `${head}; the nearest are ${few(like)}` : head;
    },
  };
}

const MOST_SHOWN = 3;

function few(names: readonly string[]): string {
  return names
    .slice(0, MOST_SHOWN)
    .map((name) => `'${printable(name)}'`)
    .join(', ');
}

/** Names that share the most groups of three characters with a text, for the misspelt. */
function closest(text: string, names: readonly string[]): string[] {
  const wanted = groupsOf(text);
  return names
    .map((name) => ({ name, shared: [...groupsOf(name)].filter((group) => wanted.has(group)).length }))
    .filter(({ shared }) => shared > 0 && 3 * shared >= wanted.size)
    .toSorted((a, b) => b.shared - a.shared)
    .map(({ name }) => name);
}

function groupsOf(text: string): Set<string> {
  const letters = text.toLowerCase();
  return new Set(
    Array.from({ length: Math.max(0, letters.length - 2) }, (_, at) => letters.slice(at, at + 3)),
  );
}
