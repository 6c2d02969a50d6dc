import { PLAIN, type Paint } from '../report/paint.ts';
import { MAX_WIDTH } from '../report/text.ts';
import type { Io } from './io.ts';

const MIN_WIDTH = 60;

/** Colours and line width for standard output. */
export interface Appearance {
  readonly paint: Paint;
  readonly width: number;
}

/**
 * Colours only on a terminal, and not there with --no-color, NO_COLOR or TERM=dumb; lines as wide as the terminal
 * up to MAX_WIDTH, always MAX_WIDTH elsewhere, so that a piped report is the same everywhere.
 */
export async function appearanceOf({ stdout, env }: Io, color: boolean): Promise<Appearance> {
  const width = Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, stdout.columns ?? MAX_WIDTH));
  const colored = stdout.isTTY && color && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return { paint: colored ? await colors() : PLAIN, width };
}

async function colors(): Promise<Paint> {
  const { default: picocolors } = await import('picocolors');
  const { bold, dim, green, red, yellow } = picocolors.createColors(true);
  return { title: bold, alarm: red, caution: yellow, quiet: dim, good: green };
}
