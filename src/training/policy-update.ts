/**
 * From scored groups to gradient steps: training sequences, old and reference log-probabilities, minibatches.
 * It knows `Policy` and the loss variants; it does not know prompts, rewards or SQL. Metrics of what was trained count equal
 * samples of a group once.
 * Axes: T positions of a sequence, C completion tokens, G samples of a group.
 */
import type { Datum, ForwardBackwardResult, Policy, SampledSequence } from '../engine/policy.ts';
import type { Metrics } from '../foundation/events.ts';
import type { Random } from '../foundation/random.ts';
import { meanOf } from './advantages.ts';
import { joinTokens } from './encode.ts';
import type { GrpoConfig } from './grpo-config.ts';
import { adamParams } from './optimizer-config.ts';
import { importanceWeights, lossSpecOf, tokenWeights } from './policy-loss.ts';
import type { Replay } from './replay.ts';
import type { RolloutGroup, SampledGroup } from './rollouts.ts';
import type { StepContext } from './training-run.ts';

/** One distinct sample of a group; `count` equal samples are one sequence that counts so often. */
export interface TrainingSequence {
  readonly promptTokens: Int32Array;
  readonly sequence: SampledSequence;
  readonly temperature: number;
  readonly advantage: number;
  readonly count: number;
  readonly referenceLogprobs_C: Float32Array | undefined;
  /** False where it changes nothing: advantage 0 and no KL penalty. It still counts in the normalisation. */
  readonly isRead: boolean;
}

/**
 * Samples with a score, equal ones of a group merged: same tokens, same reward, same gradient, so one pass with the
 * weight of all is exact, and a policy that is nearly sure repeats itself often.
 */
export function trainingSequences(
  groups: readonly RolloutGroup[],
  advantages: readonly Float64Array[],
  referenceLogprobs: ReadonlyMap<SampledSequence, Float32Array>,
  config: GrpoConfig,
): TrainingSequence[] {
  return groups.flatMap((group, g) => {
    const distinct = new Map<string, TrainingSequence>();
    for (const [k, { sequence, score }] of group.rollouts.entries()) {
      if (score === null || sequence.tokens.length === 0) continue;
      const advantage = advantages[g]![k]!;
      const key = `${advantage}:${sequence.tokens.join(',')}`;
      const known = distinct.get(key);
      distinct.set(key, {
        promptTokens: group.prompt.promptTokens,
        sequence: known?.sequence ?? sequence,
        temperature: group.temperature,
        advantage,
        count: (known?.count ?? 0) + 1,
        referenceLogprobs_C: referenceLogprobs.get(known?.sequence ?? sequence),
        isRead: advantage !== 0 || config.klBeta > 0,
      });
    }
    return [...distinct.values()];
  });
}

interface Scorable {
  readonly promptTokens: Int32Array;
  readonly sequence: SampledSequence;
  readonly temperature: number;
}

/** Log-probabilities of completions under the policy or its reference, at the temperature of each. */
async function completionLogprobs(
  policy: Policy,
  items: readonly Scorable[],
  useReference: boolean,
): Promise<Map<SampledSequence, Float32Array>> {
  const result = new Map<SampledSequence, Float32Array>();
  for (const [temperature, batch] of byTemperature(items)) {
    const data = batch.map((item) => place(item, new Float32Array(item.sequence.tokens.length).fill(1)));
    const logprobs = await policy.logprobs(data, { useReference, temperature });
    for (const [i, item] of batch.entries()) {
      result.set(item.sequence, logprobs[i]!.slice(item.promptTokens.length - 1));
    }
  }
  return result;
}

/** The same for whole groups. */
export function scoreSequences(
  policy: Policy,
  groups: readonly SampledGroup[],
  options: { readonly useReference: boolean },
): Promise<Map<SampledSequence, Float32Array>> {
  const items = groups.flatMap(({ prompt, temperature, sequences }) =>
    sequences.map((sequence) => ({ promptTokens: prompt.promptTokens, sequence, temperature })),
  );
  return completionLogprobs(policy, items, options.useReference);
}

