import { LANE_LIMIT } from '../../assembly/layout.ts';
import { SpinbackError } from '../base/errors.ts';
import { ENGINE_DEFAULTS, type EngineOptions } from './engine.ts';

export type Limits = { readonly [Name in keyof typeof ENGINE_DEFAULTS]: number };

/** What an engine can work with: a ring must hold what one event reports, sizes must fit 32 bits, tables need an empty entry. */
const RANGES: Readonly<Record<keyof Limits, readonly [lowest: number, highest: number]>> = {
  memoryLimit: [0, 2 ** 32],
  windowBudget: [0, 2 ** 32],
  windowLimit: [0, 2 ** 31],
  ringRecords: [16, 2 ** 20],
  histogramBits: [0, 16],
  tablePower: [1, 26],
  tableFloor: [0, 2 ** 32 - 1],
};

/**
 * The limits asked for, and the defaults for the others. Throws SpinbackError USAGE for one that no engine can work with, and LIMIT for
 * more lanes than an engine tells apart.
 */
export function limitsOf(options: Partial<EngineOptions>): Limits {
  const lanes = options.lanes?.length ?? 0;
  if (lanes > LANE_LIMIT)
    throw new SpinbackError(
      'LIMIT',
      `the capture has ${lanes} lanes, and an engine has ${LANE_LIMIT} at most`,
    );
  const limits: Limits = { ...ENGINE_DEFAULTS, ...options };
  for (const [name, [lowest, highest]] of Object.entries(RANGES)) {
    const value = limits[name as keyof Limits];
    if (Number.isInteger(value) && value >= lowest && value <= highest) continue;
    throw new SpinbackError('USAGE', `${name} is a whole number from ${lowest} to ${highest}, not ${value}`);
  }
  return limits;
}
