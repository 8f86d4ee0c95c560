/** What a round of samples looked like: rewards and their parts, lengths, entropy, groups without variance. Pure. */
import type { Metrics } from '../foundation/events.ts';
import { isZeroVariance, meanOf, standardDeviation } from './advantages.ts';
import { type Collected, type Rollout, type RolloutGroup, scoresOf } from './rollouts.ts';

export interface RolloutMetrics {
  readonly metrics: Metrics;
  readonly completions: number;
  readonly tokens: number;
}

/** Over everything that was sampled: what dynamic sampling replaced belongs to the picture too. */
export function rolloutMetrics(collected: Collected, advantages: readonly Float64Array[]): RolloutMetrics {
  const { sampled, groups } = collected;
  const rollouts = sampled.flatMap((group) => group.rollouts);
  const scores = rollouts.flatMap(({ score }) => (score === null ? [] : [score]));
  const lengths = rollouts.map(({ sequence }) => sequence.tokens.length);
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const magnitudes = advantages.flatMap((values) => Array.from(values, Math.abs));
  const share = (test: (rollout: Rollout) => boolean): number =>
    rollouts.filter(test).length / Math.max(1, rollouts.length);
  return {
    completions: rollouts.length,
    tokens,
    metrics: {
      ...rewardSummary(scores),
      ...componentMetrics(rollouts),
      entropy: sampledEntropy(rollouts, tokens),
      zeroVarianceShare:
        sampled.filter((group) => isZeroVariance(scoresOf(group))).length / Math.max(1, sampled.length),
      trainedGroups: groups.filter((group) => !isZeroVariance(scoresOf(group))).length,
      samplingRounds: collected.rounds,
      distinctShare: distinctShare(sampled),
      responseLength: meanOf(lengths),
      responseLengthMax: lengths.reduce((most, length) => Math.max(most, length), 0),
      truncatedShare: share(({ sequence }) => sequence.stopReason === 'length'),
      unscoredShare: share(({ score }) => score === null),
      advantageMagnitude: meanOf(magnitudes),
      skippedPrompts: collected.skippedPrompts,
    },
  };
}

function rewardSummary(scores: readonly number[]): Metrics {
  if (scores.length === 0) return {};
  const { mean, std, min, max } = summaryOf(scores);
  return { rewardMean: mean, rewardStd: std, rewardMin: min, rewardMax: max };
}

function summaryOf(values: readonly number[]) {
  return {
    mean: meanOf(values),
    std: standardDeviation(values),
    min: values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
    max: values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
  };
}

/** `component.match.mean`, … for each part of the reward; the mean of `match` is the execution accuracy of the samples. */
function componentMetrics(rollouts: readonly Rollout[]): Metrics {
  const values = new Map<string, number[]>();
  for (const { reward } of rollouts) {
    for (const [name, value] of Object.entries(reward?.components ?? {})) {
      const list = values.get(name);
      if (list === undefined) values.set(name, [value]);
      else list.push(value);
    }
  }
  const metrics: Record<string, number> = {};
  for (const [name, list] of values) {
    for (const [key, value] of Object.entries(summaryOf(list))) metrics[`component.${name}.${key}`] = value;
  }
  return metrics;
}

/** Mean of -log p over the sampled tokens: an unbiased estimate where no filter was at work. */
function sampledEntropy(rollouts: readonly Rollout[], tokens: number): number {
  let sum = 0;
  for (const { sequence } of rollouts) for (const logprob of sequence.policyLogprobs) sum -= logprob;
  return sum / Math.max(1, tokens);
}

/** Distinct completions among all: near 1 / K the policy repeats itself and there is little to compare. */
function distinctShare(groups: readonly RolloutGroup[]): number {
  const distinct = groups.map(
    (group) => new Set(group.rollouts.map(({ sequence }) => sequence.tokens.join())).size,
  );
  const all = groups.reduce((sum, group) => sum + group.rollouts.length, 0);
  return distinct.reduce((sum, count) => sum + count, 0) / Math.max(1, all);
}
