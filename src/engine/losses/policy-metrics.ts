/**
 * What a policy-gradient loss did, counted in JavaScript from the log-probabilities that the graph returned: ratio,
 * clipped tokens, KL estimate. Sums over the positions that were read.
 */
import type { LossSpec } from '../policy.ts';

export interface ReadTokens {
  readonly logprobs: ArrayLike<number>;
  readonly oldLogprobs: ArrayLike<number>;
  readonly advantages: ArrayLike<number>;
  /** Empty where there is no reference. */
  readonly referenceLogprobs: ArrayLike<number>;
}

export interface PolicyMetrics {
  kl: number;
  clippedLow: number;
  clippedHigh: number;
  ratio: number;
}

/** k3 = e^d − d − 1 with d = log π_ref − log π (http://joschu.net/blog/kl-approx.html). */
function k3(logprob: number, reference: number): number {
  const difference = reference - logprob;
  return Math.expm1(difference) - difference;
}

/** Tokens of one sequence. `clippedLow` and `clippedHigh` count tokens whose gradient the bound changes. */
export function sequenceMetrics(tokens: ReadTokens, loss: Exclude<LossSpec, { name: 'cross_entropy' }>) {
  const count = tokens.logprobs.length;
  const logRatios = Array.from(tokens.logprobs, (logprob, index) => logprob - tokens.oldLogprobs[index]!);
  const isSequence = loss.name === 'ppo' && loss.ratioLevel === 'sequence';
  const mean = logRatios.reduce((sum, value) => sum + value, 0) / Math.max(1, count);
  const metrics: PolicyMetrics = { kl: 0, clippedLow: 0, clippedHigh: 0, ratio: 0 };
  for (let i = 0; i < count; i++) {
    const ratio = Math.exp(isSequence ? mean : logRatios[i]!);
    const advantage = tokens.advantages[i]!;
    // PPO's minimum ignores a bound that would only make the objective larger; CISPO's weight is always bounded.
    const isLow = ratio < 1 - loss.clipLow && (loss.name === 'cispo' || advantage < 0);
    const isHigh = ratio > 1 + loss.clipHigh && (loss.name === 'cispo' || advantage > 0);
    metrics.ratio += ratio;
    metrics.clippedLow += isLow ? 1 : 0;
    metrics.clippedHigh += isHigh ? 1 : 0;
    if (tokens.referenceLogprobs.length > 0)
      metrics.kl += k3(tokens.logprobs[i]!, tokens.referenceLogprobs[i]!);
  }
  return metrics;
}
