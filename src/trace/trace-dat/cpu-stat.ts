/** What the recorder says that one CPU lost. */
export interface CpuLoss {
  /** Events overwritten by newer ones, lost to nested writers, or dropped. */
  readonly lost: number;
  /** Events dropped because the buffer was full and must not be overwritten: the newest are missing. */
  readonly dropped: number;
  /** Events that were in the buffer or already read from it: what the file should hold; null where the text does not say. */
  readonly recorded: number | null;
}

/**
 * Reads the CPUSTAT options: the text of per_cpu/cpuN/stats behind "CPU: N" (kernel/trace/trace.c,
 * tracing_stats_read), and "Buffer: NAME" before the CPUs of an instance (trace-cmd 3.4, add_buffer_stat). Returns the
 * losses of each instance ('' is the top one) by CPU; a CPU whose text does not say is left out.
 */
export function parseCpuStats(texts: readonly string[]): Map<string, Map<number, CpuLoss>> {
  const all = new Map<string, Map<number, CpuLoss>>();
  let instance = '';
  for (const text of texts) {
    instance = /^Buffer: (.*)$/m.exec(text)?.[1] ?? instance;
    const cpu = field(text, 'CPU');
    const overrun = field(text, 'overrun');
    if (cpu === null || overrun === null) continue;
    const dropped = field(text, 'dropped events') ?? 0;
    let cpus = all.get(instance);
    if (!cpus) all.set(instance, (cpus = new Map()));
    const [entries, read] = [field(text, 'entries'), field(text, 'read events')];
    cpus.set(cpu, {
      lost: overrun + (field(text, 'commit overrun') ?? 0) + dropped,
      dropped,
      recorded: entries === null || read === null ? null : entries + read,
    });
  }
  return all;
}

function field(text: string, name: string): number | null {
  const match = new RegExp(`^${name}: (\\d{1,15})\\b`, 'm').exec(text);
  return match === null ? null : Number(match[1]);
}
