import { SpinbackError } from '../../base/errors.ts';
import { exactDuration, parseDuration } from '../../base/units.ts';

/** One setting of a fault: its default, also the type of its values, and what it means. */
export interface Setting {
  /** A number of ns for durations, a plain number for counts and CPUs, a word for choices. */
  readonly type: 'duration' | 'number' | readonly string[];
  readonly default: number | string;
  readonly help: string;
}

/** A setting's default as it may be given. */
export function defaultText({ type, default: value }: Setting): string {
  return type === 'duration' ? exactDuration(Number(value)) : String(value);
}

/** What a setting means, behind the values that it can have where these are words. */
export function helpText({ type, help }: Setting): string {
  return typeof type === 'object' ? `${type.join(', ')}: ${help}` : help;
}

export type Settings = Readonly<Record<string, Setting>>;

/** The values of a fault's settings. */
export class Values {
  readonly #settings: Settings;
  readonly #values: ReadonlyMap<string, number | string>;

  constructor(settings: Settings, values: ReadonlyMap<string, number | string>) {
    this.#settings = settings;
    this.#values = values;
  }

  /** Was this setting given? */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  number(name: string): number {
    return Number(this.#value(name));
  }

  word(name: string): string {
    return String(this.#value(name));
  }

  #value(name: string): number | string {
    return this.#values.get(name) ?? this.#settings[name]!.default;
  }
}

/**
 * Reads "key=value,key=value" for a fault. Throws USAGE for a setting that the fault does not have, or a value
 * that does not fit.
 */
export function readSettings(fault: string, settings: Settings, text: string): Values {
  const values = new Map<string, number | string>();
  for (const part of text.split(',').filter(Boolean)) {
    const [name, value] = part.split('=', 2) as [string, string | undefined];
    const setting = settings[name];
    if (!setting || value === undefined) {
      const known = Object.keys(settings).join(', ');
      throw new SpinbackError('USAGE', `${fault} has no setting "${part}"; it has ${known || 'none'}`);
    }
    values.set(name, readValue(fault, name, setting, value));
  }
  return new Values(settings, values);
}

function readValue(
  fault: string,
  name: string,
  { type, default: usual }: Setting,
  text: string,
): number | string {
  if (typeof type === 'object') {
    if (type.includes(text)) return text;
    throw new SpinbackError('USAGE', `${fault}: ${name} is one of ${type.join(', ')}, not "${text}"`);
  }
  const value = type === 'duration' ? parseDuration(text) : Number(text);
  // -1 stands for any CPU, where that is the default.
  const least = typeof usual === 'number' ? Math.min(0, usual) : 0;
  if (value !== undefined && Number.isFinite(value) && value >= least) return value;
  throw new SpinbackError('USAGE', `${fault}: ${name} wants a ${type}, not "${text}"`);
}
