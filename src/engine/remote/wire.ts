/** Data and losses in the words of the Tinker API. Pure: it knows shapes and formulas, no connection. Axes: T positions. */
import { LOG_RATIO_LIMIT } from '../losses/loss-graph.ts';
import { sequenceMetrics } from '../losses/policy-metrics.ts';
import type { Datum, ForwardBackwardResult, LossSpec } from '../policy.ts';
import type { Json } from './connection.ts';
import { unsupported } from './remote-errors.ts';

type PolicyLoss = Exclude<LossSpec, { name: 'cross_entropy' }>;

export const modelInput = (tokens: Int32Array): Json => ({
  chunks: [{ type: 'encoded_text', tokens: Array.from(tokens) }],
});

const integers = (values: Int32Array): Json => ({
  data: Array.from(values),
  dtype: 'int64',
  shape: [values.length],
});

/** Nine digits give back every float32 exactly; a float32 written as a double has up to seventeen. */
const floats = (values: Float32Array): Json => ({
  data: Array.from(values, (value) => (Number.isInteger(value) ? value : Number(value.toPrecision(9)))),
  dtype: 'float32',
  shape: [values.length],
});

export interface WireLoss {
  readonly name: string;
  readonly config: Readonly<Record<string, number>> | undefined;
  readonly data: (datum: Datum) => Json;
}

const datumOf = (datum: Datum, inputs: Readonly<Record<string, Float32Array>>): Json => ({
  model_input: modelInput(datum.inputTokens_T),
  loss_fn_inputs: {
    target_tokens: integers(datum.targetTokens_T),
    ...Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, floats(values)])),
  },
});

const lossName = (loss: PolicyLoss): string =>
  loss.name === 'cispo' ? 'cispo' : loss.ratioLevel === 'sequence' ? 'gspo' : 'ppo';

/** The API bounds the ratio itself, we its distance from 1. */
const clipConfig = ({ clipLow, clipHigh }: PolicyLoss) => ({
  clip_low_threshold: 1 - clipLow,
  clip_high_threshold: 1 + clipHigh,
});

/** For Querent's worker, which has weights, temperature and the KL penalty in the loss, as the engine here has. */
export function workerLoss(loss: LossSpec): WireLoss {
  if (loss.name === 'cross_entropy') {
    const { labelSmoothing = 0 } = loss;
    const config = labelSmoothing > 0 ? { label_smoothing: labelSmoothing } : undefined;
    return { name: loss.name, config, data: (datum) => datumOf(datum, { weights: datum.weights_T }) };
  }
  const withKl = loss.klBeta > 0;
  return {
    name: lossName(loss),
    config: {
      ...clipConfig(loss),
      temperature: loss.temperature,
      ...(withKl ? { kl_beta: loss.klBeta } : {}),
    },
    data: (datum) =>
      datumOf(datum, {
        weights: datum.weights_T,
        advantages: datum.advantages_T!,
        logprobs: datum.oldLogprobs_T!,
        ...(withKl ? { reference_logprobs: datum.referenceLogprobs_T! } : {}),
      }),
  };
}

/**
 * For every other server. Weights go into the advantages, since every loss is linear in them (weights are never negative).
 * So does the KL penalty: β (log π_old − log π_ref) taken off the advantage has at ratio 1 the gradient of the penalty in
 * the loss, β (log π − log π_ref) ∇log π; later in a step it is clipped with the rest, which the penalty in the loss is not.
 */
export function publicLoss(loss: LossSpec): WireLoss {
  if (loss.name === 'cross_entropy') {
    if ((loss.labelSmoothing ?? 0) > 0) {
      throw unsupported('label smoothing is not part of the public API', 'Set the label smoothing to 0.');
    }
    return {
      name: loss.name,
      config: undefined,
      data: (datum) => datumOf(datum, { weights: datum.weights_T }),
    };
  }
  checkTemperature(loss.temperature);
  return {
    name: lossName(loss),
    config: clipConfig(loss),
    data: (datum) =>
      datumOf(datum, { advantages: foldedAdvantages(datum, loss.klBeta), logprobs: datum.oldLogprobs_T! }),
  };
}