function byTemperature<T extends { readonly temperature: number }>(items: readonly T[]): Map<number, T[]> {
  const parts = new Map<number, T[]>();
  for (const item of items) {
    const part = parts.get(item.temperature);
    if (part === undefined) parts.set(item.temperature, [item]);
    else part.push(item);
  }
  return parts;
}

/** A datum whose completion positions have these weights. */
function place(item: Scorable, weights_C: Float32Array): Datum {
  const { inputTokens_T, targetTokens_T, completionStart } = joinTokens(
    item.promptTokens,
    item.sequence.tokens,
  );
  return { inputTokens_T, targetTokens_T, weights_T: spread(weights_C, completionStart) };
}

function spread(values_C: ArrayLike<number>, completionStart: number): Float32Array {
  const values_T = new Float32Array(completionStart + values_C.length);
  values_T.set(values_C, completionStart);
  return values_T;
}

interface Prepared extends TrainingSequence {
  readonly oldLogprobs_C: Float32Array;
  readonly importance_C: Float64Array;
}

/** Sums over the forward and backward passes of a step. */
interface UpdateSums {
  loss: number;
  updates: number;
  gradientNorms: number[];
  sums: Record<string, number>;
  mismatches: number[];
  replayLosses: number[];
}

/** Every optimizer step of one round of samples. */
export async function updatePolicy(
  policy: Policy,
  sequences: readonly TrainingSequence[],
  config: GrpoConfig,
  context: StepContext,
  replay?: Replay,
): Promise<Metrics> {
  const prepared = await prepareSequences(policy, sequences, config);
  const sums: UpdateSums = {
    loss: 0,
    updates: 0,
    gradientNorms: [],
    sums: {},
    mismatches: [],
    replayLosses: [],
  };
  for (let epoch = 0; epoch < config.innerEpochs; epoch++) {
    for (const minibatch of minibatchesOf(prepared, config, context.random.fork(`minibatches/${epoch}`))) {
      if (!minibatch.some((item) => item.isRead)) continue;
      const random = context.random.fork(`replay/${sums.updates}`);
      if (replay !== undefined) sums.replayLosses.push(await replay(random));
      await updateOnce(policy, minibatch, config, context, sums);
    }
  }
  return updateMetrics(prepared, sums);
}

async function prepareSequences(
  policy: Policy,
  sequences: readonly TrainingSequence[],
  config: GrpoConfig,
): Promise<Prepared[]> {
  const read = sequences.filter((item) => item.isRead);
  const rescored =
    config.oldLogprobs === 'trainer' ? await completionLogprobs(policy, read, false) : undefined;
  const options = { ...config, isSequenceLevel: config.loss === 'gspo' };
  return sequences.map((item) => {
    const oldLogprobs_C = rescored?.get(item.sequence) ?? item.sequence.policyLogprobs;
    const importance_C = importanceWeights(oldLogprobs_C, item.sequence.logprobs, options);
    return { ...item, oldLogprobs_C, importance_C };
  });
}

function minibatchesOf(items: readonly Prepared[], config: GrpoConfig, random: Random): Prepared[][] {
  if (config.minibatches === 1) return [[...items]];
  const shuffled = random.shuffle(items);
  const size = Math.ceil(shuffled.length / config.minibatches);
  return chunks(shuffled, size);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let start = 0; start < items.length; start += size) parts.push(items.slice(start, start + size));
  return parts;
}

