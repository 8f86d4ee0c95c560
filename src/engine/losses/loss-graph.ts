/**
 * Losses over log-probabilities as graphs: weighted sums over the positions that are read. All numbers that a run may
 * change (clips, temperature, …) are inputs, so that one compiled graph serves every value.
 * Axes: L positions, S sequences.
 */
import { stopGradient } from '../graph/autodiff.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import type { LossSpec } from '../policy.ts';
import type { TokenLogprobs } from './token-logprobs.ts';

/** What makes a different graph; two losses of one kind differ only in numbers. */
export type LossKind =
  | { readonly name: 'cross_entropy'; readonly smoothed: boolean }
  | { readonly name: 'ppo'; readonly ratioLevel: 'token' | 'sequence'; readonly withKl: boolean }
  | { readonly name: 'cispo'; readonly withKl: boolean };

export function lossKind(loss: LossSpec): LossKind {
  switch (loss.name) {
    case 'cross_entropy':
      return { name: 'cross_entropy', smoothed: (loss.labelSmoothing ?? 0) > 0 };
    case 'ppo':
      return { name: 'ppo', ratioLevel: loss.ratioLevel, withKl: loss.klBeta !== 0 };
    case 'cispo':
      return { name: 'cispo', withKl: loss.klBeta !== 0 };
    default:
      return loss satisfies never;
  }
}

/** Log ratios beyond this are cut (e^20): an overflow to infinity would turn a whole gradient into NaN. */
export const LOG_RATIO_LIMIT = 20;

const vector = (graph: Graph, name: string): Tensor => graph.input(name, 'float32', ['positions']);
const scalarInput = (graph: Graph, name: string): Tensor => graph.input(name, 'float32', []);

function limited(graph: Graph, logRatio_L: Tensor): Tensor {
  return op.clip(graph, logRatio_L, graph.scalar(-LOG_RATIO_LIMIT), graph.scalar(LOG_RATIO_LIMIT));
}

function weightedSum(graph: Graph, weights_L: Tensor, x_L: Tensor): Tensor {
  return op.sumAll(graph, op.multiply(graph, weights_L, x_L));
}

/**
 * β · ratio · k3 with k3 = e^d − d − 1, d = log π_ref − log π (http://joschu.net/blog/kl-approx.html). The ratio
 * corrects for samples of an older policy; its gradient is kept, so that on-policy (ratio 1) the gradient is that of
 * the true KL, d·∇log π up to sign, which k3 alone does not have.
 */
function klPenalty(graph: Graph, logprobs_L: Tensor, ratio_L: Tensor): Tensor {
  const reference_L = vector(graph, 'reference_logprobs');
  const difference_L = limited(graph, op.subtract(graph, reference_L, logprobs_L));
  const excess_L = op.subtract(graph, op.exp(graph, difference_L), difference_L);
  const k3_L = op.subtract(graph, excess_L, graph.scalar(1));
  return op.multiply(graph, scalarInput(graph, 'kl_beta'), op.multiply(graph, ratio_L, k3_L));
}

/** One ratio a sequence, the geometric mean over its tokens, given back to each token (arXiv 2507.18071 eq. 7). */
function sequenceRatio(graph: Graph, logRatio_L: Tensor): Tensor {
  const membership_SL = graph.input('membership', 'float32', ['sequences', 'positions']);
  const inverseLengths_S1 = graph.input('inverse_lengths', 'float32', ['sequences', 1]);
  const sums_S1 = op.matMul(graph, membership_SL, op.reshape(graph, logRatio_L, ['positions', 1]));
  const means_S1 = op.multiply(graph, sums_S1, inverseLengths_S1);
  const spread_L1 = op.matMul(graph, membership_SL, means_S1, { transposeA: true });
  return op.exp(graph, limited(graph, op.reshape(graph, spread_L1, ['positions'])));
}

function policyLoss(
  graph: Graph,
  kind: Exclude<LossKind, { name: 'cross_entropy' }>,
  logprobs_L: Tensor,
): Tensor {
  const weights_L = vector(graph, 'weights');
  const advantages_L = vector(graph, 'advantages');
  const logRatio_L = op.subtract(graph, logprobs_L, vector(graph, 'old_logprobs'));
  const tokenRatio_L = op.exp(graph, limited(graph, logRatio_L));
  const low = op.subtract(graph, graph.scalar(1), scalarInput(graph, 'clip_low'));
  const high = op.add(graph, graph.scalar(1), scalarInput(graph, 'clip_high'));

  const objective = (): Tensor => {
    if (kind.name === 'cispo') {
      const factor_L = stopGradient(graph, op.clip(graph, tokenRatio_L, low, high));
      return op.multiply(graph, op.multiply(graph, factor_L, advantages_L), logprobs_L);
    }
    const ratio_L = kind.ratioLevel === 'token' ? tokenRatio_L : sequenceRatio(graph, logRatio_L);
    const free_L = op.multiply(graph, ratio_L, advantages_L);
    const clipped_L = op.multiply(graph, op.clip(graph, ratio_L, low, high), advantages_L);
    return op.minimum(graph, free_L, clipped_L);
  };
  const objective_L = objective();
  const total_L = kind.withKl
    ? op.subtract(graph, objective_L, klPenalty(graph, logprobs_L, tokenRatio_L))
    : objective_L;
  return op.negate(graph, weightedSum(graph, weights_L, total_L));
}

/** The scalar loss; declares the inputs that its kind needs. */
export function lossGraph(graph: Graph, kind: LossKind, logprobs: TokenLogprobs): Tensor {
  if (kind.name !== 'cross_entropy') return policyLoss(graph, kind, logprobs.target_L);
  const weights_L = vector(graph, 'weights');
  if (!kind.smoothed) return op.negate(graph, weightedSum(graph, weights_L, logprobs.target_L));
  const smoothing = scalarInput(graph, 'label_smoothing');
  const sharp_L = op.multiply(graph, logprobs.target_L, op.subtract(graph, graph.scalar(1), smoothing));
  const smooth_L = op.multiply(graph, logprobs.mean_L, smoothing);
  return op.negate(graph, weightedSum(graph, weights_L, op.add(graph, sharp_L, smooth_L)));
}
