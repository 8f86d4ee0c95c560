/** Statistics over verdicts: intervals, percentiles, paired tests. Pure functions over numbers; knows no SQL. */
import type { Random } from '../foundation/random.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** A share with its 95% interval and the counts behind it. */
export interface Proportion {
  readonly passed: number;
  readonly total: number;
  /** NaN-free: 0 of 0 is 0. */
  readonly share: number;
  readonly interval: Interval;
}

const z95 = 1.959963984540054;

/** Wilson's score interval (Wilson 1927, JASA 22): sound for small sets and for shares near 0 and 1. */
export function wilsonInterval(passed: number, total: number, z: number = z95): Interval {
  if (total === 0) return { low: 0, high: 1 };
  const p = passed / total;
  const z2 = z * z;
  const center = (p + z2 / (2 * total)) / (1 + z2 / total);
  const half = (z / (1 + z2 / total)) * Math.sqrt((p * (1 - p)) / total + z2 / (4 * total * total));
  return { low: passed === 0 ? 0 : center - half, high: passed === total ? 1 : center + half };
}

export function proportion(passed: number, total: number): Proportion {
  return { passed, total, share: total === 0 ? 0 : passed / total, interval: wilsonInterval(passed, total) };
}

/** The q-quantile by linear interpolation between the closest ranks; 0 of an empty list. */
export function percentile(values: readonly number[], q: number): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const rank = q * (sorted.length - 1);
  const low = sorted[Math.floor(rank)]!;
  const high = sorted[Math.ceil(rank)]!;
  return low + (high - low) * (rank - Math.floor(rank));
}

export interface PairedTest {
  /** Right in B only, minus right in A only, as a share of all pairs. */
  readonly difference: number;
  /** 95% bootstrap interval of the difference, pairs resampled together. */
  readonly interval: Interval;
  readonly onlyA: number;
  readonly onlyB: number;
  /** Two-sided exact McNemar: the chance of a split at least this uneven if A and B were equally good. */
  readonly pValue: number;
}

/** log of n choose k, by summation: exact enough for the test, no gamma function needed. */
function logChoose(n: number, k: number): number {
  let sum = 0;
  for (let i = 1; i <= k; i++) sum += Math.log(n - k + i) - Math.log(i);
  return sum;
}

/** Exact binomial McNemar test on the discordant pairs (McNemar 1947). */
export function mcnemar(onlyA: number, onlyB: number): number {
  const n = onlyA + onlyB;
  if (n === 0) return 1;
  const k = Math.min(onlyA, onlyB);
  let tail = 0;
  for (let i = 0; i <= k; i++) tail += Math.exp(logChoose(n, i) - n * Math.LN2);
  return Math.min(1, 2 * tail);
}

/** Compares two systems on the same questions; `a[i]` and `b[i]` are the verdicts on question i. */
export function pairedTest(
  a: readonly boolean[],
  b: readonly boolean[],
  random: Random,
  resamples = 2000,
): PairedTest {
  if (a.length !== b.length) throw new RangeError(`pairedTest: ${a.length} verdicts against ${b.length}`);
  const deltas = a.map((right, i) => Number(b[i]) - Number(right));
  const total = deltas.length;
  const meanOf = (pick: () => number): number => {
    let sum = 0;
    for (let i = 0; i < total; i++) sum += pick();
    return total === 0 ? 0 : sum / total;
  };
  const means: number[] = [];
  for (let i = 0; i < resamples; i++) means.push(meanOf(() => deltas[random.int(total)]!));
  const onlyA = deltas.filter((delta) => delta < 0).length;
  const onlyB = deltas.filter((delta) => delta > 0).length;
  return {
    difference: total === 0 ? 0 : (onlyB - onlyA) / total,
    interval: { low: percentile(means, 0.025), high: percentile(means, 0.975) },
    onlyA,
    onlyB,
    pValue: mcnemar(onlyA, onlyB),
  };
}
