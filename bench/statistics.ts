/** The middle and the ends of a few measurements of one thing. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median of the values; of an even number, the mean of the middle two. There must be at least one. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("median of nothing");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, smallest and largest of the values. There must be at least one. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * Ratio `ours / theirs` of runs that were made in pairs, one right after the other: what disturbs the
 * machine for longer than one run disturbs both halves of a pair, so the ratios are steadier than the
 * rates they are made of. Pairs where one half is zero say nothing and are left out; undefined when no
 * pair is left.
 */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): Spread | undefined {
  const ratios: number[] = [];
  for (let i = 0; i < Math.min(ours.length, theirs.length); i++) {
    if (ours[i] > 0 && theirs[i] > 0) ratios.push(ours[i] / theirs[i]);
  }
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}
