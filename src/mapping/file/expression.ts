import { RE2JS } from 're2js';
import type { TextSpans } from '../mapping.ts';
import type { TextPattern } from '../rows.ts';

// Regular expressions of users run over every line of a capture. RE2's engine takes time in proportion to the text for
// every expression (no back references, no lookaround), so that no expression can hang a run.

/** Instructions of a compiled expression; nested repetitions multiply them, and each costs time at every character. */
const LARGEST_PROGRAM = 1024;

/** Why a text is no expression that can be used. */
export class ExpressionError extends Error {}

/** Compiles the expression of a row: groups are fields, and underscores at the end of a group's name do not count. */
export function compileText(source: string): TextPattern {
  const pattern = compile(source);
  const groups = new Map<string, number[]>();
  for (const [name, number] of Object.entries(pattern.namedGroups())) {
    const field = name.replace(/_+$/, '');
    groups.set(field, [...(groups.get(field) ?? []), number]);
  }
  const count = pattern.groupCount();
  return {
    source,
    groups,
    exec(text) {
      const matcher = pattern.matcher(text);
      if (!matcher.lookingAt()) return null;
      return Array.from({ length: count + 1 }, (_, group) => matcher.group(group) ?? undefined);
    },
  };
}

/** Compiles the expression of a line. */
export function compileSpans(source: string): TextSpans {
  const pattern = compile(source);
  const numbers = pattern.namedGroups();
  return {
    source,
    groups: new Set(Object.keys(numbers)),
    exec(text) {
      const matcher = pattern.matcher(text);
      if (!matcher.lookingAt()) return null;
      return (group) => {
        const number = Object.hasOwn(numbers, group) ? numbers[group] : undefined;
        if (number === undefined) return null;
        const start = matcher.start(number);
        return start < 0 ? null : [start, matcher.end(number)];
      };
    },
  };
}

function compile(source: string): RE2JS {
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(source);
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).replace(
      'error parsing regexp: ',
      '',
    );
    throw new ExpressionError(`is no regular expression of the RE2 syntax: ${why}`);
  }
  if (pattern.programSize() > LARGEST_PROGRAM) {
    throw new ExpressionError('is too large: write repetitions that nest as * or +');
  }
  return pattern;
}
