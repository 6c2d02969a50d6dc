import { MOST_CPUS, type Extent } from './contents.ts';
import type { CpuLoss } from './cpu-stat.ts';
import { incomplete } from './extents.ts';

/** The data of one CPU, found without being told where it lies. */
export interface FoundLane {
  readonly at: number;
  /** Bytes in the file: whole chunks only, but pages up to the last byte. */
  readonly size: number;
  /** Nothing is missing at its end. */
  readonly isWhole: boolean;
  /** Of compressed data. */
  readonly chunks?: number;
}

export interface FoundLanes {
  /** In the order of the file, which is that of CPU numbers. */
  readonly lanes: readonly FoundLane[];
  /** Where the first bytes lie that are neither data nor padding; null: there are none. */
  readonly strangeAt: number | null;
  /** They are those CPUs, none left out, that the recorder's statistics call for. */
  readonly isNumbered: boolean;
}

/** A CPU that should have data. */
export interface ExpectedCpu {
  readonly cpu: number;
  readonly events: number | null;
}

/** CPUs of the largest machine that Linux runs on (NR_CPUS of x86 with MAXSMP, Linux 6.12): more are not called missing. */
const LARGEST_MACHINE = 8192;

/** The CPUs that recorded anything, by number; null where the file has no statistics. */
export function cpusWithData(stats: ReadonlyMap<number, CpuLoss> | undefined): ExpectedCpu[] | null {
  if (stats === undefined) return null;
  return [...stats]
    .filter(([cpu, { recorded }]) => cpu < MOST_CPUS && recorded !== 0)
    .map(([cpu, { recorded }]) => ({ cpu, events: recorded }))
    .toSorted((a, b) => a.cpu - b.cpu);
}

/** Their numbers of events, null unless all are known. */
export function countsOf(expected: readonly ExpectedCpu[] | null): number[] | null {
  const counts = expected?.flatMap(({ events }) => events ?? []);
  return counts !== undefined && counts.length === expected?.length ? counts : null;
}

/** What was found in a stretch that the file holds whole: then the last lane ends where it should. */
export function closed(found: FoundLanes): FoundLanes {
  if (found.strangeAt !== null) return found;
  return {
    ...found,
    lanes: found.lanes.map((lane, n) => (n + 1 < found.lanes.length ? lane : { ...lane, isWhole: true })),
  };
}

/**
 * Gives the found lanes their CPUs: those that recorded anything, in order; without statistics 0, 1, 2 and so on. CPUs
 * whose data is missing get a place without bytes, so that what is judged knows of them. `isOpen`: the file ends
 * before the data does. What a user must know is added to `told`.
 */
export function nameCpus(
  { lanes, strangeAt, isNumbered }: FoundLanes,
  expected: readonly ExpectedCpu[] | null,
  machine: { readonly isOpen: boolean; readonly cpuCount: number | null },
  fileSize: number,
  told: string[],
): Extent[] {
  const known = expected?.map(({ cpu }) => cpu) ?? [];
  const beyond = (known.at(-1) ?? -1) + 1;
  const cpuOf = (n: number): number => known[n] ?? beyond + n - known.length;
  const extents = lanes.map(({ at, size, isWhole, chunks }, n): Extent => ({
    cpu: cpuOf(n),
    at: BigInt(at),
    size: BigInt(size),
    cut: !isWhole,
    ...(chunks !== undefined && { chunks }),
  }));
  const machineCpus = Math.min(machine.cpuCount ?? 0, LARGEST_MACHINE);
  const rest =
    expected === null && machine.isOpen
      ? Array.from({ length: Math.max(0, machineCpus - lanes.length) }, (_, n) => lanes.length + n)
      : known.slice(lanes.length);
  const isEmpty = (lane: FoundLane): boolean => lane.chunks === 0 || lane.size === 0;
  const short = lanes.flatMap((lane, n) => (lane.isWhole || isEmpty(lane) ? [] : cpuOf(n)));
  const missing = [...lanes.flatMap((lane, n) => (isEmpty(lane) ? cpuOf(n) : [])), ...rest];

  if (lanes.length === missing.length - rest.length) {
    told.push("the list of the CPUs' data is lost, and no data is there");
  } else {
    told.push(
      "the list of the CPUs' data is lost, and the data was found by scanning",
      isNumbered && (machine.isOpen || rest.length === 0)
        ? "CPU numbers follow from the recorder's statistics"
        : 'CPU numbers are assumed in order of appearance',
    );
  }
  if (strangeAt !== null) told.push(`what lies from offset ${strangeAt} on is no data that can be read`);
  told.push(...incomplete(short, missing));
  if (missing.length === 0 && machine.isOpen && expected === null && machine.cpuCount === null)
    told.push('whether there were more CPUs is not known');

  const nothing = { at: BigInt(fileSize), size: 0n, cut: true };
  return [...extents, ...rest.map((cpu): Extent => ({ cpu, ...nothing }))];
}
