import { VERSION } from '../base/version.ts';
import { DMESG_SCHEMA, type Incident, type LogReport } from '../model/kernel-log.ts';
import type { Problem } from '../model/report.ts';
import type { Disassembler } from './code/disassembler.ts';
import { groupReports } from './group.ts';
import { incidentOf } from './incidents.ts';
import { readLog, type ReadLog, type ReadOptions } from './read-log.ts';

export interface LogOptions extends ReadOptions {
  /** Problems that were met before the log was looked at. */
  readonly problems?: readonly Problem[];
  /** The kernel's release, for a log that does not name it. */
  readonly kernel?: string | null;
}

/**
 * Reads a kernel log and says what its reports come to. `read` fills its target from where it left off and returns how
 * many bytes it put there, 0 at the end.
 */
export async function analyzeLog(
  path: string,
  read: (target: Uint8Array) => number,
  options: LogOptions = {},
): Promise<LogReport> {
  const log = readLog(read, options);
  const found = { ...log.found, kernel: log.found.kernel ?? options.kernel ?? null };
  const groups = groupReports(found);
  const disassemble = await disassemblerFor(log);
  const incidents = groups.map((group, at): Incident =>
    incidentOf(group, `K${at + 1}`, groups, found, disassemble),
  );
  return {
    schema: DMESG_SCHEMA,
    spinback: VERSION,
    log: {
      path,
      bytes: log.bytes,
      kernel: found.kernel,
      layout: found.layout,
      firstNs: log.firstNs?.toString() ?? null,
      lastNs: log.lastNs?.toString() ?? null,
      problems: [...(options.problems ?? []), ...problemsOf(log)],
    },
    incidents,
    suppressed: found.suppressed,
  };
}

/** The disassembler is loaded only for logs that have code to look at: loops that wait say so with pause. */
async function disassemblerFor({ found }: ReadLog): Promise<Disassembler | null> {
  if (!found.dumps.some(({ arch, code }) => arch === 'x86-64' && code !== null && PAUSE.test(code)))
    return null;
  const { loadDisassembler } = await import('./code/disassembler.ts');
  return await loadDisassembler();
}

const PAUSE = /<?f3>? <?90/;

function problemsOf({ longLines, bytes }: ReadLog): Problem[] {
  const problems: Problem[] = [];
  if (bytes === 0)
    problems.push({
      name: 'empty-log',
      severity: 'error',
      text: 'The log is empty.',
      count: 1,
      offset: null,
    });
  if (longLines > 0) {
    problems.push({
      name: 'long-lines',
      severity: 'info',
      text: 'Lines longer than 16 KiB were cut: no kernel prints such lines.',
      count: longLines,
      offset: null,
    });
  }
  return problems;
}
