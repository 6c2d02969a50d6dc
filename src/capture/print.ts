import type { Check, Machine } from './check.ts';

/** A situation's script, fitted to a machine: only events that it has, and on top what cannot be seen. */
export function fitted(script: string, check: Check, machine: Machine, version: string): string {
  const { situation, events } = check;
  const [shebang, ...rest] = script.split('\n');
  const note = [
    `# Printed by spinback ${version} (capture --print ${situation.name}) for Linux ${machine.release}, ${machine.cpus} CPUs.`,
    ...check.blockers.map((blocker) => `# Does not work here: ${blocker}.`),
    ...check.unseen.map(
      ({ what, events, why }) => `# Cannot be seen here: ${what} (no ${events.join(', ')}: ${why}).`,
    ),
    `# Read it with: ${situation.read}`,
    '#',
  ];
  const text = [shebang, ...note, ...rest].join('\n');
  if (events === null) return text;
  return text.replace(
    /^EVENTS="\n[^"]*"$/m,
    () => `EVENTS="\n${events.map((event) => `${event}\n`).join('')}"`,
  );
}
