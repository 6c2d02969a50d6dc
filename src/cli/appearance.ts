import { PLAIN, type Paint } from '../report/paint.ts';
import { MAX_WIDTH } from '../report/text.ts';
import type { Io } from './io.ts';

const MIN_WIDTH = 60;

/** What standard output can show; plain data. */
export interface Appearance {
  readonly isColored: boolean;
  readonly width: number;
}

/**
 * Colours only on a terminal, and not there with --no-color, NO_COLOR or TERM=dumb; lines as wide as the terminal
 * up to MAX_WIDTH, always MAX_WIDTH elsewhere, so that a piped report is the same everywhere.
 */
export function appearanceOf({ stdout, env }: Io, color: boolean): Appearance {
  const width = Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, stdout.columns ?? MAX_WIDTH));
  return { isColored: stdout.isTTY && color && !env['NO_COLOR'] && env['TERM'] !== 'dumb', width };
}

/** The colours of an appearance. */
export async function paintOf({ isColored }: Appearance): Promise<Paint> {
  if (!isColored) return PLAIN;
  const { default: picocolors } = await import('picocolors');
  const { bold, dim, green, red, yellow } = picocolors.createColors(true);
  return { title: bold, alarm: red, caution: yellow, quiet: dim, good: green };
}
