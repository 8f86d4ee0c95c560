/**
 * The losses of `LossSpec`, one sequence at a time, written for reading: value, derivative with respect to the
 * log-probability of each target, and from it with respect to the logits.
 */
import type { Datum, LossSpec } from '../../src/engine/policy.ts';

type PolicyLoss = Exclude<LossSpec, { name: 'cross_entropy' }>;

export interface OracleLoss {
  readonly lossSum: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** dLoss / dlogits of position t, given its log-probabilities at the loss's temperature. */
  logitGradient(t: number, logprobs_V: Float64Array): Float64Array;
}

export function lossGradient(
  datum: Datum,
  logprobs_T: readonly number[],
  logprobs_TV: readonly Float64Array[],
  loss: LossSpec,
): OracleLoss {
  const read = Array.from(datum.weights_T.keys()).filter((t) => datum.weights_T[t] !== 0);
  const entropy = read.reduce((sum, t) => sum + entropyOf(logprobs_TV[t]!), 0);
  const base = { tokens: read.length, entropy };
  if (loss.name === 'cross_entropy') {
    return crossEntropy(datum, read, logprobs_T, logprobs_TV, loss.labelSmoothing ?? 0, base);
  }
  const policy = policyLoss(datum, read, logprobs_T, loss);
  return {
    lossSum: policy.lossSum,
    metrics: { ...base, ...policy.metrics },
    logitGradient: (t, logprobs_V) =>
      // d logp(target) / d logits = (onehot - p) / temperature
      logprobs_V.map(
        (logprob, v) =>
          (policy.derivatives_T[t]! * ((v === datum.targetTokens_T[t] ? 1 : 0) - Math.exp(logprob))) /
          loss.temperature,
      ),
  };
}

function entropyOf(logprobs_V: Float64Array): number {
  return -logprobs_V.reduce((sum, logprob) => sum + Math.exp(logprob) * logprob, 0);
}

function crossEntropy(
  datum: Datum,
  read: readonly number[],
  logprobs_T: readonly number[],
  logprobs_TV: readonly Float64Array[],
  smoothing: number,
  metrics: Readonly<Record<string, number>>,
): OracleLoss {
  let lossSum = 0;
  for (const t of read) {
    const row = logprobs_TV[t]!;
    const uniform = row.reduce((sum, logprob) => sum + logprob, 0) / row.length;
    lossSum -= datum.weights_T[t]! * ((1 - smoothing) * logprobs_T[t]! + smoothing * uniform);
  }
  return {
    lossSum,
    metrics,
    logitGradient: (t, logprobs_V) =>
      logprobs_V.map((logprob, v) => {
        const target = (v === datum.targetTokens_T[t] ? 1 - smoothing : 0) + smoothing / logprobs_V.length;
        return datum.weights_T[t]! * (Math.exp(logprob) - target);
      }),
  };
}

function clip(ratio: number, loss: PolicyLoss): number {
  return Math.min(Math.max(ratio, 1 - loss.clipLow), 1 + loss.clipHigh);
}

function policyLoss(datum: Datum, read: readonly number[], logprobs_T: readonly number[], loss: PolicyLoss) {
  const derivatives_T = new Float64Array(logprobs_T.length);
  const metrics = { kl: 0, clippedLow: 0, clippedHigh: 0, ratio: 0 };
  const logRatio = (t: number): number => logprobs_T[t]! - datum.oldLogprobs_T![t]!;
  const meanLogRatio = read.reduce((sum, t) => sum + logRatio(t), 0) / Math.max(1, read.length);
  const isSequence = loss.name === 'ppo' && loss.ratioLevel === 'sequence';
  let lossSum = 0;
  for (const t of read) {
    const weight = datum.weights_T[t]!;
    const advantage = datum.advantages_T![t]!;
    const ratio = Math.exp(isSequence ? meanLogRatio : logRatio(t));
    metrics.ratio += ratio;
    if (ratio < 1 - loss.clipLow && (advantage < 0 || loss.name === 'cispo')) metrics.clippedLow += 1;
    if (ratio > 1 + loss.clipHigh && (advantage > 0 || loss.name === 'cispo')) metrics.clippedHigh += 1;
    if (loss.name === 'cispo') {
      lossSum -= weight * clip(ratio, loss) * advantage * logprobs_T[t]!;
      derivatives_T[t]! -= weight * clip(ratio, loss) * advantage;
    } else {
      lossSum -= weight * Math.min(ratio * advantage, clip(ratio, loss) * advantage);
      const flows = ratio * advantage <= clip(ratio, loss) * advantage;
      const slope = flows ? weight * ratio * advantage : 0;
      if (isSequence) for (const u of read) derivatives_T[u]! -= slope / read.length;
      else derivatives_T[t]! -= slope;
    }
    if (loss.klBeta > 0) {
      const toReference = datum.referenceLogprobs_T![t]! - logprobs_T[t]!;
      const k3 = Math.exp(toReference) - toReference - 1;
      // Samples of an older policy: ratio x k3, with the gradient of both. At ratio 1 that is the gradient of the true KL.
      const tokenRatio = Math.exp(logRatio(t));
      metrics.kl += k3;
      lossSum += weight * loss.klBeta * tokenRatio * k3;
      derivatives_T[t]! -= weight * loss.klBeta * tokenRatio * toReference;
    }
  }
  return { lossSum, metrics, derivatives_T };
}
