/**
 * From hidden states to log-probabilities of the target tokens, without ever storing a one-hot or a log-softmax of
 * [positions, vocabulary]: only logits and probabilities exist, and the targets' part of the gradient is a few rows.
 * Axes: L positions that a loss reads, V vocabulary, D hidden size.
 */
import { withGradient } from '../graph/autodiff.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import type { ModelGraph } from '../model/model-graph.ts';
import { outputWeightName } from '../model/weights.ts';

export interface TokenLogprobs {
  /** log π(target), [L]. */
  readonly target_L: Tensor;
  /** Mean of log π over the vocabulary, [L]: what label smoothing pulls up. */
  readonly mean_L: Tensor;
  /** Entropy of π, [L]; no gradient flows through it. Left out of a forward-only graph. */
  readonly entropy_L: Tensor | undefined;
}

const column = (graph: Graph, x_L: Tensor): Tensor => op.reshape(graph, x_L, ['positions', 1]);
const flat = (graph: Graph, x_L1: Tensor): Tensor => op.reshape(graph, x_L1, ['positions']);

export interface HeadInputs {
  readonly hidden_LD: Tensor;
  /** [L] int32. */
  readonly targets_L: Tensor;
  /** Scalar 1 / temperature. */
  readonly inverseTemperature: Tensor;
}

export interface HeadOptions {
  /** Compute `mean_L` (else it is 0 and must not be used). */
  readonly wantsMean: boolean;
  /** Compute the entropy; the backward pass needs this too. */
  readonly wantsEntropy: boolean;
}

/** log Σ exp z from a maximum of the softmax: the probability of the likeliest token never underflows. */
function logSumExp(graph: Graph, logits_LV: Tensor, probabilities_LV: Tensor): Tensor {
  const largest = op.reduceMax(graph, logits_LV, [1], true);
  const likeliest = op.reduceMax(graph, probabilities_LV, [1], true);
  return op.subtract(graph, largest, op.log(graph, likeliest));
}

/**
 * With c, m the gradients of log π(target) and of mean log π: dlogits = c onehot + m/V − (c + m) π. Each term meets
 * the weights on its own, so that the first stays rows, the second a vector, and π is used as it is.
 */
export function tokenLogprobs(model: ModelGraph, inputs: HeadInputs, options: HeadOptions): TokenLogprobs {
  const { graph, config } = model;
  const { hidden_LD, targets_L, inverseTemperature } = inputs;
  const weight_VD = model.parameter(outputWeightName(config), [config.vocabSize, config.hiddenSize]);
  const scaled_LD = op.multiply(graph, hidden_LD, inverseTemperature);
  let probabilities_LV: Tensor;
  let expected_LD: Tensor;

  const forward = () => {
    const logits_LV = op.matMul(graph, scaled_LD, weight_VD, { transposeB: true });
    probabilities_LV = op.softmax(graph, logits_LV);
    const normalizer_L1 = logSumExp(graph, logits_LV, probabilities_LV);
    const chosen_L1 = op.gatherElements(graph, logits_LV, column(graph, targets_L));
    const meanLogit_L1 = options.wantsMean ? op.reduceMean(graph, logits_LV, [1], true) : normalizer_L1;
    const from = (x_L1: Tensor) => flat(graph, op.subtract(graph, x_L1, normalizer_L1));
    const outputs = [from(chosen_L1), from(meanLogit_L1)] as const;
    if (!options.wantsEntropy) return outputs;
    // Σ π z = Σ π (w · h) = (Σ π w) · h: the backward pass needs Σ π w anyway.
    expected_LD = op.matMul(graph, probabilities_LV, weight_VD);
    const expected_L1 = op.reduceSum(graph, op.multiply(graph, expected_LD, scaled_LD), [1], true);
    return [...outputs, op.negate(graph, from(expected_L1))] as const;
  };

  const outputs = withGradient<readonly Tensor[]>(
    graph,
    [scaled_LD, weight_VD],
    forward,
    (_, [c_L, m_L], needs) => {
      const parts = { scaled_LD, weight_VD, probabilities_LV, expected_LD, targets_L };
      return headGradient(model, parts, c_L!, m_L, needs);
    },
  );
  return { target_L: outputs[0]!, mean_L: outputs[1]!, entropy_L: outputs[2] };
}

interface HeadParts {
  readonly scaled_LD: Tensor;
  readonly weight_VD: Tensor;
  readonly probabilities_LV: Tensor;
  /** Σ π w: the mean row of the weights. */
  readonly expected_LD: Tensor;
  readonly targets_L: Tensor;
}

function headGradient(
  model: ModelGraph,
  parts: HeadParts,
  c_L: Tensor,
  m_L: Tensor | undefined,
  needs: (input: Tensor) => boolean,
): readonly (Tensor | undefined)[] {
  const { graph, config } = model;
  const { scaled_LD, weight_VD, probabilities_LV, targets_L } = parts;
  const c_L1 = column(graph, c_L);
  const share_L1 = m_L === undefined ? undefined : op.scale(graph, column(graph, m_L), 1 / config.vocabSize);
  const total_L1 = m_L === undefined ? c_L1 : op.add(graph, c_L1, column(graph, m_L));

  const hiddenGradient = (): Tensor => {
    const expected_LD = op.multiply(graph, parts.expected_LD, total_L1);
    const chosen_LD = op.multiply(graph, op.gatherRows(graph, weight_VD, targets_L), c_L1);
    const direct_LD = op.subtract(graph, chosen_LD, expected_LD);
    if (share_L1 === undefined) return direct_LD;
    const all_1D = op.reduceSum(graph, weight_VD, [0], true);
    return op.add(graph, direct_LD, op.multiply(graph, share_L1, all_1D));
  };

  const weightGradient = (): Tensor => {
    const rows = op.multiply(graph, scaled_LD, c_L1);
    model.rowGradients.push({ parameter: weight_VD, indices: targets_L, rows });
    const negative_LD = op.negate(graph, op.multiply(graph, scaled_LD, total_L1));
    const expected_VD = op.matMul(graph, probabilities_LV, negative_LD, { transposeA: true });
    if (share_L1 === undefined) return expected_VD;
    const shared_1D = op.matMul(graph, share_L1, scaled_LD, { transposeA: true });
    return op.add(graph, expected_VD, shared_1D);
  };
  return [needs(scaled_LD) ? hiddenGradient() : undefined, needs(weight_VD) ? weightGradient() : undefined];
}
