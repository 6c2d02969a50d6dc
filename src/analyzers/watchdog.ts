import type { Verdict, Watchdog } from '../model/report.ts';

// kernel/watchdog.c and kernel/watchdog_{perf,buddy}.c, Linux 6.12: the timer samples every 2T/5. The perf detector checks
// about every T and fires 0.6 T to 2 T after interrupts went off, the buddy detector every three samples, 0.8 T to
// 2.4 T (0.8 T to 1.2 T since March 2026). Late timers can delay both.
const EARLIEST = 0.6;
const LATEST = 2.4;
// The soft lockup detector runs on the stuck CPU's own timer: 2 T to 2.4 T without scheduling, never with interrupts off.
const SOFT_EARLIEST = 2;

function verdict(span: number, earliest: number, latest: number): Verdict {
  if (span < earliest) return 'cannot';
  return span >= latest ? 'must' : 'may';
}

/**
 * What the lockup detectors do with a CPU that was stuck from `since` for `durationNs`.
 *
 * @param since when interrupts went off; with interrupts on, when it stopped scheduling
 * @param irqsOff null: not known
 * @param ended when it was over; a detector that had not spoken by then stays silent
 */
export function watchdogVerdict(
  since: bigint,
  durationNs: number,
  irqsOff: boolean | null,
  thresholdNs: number,
  ended: bigint | null = null,
): Watchdog {
  const at = (factor: number): bigint => since + BigInt(Math.round(factor * thresholdNs));
  const last = ended !== null && ended > at(EARLIEST) && ended < at(LATEST) ? ended : at(LATEST);
  const hard = verdict(durationNs, EARLIEST * thresholdNs, LATEST * thresholdNs);
  const soft = verdict(durationNs, SOFT_EARLIEST * thresholdNs, LATEST * thresholdNs);
  return {
    thresholdNs,
    hard: irqsOff === false ? 'cannot' : irqsOff === null && hard === 'must' ? 'may' : hard,
    soft: irqsOff === true ? 'cannot' : irqsOff === null && soft === 'must' ? 'may' : soft,
    firesFromNs: String(at(EARLIEST)),
    firesToNs: String(last),
  };
}
