import type { Architecture, LogLock } from '../model/kernel-log.ts';
import type { RawFrame } from './frames.ts';
import type { Headline } from './headline.ts';

/** A report while its lines come in. */
export interface EntryDraft {
  readonly headline: Headline;
  readonly text: string;
  readonly offset: number;
  /** Time of the headline. */
  readonly ns: bigint | null;
  /** Time of the report's first line, which may come before the headline. */
  begins: bigint | null;
  cpu: number | null;
  /** CPUs that the report names besides, such as the others of a stall. */
  cpus: number[];
  pid: number | null;
  comm: string | null;
  detectedBy: number | null;
  durationNs: number | null;
  /** The function that the headline or lockdep itself names. */
  named: string | null;
  /** The lock that is wanted first, then the ones that the report says are held. */
  locks: LogLock[];
  irqTrace: { off: string; text: string } | null;
  /** "Preemption disabled at: fn". */
  preemptOff: string | null;
  holder: { comm: string; pid: number; why: string } | null;
  /** Of a workqueue lockup: the stuck pool's attributes, as they come again in the list of what its pools are at. */
  pool: string | null;
  /** Further facts, as the kernel put them. */
  notes: string[];
  readonly dumps: DumpDraft[];
}

/** One dump of a CPU or task while its lines come in. */
export interface DumpDraft {
  readonly offset: number;
  readonly ns: bigint | null;
  /** "NMI backtrace" or "task dump": what opened it. */
  readonly opened: 'nmi' | 'cpu-line' | 'task' | 'trace';
  cpu: number | null;
  pid: number | null;
  comm: string | null;
  kernel: string | null;
  tainted: string | null;
  workqueue: string | null;
  taskState: string | null;
  arch: Architecture | null;
  pc: { function: string; offset: number | null } | null;
  user: boolean;
  readonly registers: Record<string, string>;
  /** Register names that were printed twice belong to the interrupted context below: the first ones count. */
  registersClosed: boolean;
  readonly frames: RawFrame[];
  code: string | null;
}

export interface HeldDraft {
  readonly offset: number;
  readonly ns: bigint | null;
  readonly comm: string;
  readonly pid: number;
  readonly locks: LogLock[];
}

export interface StructDraft {
  readonly offset: number;
  readonly type: string;
  readonly address: string | null;
  readonly fields: Map<string, string>;
}

/** Something that went wrong and is no report of its own here. */
export interface TroubleDraft {
  readonly offset: number;
  readonly ns: bigint | null;
  readonly text: string;
}

export const MOST_FRAMES = 256;

export function newDump(opened: DumpDraft['opened'], offset: number, ns: bigint | null): DumpDraft {
  return {
    offset,
    ns,
    opened,
    cpu: null,
    pid: null,
    comm: null,
    kernel: null,
    tainted: null,
    workqueue: null,
    taskState: null,
    arch: null,
    pc: null,
    user: false,
    registers: {},
    registersClosed: false,
    frames: [],
    code: null,
  };
}

export function newEntry(headline: Headline, text: string, offset: number, ns: bigint | null): EntryDraft {
  return {
    headline,
    text,
    offset,
    ns,
    begins: ns,
    cpu: null,
    cpus: [],
    pid: null,
    comm: null,
    detectedBy: null,
    durationNs: null,
    named: null,
    locks: [],
    irqTrace: null,
    preemptOff: null,
    holder: null,
    pool: null,
    notes: [],
    dumps: [],
  };
}

/** "0,2-4" -> [0, 2, 3, 4]; at most 1024 of them. */
export function cpuList(text: string): number[] {
  const cpus: number[] = [];
  for (const [, from, to] of text.matchAll(/(\d{1,5})(?:-(\d{1,5}))?/g)) {
    for (let cpu = Number(from); cpu <= Number(to ?? from) && cpus.length < 1024; cpu++) cpus.push(cpu);
  }
  return cpus;
}
