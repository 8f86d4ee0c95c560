/**
 * Loss variants as normalisations: every loss is a weighted sum over tokens (see `LossSpec`), so a variant is a weight
 * for each sequence's tokens and a form of the ratio. Pure; it knows no model.
 *
 *   variant   weight of a token of sequence i (N sequences, L_i tokens)    ratio               paper
 *   grpo      1 / (N L_i)               mean over sequences of means      per token           2402.03300 eq. 3
 *   bnpo      1 / (M sum of L in its micro-batch), M micro-batches        per token           TRL, `loss_type="bnpo"`
 *   dapo      1 / (sum of L over the whole optimizer step)                per token           2503.14476 eq. 8
 *   dr_grpo   1 / (N maxNewTokens)      a constant: no length bias        per token           2503.20783 sec. 3.2
 *   gspo      1 / (N L_i)                                                 per sequence        2507.18071 eq. 5
 *   cispo     as dapo                                                     clipped weight      2506.13585 eq. 4
 *
 * N and L count every scored sequence, also those whose advantage is 0: a step with few informative groups is a small one.
 */
import type { LossSpec } from '../engine/policy.ts';
import type { GrpoConfig, LossVariant } from './grpo-config.ts';

export function lossSpecOf(config: GrpoConfig, temperature: number): LossSpec {
  const { clipLow, clipHigh, klBeta } = config;
  if (config.loss === 'cispo') return { name: 'cispo', clipLow, clipHigh, klBeta, temperature };
  const ratioLevel = config.loss === 'gspo' ? 'sequence' : 'token';
  return { name: 'ppo', clipLow, clipHigh, klBeta, ratioLevel, temperature };
}

/** A sequence as normalisation sees it: identical samples of a group are one sequence with a count. */
export interface CountedLength {
  readonly length: number;
  readonly count: number;
}

/** Weight of one copy's token, by micro-batch and sequence of one optimizer step. */
export function tokenWeights(
  variant: LossVariant,
  microBatches: readonly (readonly CountedLength[])[],
  maxNewTokens: number,
): readonly (readonly number[])[] {
  const all = microBatches.flat();
  const sequences = all.reduce((sum, { count }) => sum + count, 0);
  const tokens = tokensIn(all);
  return microBatches.map((batch) =>
    batch.map(({ length }) => {
      switch (variant) {
        case 'grpo':
        case 'gspo':
          return 1 / (sequences * length);
        case 'bnpo':
          return 1 / (microBatches.length * tokensIn(batch));
        case 'dapo':
        case 'cispo':
          return 1 / tokens;
        case 'dr_grpo':
          return 1 / (sequences * maxNewTokens);
        default:
          return variant satisfies never;
      }
    }),
  );
}

function tokensIn(batch: readonly CountedLength[]): number {
  return batch.reduce((sum, { length, count }) => sum + length * count, 0);
}

export interface ImportanceOptions {
  readonly importanceCorrection: 'truncate' | 'mask' | 'none';
  readonly importanceCap: number;
  /** gspo: one correction a sequence, the geometric mean. */
  readonly isSequenceLevel: boolean;
}

/**
 * Factor on each token's advantage: probability under the policy over probability under the distribution it was drawn
 * from. It corrects two things at once: the mass that a probability floor or a token mask moved to the tokens that were
 * left (always <= 1 there), and the different kernels of a sampler that is another program (truncated importance
 * sampling, https://fengyao.notion.site/off-policy-rl; a cap keeps single tokens from ruling the step).
 */
export function importanceWeights(
  policyLogprobs: Float32Array,
  samplerLogprobs: Float32Array,
  options: ImportanceOptions,
): Float64Array {
  const differences = Float64Array.from(policyLogprobs, (logprob, t) => logprob - samplerLogprobs[t]!);
  if (options.importanceCorrection === 'none') return differences.fill(1);
  if (options.isSequenceLevel && differences.length > 0) {
    differences.fill(differences.reduce((sum, difference) => sum + difference, 0) / differences.length);
  }
  const cap = options.importanceCap;
  const beyond = options.importanceCorrection === 'mask' ? 0 : cap;
  return differences.map((difference) => (Math.exp(difference) > cap ? beyond : Math.exp(difference)));
}
