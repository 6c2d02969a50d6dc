import type { DatDamageLog } from './damage.ts';
import type { Extent } from './contents.ts';
import { MOST_CPUS } from './contents.ts';

/** Where the data of one CPU really lies. */
export interface CheckedExtent {
  readonly cpu: number;
  readonly at: number;
  readonly size: number;
  /** The file ends before the data does. */
  readonly cut: boolean;
  /** How many compressed chunks there are, null to believe the data's own count. */
  readonly chunks: number | null;
}

/**
 * Holds the stated places against the file: what lies behind its end is cut, what cannot be (a CPU twice, a CPU number
 * that no machine has, data that overlaps another CPU's) is left out. So all lanes together are never larger
 * than the file.
 */
export function checkExtents(
  extents: readonly Extent[],
  fileSize: number,
  log: DatDamageLog,
): CheckedExtent[] {
  const seen = new Set<number>();
  const checked: CheckedExtent[] = [];
  const [short, missing]: [number[], number[]] = [[], []];
  const impossible = ({ cpu, at, size }: Extent, why: string): void =>
    log.add('impossible-lane', undefined, `CPU ${cpu} at ${at}, ${size} bytes: ${why}`);
  for (const extent of extents) {
    const { cpu } = extent;
    if (cpu >= MOST_CPUS) impossible(extent, 'there is no such CPU');
    else if (seen.has(cpu)) impossible(extent, 'this CPU has data already');
    else if (extent.at + extent.size > BigInt(Number.MAX_SAFE_INTEGER))
      impossible(extent, 'no file is that large');
    else {
      const [at, stated] = [Number(extent.at), Number(extent.size)];
      const size = Math.max(0, Math.min(stated, fileSize - at));
      if (size < stated) (size > 0 ? short : missing).push(cpu);
      seen.add(cpu);
      checked.push({
        cpu,
        at,
        size,
        cut: size < stated || extent.cut === true,
        chunks: extent.chunks ?? null,
      });
    }
  }
  if (short.length + missing.length > 0)
    log.add('truncated', fileSize, incomplete(short, missing).join('; '));
  return withoutOverlaps(checked, impossible);
}

/** CPUs named one by one. */
const MOST_NAMED = 16;

/** "CPU 1 ends early", "CPUs 2, 3 are missing": what is not there of which CPU, for people. */
export function incomplete(short: readonly number[], missing: readonly number[]): string[] {
  const list = (cpus: readonly number[]): string => {
    const more = cpus.length > MOST_NAMED ? ` and ${cpus.length - MOST_NAMED} more` : '';
    return `CPU${cpus.length > 1 ? 's' : ''} ${cpus.slice(0, MOST_NAMED).join(', ')}${more}`;
  };
  return [
    ...(short.length > 0 ? [`${list(short)} ${short.length > 1 ? 'end' : 'ends'} early`] : []),
    ...(missing.length > 0 ? [`${list(missing)} ${missing.length > 1 ? 'are' : 'is'} missing`] : []),
  ];
}

function withoutOverlaps(
  extents: readonly CheckedExtent[],
  impossible: (extent: Extent, why: string) => void,
): CheckedExtent[] {
  let end = 0;
  const overlapping = new Set<CheckedExtent>();
  for (const extent of [...extents].sort((a, b) => a.at - b.at)) {
    if (extent.size === 0) continue;
    if (extent.at < end) {
      overlapping.add(extent);
      const { cpu, at, size } = extent;
      impossible({ cpu, at: BigInt(at), size: BigInt(size) }, 'it overlaps the data of another CPU');
    } else end = extent.at + extent.size;
  }
  return extents.filter((extent) => !overlapping.has(extent));
}