async function updateOnce(
  policy: Policy,
  minibatch: readonly Prepared[],
  config: GrpoConfig,
  context: StepContext,
  sums: UpdateSums,
): Promise<void> {
  // What is read comes first, so that micro-batches are full; only bnpo's weights depend on who shares a micro-batch.
  const ordered =
    config.loss === 'bnpo'
      ? minibatch
      : [...minibatch.filter((item) => item.isRead), ...minibatch.filter((item) => !item.isRead)];
  const microBatches = chunks(ordered, config.microBatchSize === 0 ? ordered.length : config.microBatchSize);
  const lengths = microBatches.map((batch) =>
    batch.map(({ sequence, count }) => ({ length: sequence.tokens.length, count })),
  );
  const weights = tokenWeights(config.loss, lengths, config.maxNewTokens);
  const isFirstUpdate = sums.updates === 0;
  for (const [b, batch] of microBatches.entries()) {
    const weighted = batch.map((item, i) => ({ ...item, weight: weights[b]![i]! * item.count }));
    const read = weighted.filter((item) => item.isRead);
    for (const [temperature, part] of byTemperature(read)) {
      const result = await policy.forwardBackward(part.map(policyDatum), lossSpecOf(config, temperature));
      addResult(sums, result);
      if (isFirstUpdate) addMismatches(sums.mismatches, part, result);
    }
  }
  const { gradientNorm } = await policy.optimStep(adamParams(config, context.learningRate));
  sums.gradientNorms.push(gradientNorm);
  sums.updates += 1;
}

function policyDatum(item: Prepared & { readonly weight: number }): Datum {
  const { sequence, weight, advantage, importance_C, oldLogprobs_C, referenceLogprobs_C } = item;
  const datum = place(item, new Float32Array(sequence.tokens.length).fill(weight));
  const completionStart = item.promptTokens.length - 1;
  const advantages_C = importance_C.map((importance) => importance * advantage);
  return {
    ...datum,
    advantages_T: spread(advantages_C, completionStart),
    oldLogprobs_T: spread(oldLogprobs_C, completionStart),
    ...(referenceLogprobs_C === undefined
      ? {}
      : { referenceLogprobs_T: spread(referenceLogprobs_C, completionStart) }),
  };
}

function addResult(sums: UpdateSums, result: ForwardBackwardResult): void {
  sums.loss += result.lossSum;
  for (const [name, value] of Object.entries(result.metrics))
    sums.sums[name] = (sums.sums[name] ?? 0) + value;
}

/** Before the first update the trainer should give each token the probability that the sampler gave it. */
function addMismatches(mismatches: number[], part: readonly Prepared[], result: ForwardBackwardResult): void {
  for (const [i, { sequence, promptTokens }] of part.entries()) {
    const logprobs_C = result.logprobs[i]!.subarray(promptTokens.length - 1);
    for (const [c, logprob] of sequence.policyLogprobs.entries()) {
      mismatches.push(Math.abs(logprobs_C[c]! - logprob));
    }
  }
}

/** Without an update there is no loss, no gradient and no KL to report: the names are left out, not 0. */
function updateMetrics(prepared: readonly Prepared[], sums: UpdateSums): Metrics {
  const read = prepared.filter((item) => item.isRead);
  const counts = { optimizerSteps: sums.updates, trainedSequences: read.length };
  const tokens = sums.sums.tokens ?? 0;
  if (tokens === 0) return counts;
  const perToken = (name: string): number => (sums.sums[name] ?? 0) / tokens;
  return {
    ...counts,
    loss: sums.loss / sums.updates,
    gradientNorm: meanOf(sums.gradientNorms),
    trainedEntropy: perToken('entropy'),
    kl: perToken('kl'),
    ratio: perToken('ratio'),
    clippedLow: perToken('clippedLow'),
    clippedHigh: perToken('clippedHigh'),
    samplerMismatch: meanOf(sums.mismatches),
    samplerMismatchMax: sums.mismatches.reduce((max, value) => Math.max(max, value), 0),
    ...(sums.replayLosses.length > 0 ? { replayLoss: meanOf(sums.replayLosses) } : {}),
    importance: meanOf(read.flatMap((item) => [...item.importance_C])),
  };
}
