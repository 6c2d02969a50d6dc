import type { HypothesisCause } from '../../model/kernel-log.ts';

/** A fact with its weight; below zero it speaks against. */
export type Weighed = readonly [weight: number, text: string];

/** An explanation before its facts are weighed; facts that do not apply are null. */
export interface Idea {
  readonly cause: HypothesisCause;
  readonly says: string;
  readonly facts: readonly (Weighed | null)[];
  readonly settledBy: string;
}
