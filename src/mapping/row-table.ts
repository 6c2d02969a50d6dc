import { BUILTIN_ROWS, type MappingRow } from './rows.ts';

interface Numbered {
  readonly row: MappingRow;
  readonly order: number;
}

/** Which row means which event: the built-in rows and a user's own, of which a later one replaces an earlier one. */
export class RowTable {
  /** The user's rows. */
  readonly own: readonly MappingRow[];
  readonly #byEvent = new Map<string, Numbered>();
  /** By the name without the system, for captures that do not tell it. Made when first asked for. */
  #byName: Map<string, Numbered> | null = null;
  readonly #patterns: Numbered[] = [];
  readonly #used = new Set<MappingRow>();

  constructor(own: readonly MappingRow[] = [], builtin: readonly MappingRow[] = BUILTIN_ROWS) {
    this.own = own;
    let order = 0;
    for (const row of [...builtin, ...own]) {
      const numbered = { row, order: order++ };
      if (row.event.includes('*')) this.#patterns.push(numbered);
      else this.#byEvent.set(row.event, numbered);
    }
  }

  /** The row of an event, null where none names it. `system` is empty where the capture does not tell it. */
  find(system: string, name: string): MappingRow | null {
    const event = `${system}:${name}`;
    let best = system === '' ? this.#named().get(name) : this.#byEvent.get(event);
    for (const pattern of this.#patterns) {
      if (best && best.order > pattern.order) continue;
      const glob = pattern.row.event;
      if (system === '' ? fits(nameOf(glob), name) : fits(glob, event)) best = pattern;
    }
    if (!best) return null;
    this.#used.add(best.row);
    const { event: pattern, entry } = best.row;
    if (!entry?.includes('*')) return best.row;
    // "bl:*_return" has its entry in "bl:*_enter": what the star stands for is the same.
    const whole = system === '' ? nameOf(pattern) : pattern;
    const star = whole.indexOf('*');
    const told = (system === '' ? name : event).slice(star, star + 1 - whole.length || undefined);
    return { ...best.row, entry: entry.replace('*', () => told) };
  }

  /** Events of the user's own rows that nothing asked for was one of. */
  unused(): string[] {
    return this.own.filter((row) => !this.#used.has(row)).map(({ event }) => event);
  }

  #named(): Map<string, Numbered> {
    this.#byName ??= new Map(
      [...this.#byEvent.values()]
        .toSorted((a, b) => a.order - b.order)
        .map((numbered) => [nameOf(numbered.row.event), numbered]),
    );
    return this.#byName;
  }
}

/** The event's name without its system. */
export function nameOf(event: string): string {
  return event.slice(event.indexOf(':') + 1);
}

/** Does `text` fit a pattern in which * stands for any characters? Time is bounded by the product of both lengths. */
export function fits(pattern: string, text: string): boolean {
  let at = 0;
  let p = 0;
  // Where the last star was, and how much of the text it has taken so far.
  let star = -1;
  let taken = 0;
  while (at < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      taken = at;
    } else if (pattern[p] === text[at]) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++taken;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
