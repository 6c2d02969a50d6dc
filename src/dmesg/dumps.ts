import type { CpuDump, LogFrame } from '../model/kernel-log.ts';
import type { DumpDraft } from './drafts.ts';
import {
  isEntry,
  isFailedCheck,
  isInstrumentation,
  isMachinery,
  isPrimitive,
  isScheduler,
  partsOf,
  vouched,
  type RawFrame,
} from './frames.ts';
import { interruptsOf } from './registers.ts';

/** A dump with what its stack and registers mean. */
export function dumpOf(draft: DumpDraft): CpuDump {
  const place = placeOf(draft);
  return {
    atNs: draft.ns?.toString() ?? null,
    offset: draft.offset,
    cpu: draft.cpu,
    pid: draft.pid,
    comm: draft.comm,
    kernel: draft.kernel,
    tainted: draft.tainted,
    workqueue: draft.workqueue,
    taskState: draft.taskState,
    arch: draft.arch,
    function: place?.function ?? null,
    functionOffset: place?.offset ?? null,
    interrupts: draft.user ? null : interruptsOf(draft.arch, draft.registers),
    registers: draft.registers,
    stack: partsOf(draft.frames),
    code: codeOf(draft.code),
  };
}

/** The frames that count: vouched for, and functions of their own, as a log without source lines has them. */
function ownFrames<Frame extends { readonly reliable: boolean; readonly inlined?: boolean }>(
  frames: readonly Frame[],
): Frame[] {
  return vouched(frames).filter(({ inlined }) => inlined !== true);
}

interface Place {
  readonly function: string;
  readonly offset: number | null;
}

/**
 * Where the CPU or task was: the program counter; without registers the function that the report's own interrupt
 * interrupted; for a task that sleeps, where it called the scheduler.
 */
function placeOf(draft: DumpDraft): Place | null {
  if (draft.pc !== null) return draft.pc;
  if (draft.user) return null;
  const interrupted = interruptedFrame(draft.frames);
  if (interrupted) return interrupted;
  return (
    ownFrames(draft.frames).find(
      ({ function: name }) =>
        !isMachinery(name) && !isScheduler(name) && !isEntry(name) && !isInstrumentation(name),
    ) ?? null
  );
}

/** The frame behind the innermost interrupt or NMI, if the innermost frames are the report's own machinery. */
function interruptedFrame(frames: readonly RawFrame[]): Place | null {
  const some = frames.some(({ reliable }) => reliable);
  const entryAt = ({ function: name, reliable }: RawFrame): boolean => (reliable || !some) && isEntry(name);
  const entry = frames.findIndex(entryAt);
  if (entry < 0) return null;
  const before = frames.slice(0, entry);
  if (!before.some(({ function: name }) => isMachinery(name))) return null;
  let at = entry + 1;
  while (at < frames.length && entryAt(frames[at]!)) at++;
  // <EOI> behind the entry says it outright; no instruction lies at a function's end, only a stale return address.
  const marked = frames.slice(entry, entry + 5).findIndex((frame) => frame.interrupted);
  if (marked >= 0)
    return (
      frames.slice(entry + marked).find(({ offset, size }) => offset === null || offset !== size) ?? null
    );
  const rest = frames.slice(at);
  // Up to v4.9 x86 dumps the interrupted function as "? fn" once for each copy of the NMI's frame: what is there twice is it.
  const guesses = rest.slice(
    0,
    Math.max(
      0,
      rest.findIndex(({ reliable }) => reliable),
    ),
  );
  const twice = guesses.find((guess, index) =>
    guesses.some(
      (other, later) => later > index && other.function === guess.function && other.offset === guess.offset,
    ),
  );
  return twice ?? vouched(rest)[0] ?? null;
}

/** "<f3> 90 49" -> bytes and the place of the marked one; null where the kernel could not read it. */
function codeOf(text: string | null): CpuDump['code'] {
  if (text === null) return null;
  const tokens = text.trim().split(/\s+/);
  const end = tokens.findIndex((token) => !/^(?:[0-9a-f]{2}|<[0-9a-f]{2}>)$/.test(token));
  const bytes = end < 0 ? tokens : tokens.slice(0, end);
  const at = bytes.findIndex((token) => token.startsWith('<'));
  // Up to 2.6.20 the bytes begin at the program counter, without a mark.
  if (at < 0) return bytes.length > 0 && bytes.length <= 20 ? { bytes: bytes.join(' '), at: 0 } : null;
  return { bytes: bytes.map((token) => token.replaceAll(/[<>]/g, '')).join(' '), at };
}

/** The first function outside of locking, waiting and scheduling, from the place where the CPU or task was. */
export function callerOf({ function: name, stack }: Pick<CpuDump, 'function' | 'stack'>): string | null {
  if (name !== null && !isLowLevel(name) && !isScheduler(name)) return name;
  const names = ownFrames(stack).map((frame) => frame.function);
  const from = name === null ? 0 : Math.max(0, names.indexOf(name));
  return (
    names.slice(from).find((of) => !isLowLevel(of) && !isScheduler(of) && !isMachinery(of) && !isEntry(of)) ??
    null
  );
}

function isLowLevel(name: string): boolean {
  return isPrimitive(name) || isInstrumentation(name);
}

/** What called the check that failed; what stands before it was left on the stack by others. */
function reportedPart(stack: readonly LogFrame[]): readonly LogFrame[] {
  return stack.slice(stack.findLastIndex(({ function: name }) => isFailedCheck(name)) + 1);
}

/** The innermost function that is neither the report's machinery nor a primitive: where a report about the printing CPU itself came from. */
export function topOf(dump: CpuDump): string | null {
  return (
    reportedPart(ownFrames(dump.stack)).find(
      ({ function: name }) => !isLowLevel(name) && !isScheduler(name) && !isMachinery(name) && !isEntry(name),
    )?.function ?? null
  );
}
