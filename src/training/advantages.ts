/**
 * Group-relative advantages: how much better each sample is than the others of its prompt. Pure.
 * A score of null (could not be scored, or cut off) is in no mean and has no advantage.
 */

export interface AdvantageOptions {
  /** Divide by the group's std (DeepSeekMath, arXiv 2402.03300), by the batch's (REINFORCE++), or not (Dr.GRPO, 2503.20783). */
  readonly advantage: 'std' | 'batch' | 'none';
  readonly advantageClip: number;
}

export type Scores = readonly (number | null)[];

/** Keeps a group whose rewards differ by rounding dust from being blown up; the value that TRL and verl use is of this size. */
const smallestStd = 1e-4;

const isScore = (score: number | null): score is number => score !== null;

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** With n - 1 below, as torch.std; 0 for fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/** No sample is better than another: tested on the rewards themselves, since a float std of equal values need not be 0. */
export function isZeroVariance(scores_G: Scores): boolean {
  const scored = scores_G.filter(isScore);
  return scored.every((score) => score === scored[0]);
}

/** One array a group; 0 where there is no score or no variance. */
export function groupAdvantages(
  groups: readonly Scores[],
  options: AdvantageOptions,
): readonly Float64Array[] {
  const centred = groups.map(centre);
  const batchStd = standardDeviation(groups.flatMap((scores_G) => scores_G.filter(isScore)));
  return groups.map((scores_G, i) => {
    const scale = divisor(scores_G, batchStd, options.advantage);
    const limit = options.advantageClip;
    return centred[i]!.map((value) => Math.min(limit, Math.max(-limit, value / scale)));
  });
}

function centre(scores_G: Scores): Float64Array {
  if (isZeroVariance(scores_G)) return new Float64Array(scores_G.length);
  const mean = meanOf(scores_G.filter(isScore));
  return Float64Array.from(scores_G, (score) => (score === null ? 0 : score - mean));
}

function divisor(scores_G: Scores, batchStd: number, mode: AdvantageOptions['advantage']): number {
  switch (mode) {
    case 'std':
      return standardDeviation(scores_G.filter(isScore)) + smallestStd;
    case 'batch':
      return batchStd + smallestStd;
    case 'none':
      return 1;
    default:
      return mode satisfies never;
  }
}
