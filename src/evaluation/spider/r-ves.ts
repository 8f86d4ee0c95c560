/**
 * BIRD's reward-based valid efficiency score (R-VES): whether a right prediction is also as fast as its gold. Defined by
 * bird-bench/mini_dev, `evaluation/evaluation_ves.py` (commit bb37377) and the section "R-VES" of its README: each
 * iteration gives the ratio gold time / predicted time; ratios three standard deviations or more from their mean are left
 * out; the mean of the rest earns a reward by steps; a row scores 100 times the root of its reward, and the set the mean of
 * its rows. A wrong prediction earns 0. Knows times, not how they were taken.
 * Does not repeat: that equal ratios (a single iteration among them) are all left out, which ends in a division by zero
 * and so in a reward of 0.
 */

/** From the fastest: the smallest ratio of the step, and its reward. */
const STEPS = [
  [2, 1.25],
  [1, 1],
  [0.5, 0.75],
  [0.25, 0.5],
] as const;
const SLOWEST_REWARD = 0.25;

/** The script's own number. */
export const VES_ITERATIONS = 100;

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** By the deviation of the whole population, as numpy's `std` counts it. */
function withoutOutliers(ratios: readonly number[]): readonly number[] {
  const mean = meanOf(ratios);
  const reach = 3 * Math.sqrt(meanOf(ratios.map((ratio) => (ratio - mean) ** 2)));
  const kept = ratios.filter((ratio) => Math.abs(ratio - mean) < reach);
  return kept.length === 0 ? ratios : kept;
}

/** Above 1 where the prediction is faster; times of the same iteration stand at the same place. */
export function timeRatioOf(goldMs: readonly number[], predictedMs: readonly number[]): number {
  return meanOf(withoutOutliers(goldMs.map((time, at) => time / predictedMs[at]!)));
}

/** Of a right prediction. */
export function rewardOf(timeRatio: number): number {
  return STEPS.find(([from]) => timeRatio >= from)?.[1] ?? SLOWEST_REWARD;
}

/** From 0 to 111.8, of one row. */
export const rVesOf = (reward: number): number => Math.sqrt(reward) * 100;
