import type { Damage } from './capture.ts';

/** What each kind of damage means; the keys are the names in reports. */
export interface DamageKind {
  readonly severity: Damage['severity'];
  readonly text: string;
}

/** A mapping row that means nothing here: told, because a misspelt name would otherwise silently find nothing. */
export const MAPPING_UNUSED = {
  severity: 'info',
  text: 'Events that the mapping files name do not occur in this capture: is it the right file, spelt as the kernel spells them?',
} as const satisfies DamageKind;

/** The first few of many names, for a sentence. */
export function fewOf(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  return names.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
const MOST_NAMED = 5;

/** Counts damage by name and remembers where each kind was met first. */
export class DamageLog<Name extends string> {
  readonly #kinds: Readonly<Record<Name, DamageKind>>;
  readonly #met = new Map<Name, { count: number; offset: number | undefined; detail: string }>();

  constructor(kinds: Readonly<Record<Name, DamageKind>>) {
    this.#kinds = kinds;
  }

  /** `detail` of the first one is appended to the kind's text. */
  add(name: Name, offset?: number, detail = '', count = 1): void {
    const met = this.#met.get(name);
    if (met) met.count += count;
    else this.#met.set(name, { count, offset, detail });
  }

  list(): Damage[] {
    return [...this.#met].map(([name, { count, offset, detail }]) => {
      const { severity, text } = this.#kinds[name];
      const whole = detail === '' ? text : `${text} (${detail})`;
      return { name, severity, text: whole, count, ...(offset === undefined ? {} : { offset }) };
    });
  }
}