function foldedAdvantages(datum: Datum, klBeta: number): Float32Array {
  return datum.weights_T.map((weight, t) => {
    if (weight === 0) return 0;
    const penalty = klBeta === 0 ? 0 : klBeta * (datum.oldLogprobs_T![t]! - datum.referenceLogprobs_T![t]!);
    return weight * (datum.advantages_T![t]! - penalty);
  });
}

export function checkTemperature(temperature: number): void {
  if (temperature === 1) return;
  throw unsupported(
    `the public API trains at temperature 1, and ${temperature} was asked for`,
    'Set grpo.temperature=1, or train through Querent’s own worker.',
  );
}

/** What the log-probabilities that a server returned say about the loss: sums over the positions that were read. */
export function resultOf(
  data: readonly Datum[],
  loss: LossSpec,
  rows: readonly Float32Array[],
  reported: Readonly<Record<string, number>>,
): ForwardBackwardResult {
  const logprobs = rows.map((row, i) => row.map((value, t) => (data[i]!.weights_T[t] === 0 ? 0 : value)));
  const metrics: Record<string, number> = { tokens: 0, entropy: reported['entropy:sum'] ?? 0 };
  let lossSum = 0;
  data.forEach((datum, i) => {
    const read = [...datum.weights_T.keys()].filter((t) => datum.weights_T[t] !== 0);
    const pick = (values: Float32Array | undefined) => read.map((t) => values?.[t] ?? 0);
    metrics.tokens! += read.length;
    const weights = pick(datum.weights_T);
    const chosen = pick(logprobs[i]);
    if (loss.name === 'cross_entropy') {
      lossSum -= chosen.reduce((sum, logprob, n) => sum + weights[n]! * logprob, 0);
      return;
    }
    const tokens = {
      logprobs: chosen,
      oldLogprobs: pick(datum.oldLogprobs_T),
      advantages: pick(datum.advantages_T),
      referenceLogprobs: datum.referenceLogprobs_T === undefined ? [] : pick(datum.referenceLogprobs_T),
    };
    for (const [name, value] of Object.entries(sequenceMetrics(tokens, loss))) {
      metrics[name] = (metrics[name] ?? 0) + value;
    }
    lossSum += policyLossSum(loss, tokens, weights);
  });
  // The worker knows the sum itself, label smoothing included.
  return { lossSum: reported['loss:sum'] ?? lossSum, logprobs, metrics };
}

interface TokenValues {
  readonly logprobs: readonly number[];
  readonly oldLogprobs: readonly number[];
  readonly advantages: readonly number[];
  readonly referenceLogprobs: readonly number[];
}

/** The loss of one sequence by its formula (see `losses/loss-graph.ts`). */
function policyLossSum(loss: PolicyLoss, tokens: TokenValues, weights: readonly number[]): number {
  const bounded = (value: number) => Math.max(-LOG_RATIO_LIMIT, Math.min(LOG_RATIO_LIMIT, value));
  const logRatios = tokens.logprobs.map((logprob, t) => logprob - tokens.oldLogprobs[t]!);
  const mean = logRatios.reduce((sum, value) => sum + value, 0) / Math.max(1, logRatios.length);
  const isSequence = loss.name === 'ppo' && loss.ratioLevel === 'sequence';
  return weights.reduce((sum, weight, t) => {
    const ratio = Math.exp(bounded(isSequence ? mean : logRatios[t]!));
    const clipped = Math.max(1 - loss.clipLow, Math.min(1 + loss.clipHigh, ratio));
    const advantage = tokens.advantages[t]!;
    const objective =
      loss.name === 'cispo'
        ? clipped * advantage * tokens.logprobs[t]!
        : Math.min(ratio * advantage, clipped * advantage);
    if (loss.klBeta === 0) return sum - weight * objective;
    const difference = bounded(tokens.referenceLogprobs[t]! - tokens.logprobs[t]!);
    const k3 = Math.expm1(difference) - difference;
    return sum - weight * (objective - loss.klBeta * Math.exp(bounded(logRatios[t]!)) * k3);
  }, 0);
}
