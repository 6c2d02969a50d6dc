import { entryOf } from '../dmesg/entry-lines.ts';
import { recognise } from '../dmesg/headlines.ts';
import type { KernelMessage } from '../model/case.ts';

/** What else belongs to a report about lockups and locks, or is one of another sort (kernel/panic.c, lib/nmi_backtrace.c). */
const OTHERS: readonly { readonly wording: RegExp; readonly report: KernelMessage['report'] }[] = [
  { wording: /NMI backtrace for cpu/, report: null },
  { wording: /Kernel panic/, report: { kind: 'other', cpus: [] } },
  { wording: /\bBUG: |\bkernel BUG at |\bOops: /, report: { kind: 'other', cpus: [] } },
];

/**
 * What a message of the console says of lockups and locks, by the wordings that kernel logs are read by; null for any other.
 * A panic because of a report just told is no report of its own.
 */
export function readMessage(text: string): Pick<KernelMessage, 'report'> | null {
  for (const line of text.split('\n')) {
    const found = recognise(line);
    if (!found) continue;
    const { headline } = found;
    if (headline.echo) return { report: null };
    const { cpu, cpus } = entryOf(found, 0, null);
    return { report: { kind: headline.kind, cpus: cpu === null ? [] : [cpu, ...cpus] } };
  }
  const other = OTHERS.find(({ wording }) => wording.test(text));
  return other ? { report: other.report } : null;
}
