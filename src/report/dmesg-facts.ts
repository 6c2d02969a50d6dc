import { duration, seconds } from '../base/units.ts';
import type { DecodedWord, Incident, LogFrame, LogLock, SpinLoop, StackPart } from '../model/kernel-log.ts';
import { plural } from './text.ts';

export type Fact = readonly [label: string, text: string];

const MOST = 6;
const PARTS: readonly (readonly [part: StackPart, label: string])[] = [
  ['nmi', 'NMI'],
  ['hardirq', 'hardirq'],
  ['softirq', 'softirq'],
  ['process', 'process'],
];

/** A log's time as the kernel prints it: "427149.717553". */
export function logTime(ns: string): string {
  return seconds(BigInt(ns)).slice(0, -3);
}

/** The facts of an incident, label and text. */
export function incidentFacts(incident: Incident): Fact[] {
  const { interrupts, interruptsSince, spin, workqueue, detectedBy, holder, held, nesting, stillStuck } =
    incident;
  return [
    ...reports(incident),
    ...stillStuck
      .slice(0, 3)
      .map(({ atNs, afterNs, function: name }): Fact => [
        'still there',
        `${afterNs === null ? 'later' : `${duration(afterNs)} later`}${atNs === null ? '' : `, at ${logTime(atNs)}`}${name === null ? '' : `, in ${name}`}`,
      ]),
    ...(detectedBy === null ? [] : [['noticed by', `CPU ${detectedBy}`] as const]),
    ...(workqueue === null ? [] : [['workqueue', workqueue] as const]),
    ...(interrupts === null ? [] : [['interrupts', `${interrupts.state} (${interrupts.why})`] as const]),
    ...(interruptsSince === null
      ? []
      : [['irq trace', `${interruptsSince.text}: of ${interruptsSince.of}`] as const]),
    ...stackFacts(incident.stack),
    ...nesting.slice(0, MOST).map(({ says }): Fact => ['nested', says]),
    ...spinFacts(spin),
    ...incident.words.flatMap(wordFacts),
    ...incident.locks
      .slice(0, MOST)
      .map((lock, at): Fact => [
        at === 0 && incident.kind.startsWith('lockdep') ? 'wants' : 'lock',
        lockText(lock),
      ]),
    ...(holder === null ? [] : [['owner', `${holder.comm}-${holder.pid}: ${holder.why}`] as const]),
    ...held
      .slice(0, MOST)
      .map(({ comm, pid, locks }): Fact => [
        'holds',
        `${comm}-${pid}: ${locks.length === 0 ? 'no locks' : locks.map(lockText).join('; ')}`,
      ]),
    ...rest('holds', held.length),
    ...otherCpuFacts(incident),
    ...incident.before.map(({ atNs, text, why }): Fact => [
      'before',
      `${atNs === null ? '' : `${logTime(atNs)} `}${text}${why === '' ? '' : ` (${why})`}`,
    ]),
  ];
}

function reports({ entries }: Incident): Fact[] {
  const shown = entries.length <= 4 ? entries : [...entries.slice(0, 2), entries.at(-1)!];
  const lines = shown.map(({ atNs, text }): Fact => [
    'report',
    `${atNs === null ? '' : `${logTime(atNs)} `}${text}`,
  ]);
  if (shown.length < entries.length)
    lines.splice(2, 0, ['report', `... ${plural(entries.length - shown.length, 'more', 'more')} ...`]);
  return lines;
}

/** One line for each part of the stack, the innermost first, without what only printed it. */
function stackFacts(stack: readonly LogFrame[]): Fact[] {
  return PARTS.flatMap(([part, label]): Fact[] => {
    const all = stack.filter((frame) => frame.part === part && !frame.printing);
    const frames = all.filter(({ reliable }) => reliable);
    const names = frames.length > 0 ? frames : all;
    if (names.length === 0) return [];
    const shown = names.slice(0, 9).map(({ function: name }) => name);
    const left = names.length - shown.length;
    return [['stack', `${label}: ${shown.join(' < ')}${left > 0 ? ` < ... ${left} more` : ''}`]];
  });
}

function spinFacts(spin: SpinLoop | null): Fact[] {
  if (spin === null) return [];
  const { kind, from, word, seen, instructions } = spin;
  const facts: Fact[] = [
    [
      'spin',
      from === 'code'
        ? `${kind}, by the code: ${instructions.join('; ')}`
        : `${kind}, by the function's name`,
    ],
  ];
  if (word !== null)
    facts.push(['lock word', `${word.address}${word.bit === null ? '' : `, bit ${word.bit}`} (${word.why})`]);
  if (seen !== null)
    facts.push([
      'seen',
      `${seen.value}${seen.mask === '0xffffffffffffffff' ? '' : ` within ${seen.mask}`} (${seen.why})`,
    ]);
  return facts;
}

function wordFacts({ what, value, bits, implies, era, address }: DecodedWord): Fact[] {
  const names = bits.map(({ name }) => name).join(' | ') || 'no known bit';
  return [
    ['word', `${what}${address === null ? '' : ` at ${address}`} ${value} = ${names} (${era})`],
    ...implies.map((text): Fact => ['', text]),
  ];
}

function lockText({ name, at, address }: LogLock): string {
  return `${name}${address === null || name.includes(address) ? '' : ` ${address}`}${at === null ? '' : ` at ${at}`}`;
}

/** CPUs that do the same share a line. */
function otherCpuFacts({ otherCpus }: Incident): Fact[] {
  const byDoing = new Map<string, string[]>();
  for (const { cpu, pid, comm, doing } of otherCpus) {
    const key = doing === 'idle' ? doing : `${doing}${comm === null ? '' : ` [${comm}-${pid ?? '?'}]`}`;
    const cpus = byDoing.get(key);
    if (cpus) cpus.push(String(cpu));
    else byDoing.set(key, [String(cpu)]);
  }
  const lines = [...byDoing].map(([doing, cpus]): Fact => [
    'other CPUs',
    `${cpus.slice(0, 16).join(', ')}${cpus.length > 16 ? ', ...' : ''}: ${doing}`,
  ]);
  return [...lines.slice(0, 12), ...rest('other CPUs', lines.length, 12)];
}

function rest(label: string, count: number, most = MOST): Fact[] {
  return count > most ? [[label, `and ${plural(count - most, 'more', 'more')}, see --json`]] : [];
}

/** "bit 4 of 0xffff8881003def00". */
export function hexLock(address: string, bit: number | null): string {
  return bit === null ? address : `bit ${bit} of ${address}`;
}
