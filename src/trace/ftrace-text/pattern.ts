import { SpinbackError } from '../../base/errors.ts';
import type { TextPattern } from '../../mapping/rows.ts';

/** What an expression's groups caught, by number. */
export type Caught = ArrayLike<string | undefined>;

/** What one of the groups caught, undefined when none of them took part. */
export function caught(match: Caught, groups: readonly number[] | undefined): string | undefined {
  if (groups === undefined) return undefined;
  for (const group of groups) if (match[group] !== undefined) return match[group];
  return undefined;
}

/**
 * Compiles an expression. Two things are ours: it must fit from the text's beginning, and underscores at the end of
 * a group's name do not belong to the field's name, for an expression may not use one name twice, but two
 * alternatives may want to. Groups become numbered, and fields that nobody wants become no groups at all: every
 * string caught costs time. Throws SpinbackError USAGE for what is not a regular expression.
 */
export function compilePattern(
  event: string,
  source: string,
  wanted: (field: string) => boolean,
): TextPattern {
  const groups = new Map<string, number[]>();
  const expression = compile(event, numberGroups(source, wanted, groups));
  return {
    source,
    groups,
    exec(text) {
      expression.lastIndex = 0;
      return expression.exec(text);
    },
  };
}

function compile(event: string, source: string): RegExp {
  try {
    return new RegExp(source, 'y');
  } catch (error) {
    throw new SpinbackError(
      'USAGE',
      `the text pattern of ${event} is not a regular expression: ${String(error)}`,
    );
  }
}

/** What matters of an expression here: escapes, character classes, and opening parentheses. */
const TOKEN = /\\[^]|\[(?:\\[^]|[^\]\\])*\]|\((?:\?(?:<([A-Za-z_$][\w$]*)>|<?[:=!]))?/g;

/** Turns `(?<name>` into `(` and notes the group's number under the field's name, or into `(?:`. */
function numberGroups(
  source: string,
  wanted: (field: string) => boolean,
  groups: Map<string, number[]>,
): string {
  let count = 0;
  return source.replace(TOKEN, (token, name: string | undefined) => {
    if (!token.startsWith('(')) return token;
    if (name === undefined) {
      if (token === '(') count++; // a group without a name, which a back reference may want
      return token;
    }
    const field = name.replace(/_+$/, '');
    if (!wanted(field)) return '(?:';
    groups.set(field, [...(groups.get(field) ?? []), ++count]);
    return '(';
  });
}
