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
      if (size < stated) log.add('truncated', fileSize, `CPU ${cpu}: ${size} of ${stated} bytes are there`);
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
  return withoutOverlaps(checked, impossible);
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
