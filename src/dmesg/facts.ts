import type { CpuDump, DecodedWord, HeldLocks, Incident, LogFrame, SpinLoop } from '../model/kernel-log.ts';
import { waitKind } from './code/names.ts';
import { callerOf } from './dumps.ts';
import { isEntry, isMachinery, isPrimitive, isScheduler } from './frames.ts';
import type { Group } from './group.ts';
import {
  BIT_LOCKS,
  isBefore,
  KNOWN_DEFECTS,
  releaseOf,
  SPINNERS,
  type BitLock,
  type WordName,
} from './words/tables.ts';
import { eraOf } from './words/decode.ts';

type OtherCpu = Incident['otherCpus'][number];

/** All that the hypotheses about one incident are judged by. */
export interface Facts {
  readonly group: Group;
  readonly kernel: string | null;
  readonly function: string | null;
  readonly caller: string | null;
  readonly stack: readonly LogFrame[];
  readonly interruptsOff: boolean | null;
  readonly spin: SpinLoop | null;
  /** The bit lock that is spun on, where the word is a well-known one. */
  readonly bitLock: BitLock | null;
  readonly words: readonly DecodedWord[];
  /** The word that is spun on, among them. */
  readonly lockWord: DecodedWord | null;
  readonly subPageBlocks: boolean;
  readonly others: readonly CpuDump[];
  readonly before: Incident['before'];
  readonly held: readonly HeldLocks[];
  readonly holder: Incident['holder'];
  readonly stillStuck: Incident['stillStuck'];
  readonly notes: readonly string[];
}

/** The bit lock behind a spin: which word the spinning function's locks lie in, and which lock the bit is in this kernel. */
export function bitLockOf(
  spin: SpinLoop | null,
  stack: readonly LogFrame[],
  name: string | null,
  words: readonly DecodedWord[],
  kernel: string | null,
): { lock: BitLock; word: WordName } | null {
  if (spin?.kind !== 'bit-spinlock' || spin.word?.bit == null) return null;
  const dumped = words.find(({ address }) => address === spin.word!.address);
  const names = [
    name,
    ...stack
      .filter(({ reliable }) => reliable)
      .slice(0, 3)
      .map((frame) => frame.function),
  ];
  const word =
    (dumped?.what as WordName | undefined) ??
    SPINNERS.find(([functions]) => names.some((of) => of !== null && functions.test(of)))?.[1];
  if (word === undefined) return null;
  const bit = eraOf(word, kernel)?.bits[spin.word.bit];
  const lock = BIT_LOCKS.find((row) => row.word === word && row.name === bit);
  return lock ? { lock, word } : null;
}

/** Other CPUs in whose stacks users of the lock appear. */
export function usersAmong({
  others,
  bitLock,
}: Pick<Facts, 'others' | 'bitLock'>): { cpu: number; function: string }[] {
  if (bitLock === null) return [];
  return others.flatMap(({ cpu, function: name, stack }) => {
    const user = [name, ...stack.filter(({ reliable }) => reliable).map((frame) => frame.function)].find(
      (of) => of !== null && bitLock.users.test(of),
    );
    return user == null || cpu === null ? [] : [{ cpu, function: user }];
  });
}

/** What another CPU was doing, in a few words. */
export function doing(dump: CpuDump): string {
  if (dump.taskState === 'idle') return 'idle';
  if (dump.function === null) {
    const first = dump.stack.find(
      ({ reliable, function: name }) => reliable && !isMachinery(name) && !isEntry(name),
    );
    return first ? `in ${first.function}` : 'in user space or not shown';
  }
  const kind = waitKind(dump.function);
  if (kind === 'idle') return 'idle';
  const caller = callerOf(dump);
  const from = caller === null || caller === dump.function ? '' : `, called from ${caller}`;
  const off = dump.interrupts?.state === 'off' ? ', interrupts off' : '';
  const verb =
    kind !== null ? 'waits in' : isScheduler(dump.function) || isPrimitive(dump.function) ? 'is in' : 'runs';
  return `${verb} ${dump.function}${from}${off}`;
}

export function otherCpus(others: readonly CpuDump[]): OtherCpu[] {
  const seen = new Map<number, OtherCpu>();
  for (const dump of others) {
    if (dump.cpu === null || seen.has(dump.cpu)) continue;
    seen.set(dump.cpu, { cpu: dump.cpu, pid: dump.pid, comm: dump.comm, doing: doing(dump) });
  }
  return [...seen.values()].toSorted((a, b) => a.cpu - b.cpu);
}

export function isIdle(dump: CpuDump): boolean {
  return doing(dump) === 'idle';
}

/** Defects of this kernel that can undo an unlock of this word. */
export function knownDefects({ bitLock, kernel, stack, function: name, subPageBlocks }: Facts): string[] {
  const release = releaseOf(kernel);
  if (bitLock === null || release === null) return [];
  const names = [name, ...stack.map((frame) => frame.function)];
  return KNOWN_DEFECTS.filter(
    (row) =>
      row.word === bitLock.word &&
      isBefore(release, row.before) &&
      (!row.needsSubPageBlocks || subPageBlocks) &&
      names.some((of) => of !== null && row.seen.test(of)),
  ).map(({ text }) => text);
}
