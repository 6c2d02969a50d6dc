import { Random } from '../base/random.ts';

/**
 * One comparison: the logarithm of a figure, once per unit (a run, or a block of time of one run) of each side, and the variance that
 * every one of these values has at least.
 */
export interface Contrast {
  readonly base: readonly number[];
  readonly next: readonly number[];
  readonly leastVariance: number;
}

/** The difference of the sides' means, and its standard error. */
interface Estimate {
  readonly difference: number;
  readonly error: number;
}

const DRAWS = 2000;
const SEED = 20151008;

/**
 * Intervals that hold for all rows at once.
 *
 * Many locks are looked at, each in several ways, and the figures of one lock, and of locks that nest, move together. So the critical
 * value is that of the largest |t| over all of them when there is no difference, with whole units drawn, which keeps what belongs
 * together together (max-T: P. H. Westfall and S. S. Young, Resampling-Based Multiple Testing, 1993). Holm's or Benjamini and
 * Hochberg's corrections work on p-values, and five runs a side cannot yield p-values small enough for some hundred of those.
 *
 * Two ways to make it: the residuals of both sides pooled and drawn with replacement (the bootstrap), and the units dealt to the sides anew
 * (the permutation test, exact for any distribution, where there are enough ways to deal). The larger one counts: the bootstrap of five
 * values alone is a little too sure (measured: 8 % instead of 5 with 100 independent rows).
 */
export class Intervals {
  readonly #contrasts: readonly Contrast[];
  readonly #widening: number;
  readonly #estimates: readonly Estimate[];
  /** Per draw, |t| of every contrast. */
  readonly #bootstrap: readonly Float64Array[];
  readonly #permutation: readonly Float64Array[];

  /**
   * All contrasts have the same numbers of units, two a side at least. `widening`: what intervals are multiplied by, for units that do not
   * show all there is.
   */
  constructor(contrasts: readonly Contrast[], widening = 1) {
    this.#widening = widening;
    this.#contrasts = contrasts;
    this.#estimates = contrasts.map(({ base, next, leastVariance }) => estimate(base, next, leastVariance));
    const [first] = contrasts;
    const [bases, all] = first ? [first.base.length, first.base.length + first.next.length] : [0, 0];
    const random = new Random(SEED);
    const pooled = contrasts.map(({ base, next }) => [...residuals(base), ...residuals(next)]);
    const values = contrasts.map(({ base, next }) => [...base, ...next]);
    this.#bootstrap = first ? this.#draws(pooled, drawings(all, random), bases) : [];
    this.#permutation = first ? this.#draws(values, deals(all, bases, random), bases) : [];
  }

  #draws(
    values: readonly (readonly number[])[],
    picks: readonly Uint16Array[],
    bases: number,
  ): Float64Array[] {
    return picks.map((pick) => {
      const sizes = new Float64Array(values.length);
      values.forEach((list, row) => {
        sizes[row] = drawnT(list, pick, bases, this.#contrasts[row]!.leastVariance);
      });
      return sizes;
    });
  }

  /** The |t| that stands out at `level` when all of these contrasts are looked at; Infinity when nothing could. */
  critical(family: readonly number[], level: number): number {
    const largest = (draws: readonly Float64Array[]): number => {
      if (draws.length === 0) return 0;
      const sizes = draws.map((sizes) => family.reduce((max, row) => Math.max(max, sizes[row]!), 0));
      return sizes.toSorted((a, b) => a - b)[Math.ceil(level * sizes.length) - 1]!;
    };
    return this.#widening * Math.max(largest(this.#bootstrap), largest(this.#permutation));
  }

  /** Difference and interval of a contrast, as logarithms. */
  interval(
    row: number,
    critical: number,
  ): { readonly difference: number; readonly low: number; readonly high: number } {
    const { difference, error } = this.#estimates[row]!;
    const reach = critical * error;
    return { difference, low: difference - reach, high: difference + reach };
  }
}

function estimate(base: readonly number[], next: readonly number[], leastVariance: number): Estimate {
  const [a, b] = [average(base), average(next)];
  const squares = sumOfSquares(base, a) + sumOfSquares(next, b);
  const variance = Math.max(leastVariance, squares / (base.length + next.length - 2));
  return { difference: b - a, error: Math.sqrt(variance * (1 / base.length + 1 / next.length)) };
}

/** |t| of the values that a pick names: the first `bases` are the one side. */
function drawnT(values: readonly number[], pick: Uint16Array, bases: number, leastVariance: number): number {
  const others = pick.length - bases;
  let [a, b, squaresA, squaresB] = [0, 0, 0, 0];
  for (let at = 0; at < pick.length; at++) {
    const value = values[pick[at]!]!;
    if (at < bases) {
      a += value;
      squaresA += value * value;
    } else {
      b += value;
      squaresB += value * value;
    }
  }
  const squares = squaresA - (a * a) / bases + squaresB - (b * b) / others;
  const variance = Math.max(leastVariance, squares / (pick.length - 2));
  const difference = Math.abs(b / others - a / bases);
  return difference === 0 ? 0 : difference / Math.sqrt(variance * (1 / bases + 1 / others));
}

/** Deviations from the mean, stretched by what the mean took from them. */
function residuals(values: readonly number[]): number[] {
  const mean = average(values);
  const stretch = Math.sqrt(values.length / (values.length - 1));
  return values.map((value) => (value - mean) * stretch);
}

function drawings(units: number, random: Random): Uint16Array[] {
  return Array.from({ length: DRAWS }, () => Uint16Array.from({ length: units }, () => random.int(units)));
}

/** Fewer ways to deal than this cannot show anything at 95 %. Of two equal sides each way and its mirror image are one: |t| is the same. */
const FEWEST_DEALS = 20;

/** Units dealt to the two sides in all ways, or in DRAWS random ones and the true one where there are more. */
function deals(units: number, bases: number, random: Random): Uint16Array[] {
  const ways = binomial(units, bases);
  if ((2 * bases === units ? ways / 2 : ways) < FEWEST_DEALS) return [];
  const order = Array.from({ length: units }, (_, at) => at);
  if (ways > DRAWS)
    return [order, ...Array.from({ length: DRAWS }, () => shuffled(order, random))].map((deal) =>
      Uint16Array.from(deal),
    );
  return subsets(units, bases).map((chosen) => {
    const taken = new Set(chosen);
    return Uint16Array.from([...chosen, ...order.filter((at) => !taken.has(at))]);
  });
}

function binomial(n: number, k: number): number {
  let ways = 1;
  for (let at = 1; at <= k; at++) ways = (ways * (n - k + at)) / at;
  return ways;
}

function subsets(n: number, size: number, from = 0): number[][] {
  if (size === 0) return [[]];
  const all: number[][] = [];
  for (let first = from; first <= n - size; first++) {
    for (const rest of subsets(n, size - 1, first + 1)) all.push([first, ...rest]);
  }
  return all;
}

function shuffled(list: readonly number[], random: Random): number[] {
  const deal = [...list];
  for (let at = deal.length - 1; at > 0; at--) {
    const other = random.int(at + 1);
    [deal[at], deal[other]] = [deal[other]!, deal[at]!];
  }
  return deal;
}

const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const sumOfSquares = (values: readonly number[], mean: number): number =>
  values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
