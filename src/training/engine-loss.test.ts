/** The engine's losses against the formulas that the loops are tested with, on the same log-probabilities. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lossGradient } from '../../test/support/policy-loss-oracle.ts';
import { createLocalPolicy } from '../engine/index.ts';
import type { Datum, LossSpec, Policy } from '../engine/policy.ts';
import { createRandom } from '../foundation/random.ts';

const config = {
  model_type: 'qwen2',
  vocab_size: 40,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  max_position_embeddings: 32,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  tie_word_embeddings: true,
};

const random = createRandom(9);
const numbers = (length: number, scale: number, offset: number): Float32Array =>
  Float32Array.from({ length }, () => offset + scale * random.normal());

/** Sequences of different lengths; the first positions are a prompt. */
function sequences(): Datum[] {
  return [5, 9, 12, 7].map((length) => {
    const tokens = Int32Array.from({ length: length + 1 }, () => random.int(40));
    const weights_T = Float32Array.from({ length }, (_, t) => (t < 3 ? 0 : 0.05 + 0.1 * random.next()));
    return {
      inputTokens_T: tokens.slice(0, -1),
      targetTokens_T: tokens.slice(1),
      weights_T,
      advantages_T: numbers(length, 1, 0),
      oldLogprobs_T: numbers(length, 0.3, -3.7),
      referenceLogprobs_T: numbers(length, 0.3, -3.7),
    };
  });
}

let policy: Policy;
beforeAll(async () => {
  policy = await createLocalPolicy({ config, seed: 3, threads: 1 });
});
afterAll(() => policy?.close());

const clip = { clipLow: 0.2, clipHigh: 0.28, temperature: 1.3 };
const losses: readonly LossSpec[] = [
  { name: 'cross_entropy' },
  { name: 'ppo', ratioLevel: 'token', klBeta: 0, ...clip },
  { name: 'ppo', ratioLevel: 'token', klBeta: 0.2, ...clip },
  { name: 'ppo', ratioLevel: 'sequence', klBeta: 0.2, ...clip },
  { name: 'cispo', klBeta: 0.2, ...clip },
];

describe('losses of the engine', () => {
  it.each(losses)('%j', async (loss) => {
    const data = sequences();
    const result = await policy.forwardBackward(data, loss);
    let lossSum = 0;
    const metrics: Record<string, number> = {};
    for (const [i, datum] of data.entries()) {
      const logprobs_T = Array.from(result.logprobs[i]!);
      // The oracle's entropy needs whole distributions; only value and counts are compared here.
      const rows = logprobs_T.map(() => Float64Array.of(0));
      const oracle = lossGradient(datum, logprobs_T, rows, loss);
      lossSum += oracle.lossSum;
      for (const [name, value] of Object.entries(oracle.metrics))
        metrics[name] = (metrics[name] ?? 0) + value;
    }
    expect(result.lossSum).toBeCloseTo(lossSum, 4);
    const hasPenalty = loss.name !== 'cross_entropy' && loss.klBeta > 0;
    const compared = ['tokens', 'clippedLow', 'clippedHigh', 'ratio', ...(hasPenalty ? ['kl'] : [])];
    for (const name of compared.filter((key) => metrics[key] !== undefined)) {
      expect(result.metrics[name], name).toBeCloseTo(metrics[name]!, 3);
    }
    const temperature = loss.name === 'cross_entropy' ? 1 : loss.temperature;
    const again = await policy.logprobs(data, { temperature });
    for (const [i, logprobs] of again.entries()) {
      for (const [t, value] of logprobs.entries()) expect(value).toBeCloseTo(result.logprobs[i]![t]!, 4);
    }
  });
});
