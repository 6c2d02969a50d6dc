import { endOf, type Actor, type Finding, type LockName, type Waiter } from '../model/report.ts';
import { task } from './text.ts';
import { between, type Times } from './times.ts';

/** "bit 4 of 0xffff888104ef4380", "console_owner (0xffffffff81c5be00)", "0xffff888277dedd98". */
export function lockText(lock: LockName): string {
  const name = lock.name ?? lock.class;
  if (lock.bit !== null) return `bit ${lock.bit} of ${lock.address}${name === null ? '' : ` (${name})`}`;
  return name === null ? lock.address : `${name} (${lock.address})`;
}

/** "fake_endio-108 on CPU 3". */
export function who(actor: Pick<Actor, 'comm' | 'pid' | 'cpu'>): string {
  return `${task(actor.comm, actor.pid)} on CPU ${actor.cpu}`;
}

/**
 * What happened, in one to three sentences, told from the finding's facts. Where the facts that a sentence needs
 * are missing, and for kinds whose story is a cycle or a comparison, it is the analyzer's own headline.
 */
export function story(finding: Finding, times: Times): string {
  switch (finding.kind) {
    case 'never-released':
      return sentences(neverReleased(finding, times), victim(finding.waiters, times));
    case 'irq-off-spin':
      return irqOffSpin(finding, times);
    case 'irq-off':
      return finding.subject === null
        ? finding.headline
        : `${who(finding.subject)} ran with interrupts off for ${span(finding, times)}. No recorded lock is involved.`;
    case 'silent-cpu':
      return finding.headline;
    case 'lost-update':
      return lostUpdate(finding, times);
    case 'double-release':
    case 'foreign-release':
      return finding.headline;
  }
}

function neverReleased(finding: Finding, times: Times): string {
  const { cause, lastRelease, holder } = finding;
  if (cause === 'lost-unlock' && lastRelease !== null) return lostUnlock(finding, lastRelease, times);
  if (cause === 'missing-unlock' && holder !== null) {
    return finding.headline;
  }
  if (cause === 'held-at-end' && holder !== null) {
    return `${who(holder)} took the lock at ${times.at(holder.atNs)} and still holds it where the capture ends.`;
  }
  return finding.headline;
}

function lostUnlock(finding: Finding, release: Actor, times: Times): string {
  const { culprit } = finding;
  const bit = finding.lock?.bit == null ? 'the lock bit' : `bit ${finding.lock.bit}`;
  const released = `The lock was released by ${who(release)} at ${times.at(release.atNs)}`;
  if (culprit === null) {
    return (
      `${released}, yet ${bit} is set afterwards and nobody is recorded taking it: ` +
      'the store that put it back is not in the trace. Nobody holds it.'
    );
  }
  const later = times.span(between(release.atNs, culprit.storeNs));
  return (
    `${released}; ${later} later ${task(culprit.comm, culprit.pid)}'s plain store on CPU ${culprit.cpu} ` +
    `put ${bit} back (${culprit.value}), ${loaded(culprit.loadNs, release.atNs, times)}. Nobody holds it.`
  );
}

function loaded(loadNs: string | null, releaseNs: string, times: Times): string {
  if (loadNs === null) return 'from a value whose load is not in the trace';
  const before = between(loadNs, releaseNs);
  return before > 0
    ? `from a value loaded ${times.span(before)} before the release`
    : `from a value loaded at ${times.at(loadNs)}`;
}

function victim(waiters: readonly Waiter[], times: Times): string {
  const [first] = waiters;
  if (first === undefined) return '';
  const others = waiters.length > 1 ? ` and ${waiters.length - 1} more` : '';
  const irqs = first.irqsOff === true ? ', with interrupts off' : '';
  return `${who(first)}${others} ${waiters.length > 1 ? 'have' : 'has'} waited for it since ${times.at(first.sinceNs)}${irqs}.`;
}

function irqOffSpin(finding: Finding, times: Times): string {
  const { subject, lock, holder, lastRelease } = finding;
  if (subject === null || lock === null) return finding.headline;
  const spun = `${who(subject)} spun on ${lockText(lock)} with interrupts off for ${span(finding, times)}.`;
  if (holder === null) {
    const isWithin =
      lastRelease !== null && !finding.openEnded && between(finding.startNs, lastRelease.atNs) > 0;
    return isWithin
      ? `${spun} ${who(lastRelease)} released it at ${times.at(lastRelease.atNs)}, and then it was free.`
      : spun;
  }
  const freed =
    lastRelease !== null && between(holder.atNs, lastRelease.atNs) > 0
      ? ` until ${times.at(lastRelease.atNs)}`
      : '';
  return `${spun} ${who(holder)} held it from ${times.at(holder.atNs)}${freed}.`;
}

function lostUpdate(finding: Finding, times: Times): string {
  const { culprit, cause } = finding;
  if (culprit === null) return finding.headline;
  const bit = finding.lock?.bit == null ? 'a bit' : `bit ${finding.lock.bit}`;
  const did = cause === 'bit-erased' ? `erased ${bit}, set` : `put ${bit} back, cleared`;
  const load = culprit.loadNs === null ? 'its load' : `its load at ${times.at(culprit.loadNs)}`;
  return (
    `${task(culprit.comm, culprit.pid)}'s plain store of ${culprit.value} on CPU ${culprit.cpu} at ` +
    `${times.at(culprit.storeNs)} ${did} after ${load}. No waiter is seen to suffer.`
  );
}

/** "29.996 s, from 47.340668709 to the end of the capture". */
function span(finding: Finding, times: Times): string {
  return `${times.span(finding.durationNs)}, ${range(finding, times)}`;
}

function range(finding: Finding, times: Times): string {
  return `from ${times.at(finding.startNs)} to ${end(finding, times)}`;
}

/** When a finding's state ended: "18.686584703", "the end of the capture". */
export function end(finding: Finding, times: Times): string {
  if (finding.openEnded) return 'the end of the capture';
  return times.at(String(endOf(finding)));
}

function sentences(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}
