import { seconds } from '../base/units.ts';
import type { Check } from '../model/join.ts';
import type { Incident } from '../model/kernel-log.ts';
import { endOf, type Finding, type Report } from '../model/report.ts';

/** What the log and the finding that matches it best both speak about, side by side. */
export function checksOf(
  incident: Incident,
  findings: readonly Finding[],
  { trace }: Report,
  atNs: string | null,
): Check[] {
  const finding = findings[0];
  const checks: Check[] = [];
  if (atNs !== null && trace.startNs !== null && trace.endNs !== null) {
    const inside = BigInt(trace.startNs) <= BigInt(atNs) && BigInt(atNs) <= BigInt(trace.endNs);
    checks.push({
      what: 'time',
      log: `report at ${seconds(BigInt(atNs))} of the trace's clock`,
      trace: `${seconds(BigInt(trace.startNs))} to ${seconds(BigInt(trace.endNs))}`,
      agree: inside,
    });
  }
  if (!finding) return checks;
  // The finding about the victim's wait says more of the victim than one about the lock.
  const victim =
    findings.find(
      ({ kind, lock }) =>
        (kind === 'irq-off-spin' || kind === 'silent-cpu') &&
        (finding.lock === null || lock?.address === finding.lock.address),
    ) ?? finding;
  const task = incident.kind.includes('atomic')
    ? finding.holder
    : (victim.subject ?? victim.waiters[0] ?? null);
  if (task !== null && incident.cpu !== null)
    checks.push(check('CPU', String(incident.cpu), String(task.cpu)));
  if (task !== null && incident.pid !== null)
    checks.push(check('pid', String(incident.pid), String(task.pid)));
  if (task !== null && task.comm !== null && incident.comm !== null) {
    // Dumps of the ring cut names at 8 characters, the kernel at 15.
    const cut = task.comm.length >= 7 && incident.comm.startsWith(task.comm);
    checks.push({
      what: 'task',
      log: incident.comm,
      trace: task.comm,
      agree: cut || task.comm === incident.comm,
    });
  }
  const word = incident.spin?.word ?? null;
  if (word !== null && finding.lock !== null) {
    checks.push({
      what: 'lock',
      log: `${word.address}${word.bit === null ? '' : `:${word.bit}`}`,
      trace: `${finding.lock.address}${finding.lock.bit === null ? '' : `:${finding.lock.bit}`}`,
      agree:
        word.address === finding.lock.address &&
        (word.bit === null || finding.lock.bit === null || word.bit === finding.lock.bit),
    });
  }
  const waiter = victim.waiters.find(({ cpu }) => cpu === incident.cpu) ?? null;
  if (incident.interrupts !== null && waiter !== null && waiter.irqsOff !== null) {
    checks.push(check('interrupts', incident.interrupts.state, waiter.irqsOff ? 'off' : 'on'));
  }
  if (atNs !== null && !incident.kind.includes('atomic')) checks.push(...timeChecks(incident, victim, atNs));
  return checks;
}

function check(what: string, log: string, trace: string): Check {
  return { what, log, trace, agree: log === trace };
}

/** Was the CPU already stuck when the report came, and does the report come when the detector would speak? */
function timeChecks({ kind }: Incident, finding: Finding, atNs: string): Check[] {
  const { startNs, watchdog } = finding;
  const at = BigInt(atNs);
  const end = endOf(finding);
  const checks: Check[] = [
    {
      what: 'order',
      log: `report at ${seconds(at)}`,
      trace: `stuck from ${seconds(BigInt(startNs))} to ${seconds(end)}`,
      agree: BigInt(startNs) <= at && at <= end,
    },
  ];
  if (kind !== 'hard-lockup' || watchdog === null || watchdog.hard === 'cannot') return checks;
  const early = at < BigInt(watchdog.firesFromNs);
  checks.push({
    what: 'watchdog',
    log: `hard lockup reported at ${seconds(at)}`,
    trace: `fires from ${seconds(BigInt(watchdog.firesFromNs))} to ${seconds(BigInt(watchdog.firesToNs))}${at > BigInt(watchdog.firesToNs) ? ', later with late timers' : ''}`,
    agree: !early,
  });
  return checks;
}
