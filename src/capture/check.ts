import { offerOf, type Offer } from './offers.ts';
import type { Need, Situation } from './situations.ts';

/** The machine to record on, as its files show it. */
export interface Machine {
  /** "6.12.117". */
  readonly release: string;
  readonly cpus: number;
  exists(path: string): boolean;
  /** A file's text, null when it is not there or may not be read. Long files are cut. */
  read(path: string): string | null;
  /** Is there such a program on the path? */
  hasProgram(name: string): boolean;
}

/** What a situation comes to on a machine. */
export interface Check {
  readonly situation: Situation;
  /** Events of the script that the kernel has; null where that could not be looked at. */
  readonly events: readonly string[] | null;
  /** What cannot be seen, and why. */
  readonly unseen: readonly Unseen[];
  /** Why the script cannot do what it is for; empty when it can. */
  readonly blockers: readonly string[];
}

export interface Unseen {
  readonly events: readonly string[];
  readonly what: string;
  readonly why: string;
}

const TRACEFS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

/** Holds a situation's script against the machine. */
export function check(situation: Situation, script: string, machine: Machine): Check {
  const tracefs = TRACEFS.find((path) => machine.exists(`${path}/events`));
  const programs = situation.programs
    .filter((name) => !machine.hasProgram(name))
    .map((name) => `${name} is not installed`);
  if (tracefs === undefined) {
    const why = `${TRACEFS[0]} cannot be read: run as root, or mount it (mount -t tracefs nodev ${TRACEFS[0]}); nothing of the kernel was checked`;
    return { situation, events: null, unseen: [], blockers: [why, ...programs] };
  }
  const config = configOf(machine);
  const blockers = situation.needs.flatMap((need) => lacking(need, tracefs, machine, config) ?? []);
  const wanted = eventsOf(script);
  const events = wanted.filter((event) => hasEvent(event, tracefs, machine));
  return {
    situation,
    events,
    unseen: unseenOf(
      wanted.filter((event) => !events.includes(event)),
      config,
    ),
    blockers: [...blockers, ...programs],
  };
}

/** The events that a script asks for: the lines of its EVENTS. */
export function eventsOf(script: string): string[] {
  const block = /^EVENTS="\n([^"]*)"$/m.exec(script)?.[1] ?? '';
  return block.split('\n').filter(Boolean);
}

function hasEvent(event: string, tracefs: string, machine: Machine): boolean {
  return machine.exists(`${tracefs}/events/${event.replace(':', '/')}`);
}

function lacking(need: Need, tracefs: string, machine: Machine, config: Config): string | null {
  if ('btf' in need) {
    return machine.exists('/sys/kernel/btf/vmlinux')
      ? null
      : 'no /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF): bpftrace needs it, or the headers of this kernel';
  }
  if ('event' in need)
    return hasEvent(need.event, tracefs, machine)
      ? null
      : `no ${need.event}: ${neededFor(need.option, config)}`;
  const path = `${tracefs}/${need.file}`;
  if (!machine.exists(path)) return `no ${path}: ${neededFor(need.option, config)}`;
  if (need.holds === undefined || machine.read(path)?.includes(need.holds)) return null;
  return `${path} does not speak of ${need.holds}: it needs ${need.option}`;
}

function neededFor(options: string, config: Config): string {
  const set = (options.match(/CONFIG_\w+/g) ?? []).filter((option) => config.get(option) !== undefined);
  const states = set.map((option) => `${option}=${config.get(option)}`);
  return `it needs ${options}${states.length ? ` (here: ${states.join(', ')})` : ''}`;
}

function unseenOf(missing: readonly string[], config: Config): Unseen[] {
  const byOffer = new Map<Offer | undefined, string[]>();
  for (const event of missing) {
    const offer = offerOf(event);
    byOffer.set(offer, [...(byOffer.get(offer) ?? []), event]);
  }
  return [...byOffer].map(([offer, events]) => {
    const states = (offer?.options ?? [])
      .filter((option) => config.has(option))
      .map((option) => `${option}=${config.get(option)}`);
    const here = states.length ? `; here ${states.join(', ')}` : '';
    return {
      events,
      what: offer?.without ?? 'what these events tell',
      why: `${offer?.from ?? 'other kernels'}${here}`,
    };
  });
}

type Config = ReadonlyMap<string, string>;

/** The kernel's configuration, empty where it does not show it. Options that are not set have the value "n". */
function configOf(machine: Machine): Config {
  const { release } = machine;
  const text =
    ['/proc/config.gz', `/boot/config-${release}`, `/lib/modules/${release}/config`]
      .map((path) => machine.read(path))
      .find((found) => found !== null) ?? '';
  const config = new Map<string, string>();
  for (const [, set, value, unset] of text.matchAll(/^(?:(CONFIG_\w+)=(\S+)|# (CONFIG_\w+) is not set)$/gm))
    config.set(set ?? unset!, set ? value! : 'n');
  return config;
}
