import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTabularPolicy } from '../../test/support/tabular-policy.ts';
import type { Datum, LossSpec } from '../engine/policy.ts';
import { parseConfig } from '../foundation/config.ts';
import { createRandom } from '../foundation/random.ts';
import { type GrpoConfigInput, grpoConfigSchema, temperatureLevels } from './grpo-config.ts';
import { importanceWeights, lossSpecOf, tokenWeights } from './policy-loss.ts';

const configOf = (input: GrpoConfigInput) => parseConfig(grpoConfigSchema, input, 'test');
const one = (...lengths: number[]) => lengths.map((length) => ({ length, count: 1 }));

describe('tokenWeights', () => {
  it.each([
    ['grpo', [1 / 6, 1 / 12, 1 / 3]],
    ['gspo', [1 / 6, 1 / 12, 1 / 3]],
    ['dapo', [1 / 7, 1 / 7, 1 / 7]],
    ['cispo', [1 / 7, 1 / 7, 1 / 7]],
    ['bnpo', [1 / 12, 1 / 12, 1 / 2]],
    ['dr_grpo', [1 / 30, 1 / 30, 1 / 30]],
  ] as const)('%s', (variant, expected) => {
    const weights = tokenWeights(variant, [one(2, 4), one(1)], 10).flat();
    for (const [i, weight] of weights.entries()) expect(weight).toBeCloseTo(expected[i]!, 12);
  });

  it('adds up to 1 over all tokens, copies included, but for the constant of dr_grpo', () => {
    const batch = fc.array(
      fc.record({ length: fc.integer({ min: 1, max: 50 }), count: fc.integer({ min: 1, max: 8 }) }),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    const variant = fc.constantFrom('grpo', 'gspo', 'dapo', 'cispo', 'bnpo', 'dr_grpo');
    fc.assert(
      fc.property(variant, fc.array(batch, { minLength: 1, maxLength: 4 }), (name, microBatches) => {
        const weights = tokenWeights(name, microBatches, 50);
        let sum = 0;
        microBatches.forEach((items, b) => {
          items.forEach(({ length, count }, i) => {
            sum += weights[b]![i]! * length * count;
          });
        });
        if (name === 'dr_grpo') expect(sum).toBeLessThanOrEqual(1 + 1e-9);
        else expect(sum).toBeCloseTo(1, 9);
      }),
    );
  });

  it('dapo gives a token of a long sequence the weight of one of a short sequence; grpo does not', () => {
    const [long, short] = tokenWeights('dapo', [one(40, 2)], 64)[0]!;
    expect(long).toBe(short);
    const [diluted, full] = tokenWeights('grpo', [one(40, 2)], 64)[0]!;
    expect(full! / diluted!).toBeCloseTo(20);
  });
});

describe('importanceWeights', () => {
  const options = { importanceCorrection: 'truncate', importanceCap: 3, isSequenceLevel: false } as const;
  const policy = Float32Array.of(-1, -1, -1);
  const sampler = Float32Array.of(-1, -3, -0.5);

  it('is the ratio of the two, cut at the cap', () => {
    const [equal, cut, less] = importanceWeights(policy, sampler, options);
    expect([equal, cut]).toEqual([1, 3]);
    expect(less).toBeCloseTo(Math.exp(-0.5));
  });

  it('drops tokens beyond the cap, or is off', () => {
    expect(importanceWeights(policy, sampler, { ...options, importanceCorrection: 'mask' })[1]).toBe(0);
    expect([...importanceWeights(policy, sampler, { ...options, importanceCorrection: 'none' })]).toEqual([
      1, 1, 1,
    ]);
  });

  it('is one number a sequence for gspo', () => {
    const weights = importanceWeights(policy, sampler, { ...options, isSequenceLevel: true });
    for (const weight of weights) expect(weight).toBeCloseTo(Math.exp(0.5));
  });
});

describe('lossSpecOf', () => {
  it('has separate clip bounds, with the paper’s own for gspo', () => {
    expect(lossSpecOf(configOf({}), 1)).toMatchObject({
      name: 'ppo',
      clipLow: 0.2,
      clipHigh: 0.28,
      ratioLevel: 'token',
    });
    expect(lossSpecOf(configOf({ loss: 'gspo' }), 1)).toMatchObject({
      ratioLevel: 'sequence',
      clipHigh: 4e-4,
    });
    expect(lossSpecOf(configOf({ loss: 'cispo', clipHigh: 4 }), 0.7)).toMatchObject({
      name: 'cispo',
      clipHigh: 4,
      temperature: 0.7,
    });
  });

  it('spreads a range of temperatures evenly', () => {
    const levels = temperatureLevels(configOf({ temperature: { from: 0.3, to: 0.9 } }));
    expect(levels.map((level) => Math.round(level * 100))).toEqual([30, 60, 90]);
  });
});

/** The oracle that the loops are tested with, against finite differences of its own loss. */
describe('loss formulas', () => {
  const V = 5;
  const random = createRandom(3);
  const numbers = (length: number, scale: number, offset = 0) =>
    Float32Array.from({ length }, () => offset + scale * random.normal());
  const datum = (): Datum => ({
    inputTokens_T: Int32Array.of(1, 2, 3, 2, 4),
    targetTokens_T: Int32Array.of(2, 3, 2, 4, 0),
    weights_T: Float32Array.of(0, 0.3, 0.2, 0.4, 0.1),
    advantages_T: numbers(5, 1),
    oldLogprobs_T: numbers(5, 0.4, -1.6),
    referenceLogprobs_T: numbers(5, 0.4, -1.6),
  });
  const clip = { clipLow: 0.2, clipHigh: 0.28, temperature: 1.4 };
  const losses: LossSpec[] = [
    { name: 'cross_entropy' },
    { name: 'cross_entropy', labelSmoothing: 0.1 },
    { name: 'ppo', ratioLevel: 'token', klBeta: 0, ...clip },
    { name: 'ppo', ratioLevel: 'token', klBeta: 0.3, ...clip },
    { name: 'ppo', ratioLevel: 'sequence', klBeta: 0, ...clip },
    { name: 'ppo', ratioLevel: 'sequence', klBeta: 0.3, ...clip },
  ];

  it.each(losses)('%j', async (loss) => {
    for (let round = 0; round < 5; round++) {
      const weights = Float64Array.from({ length: V ** 3 }, () => random.normal());
      const data = [datum()];
      const policy = createTabularPolicy({ vocabSize: V, weights });
      await policy.forwardBackward(data, loss);
      const gradients = policy.gradients();
      const lossAt = async (i: number, delta: number) => {
        const moved = weights.slice();
        moved[i]! += delta;
        const result = await createTabularPolicy({ vocabSize: V, weights: moved }).forwardBackward(
          data,
          loss,
        );
        return result.lossSum;
      };
      const touched = [...gradients.keys()].filter((i) => gradients[i] !== 0);
      for (const i of touched) {
        const numeric = ((await lossAt(i, 1e-5)) - (await lossAt(i, -1e-5))) / 2e-5;
        expect(gradients[i]!).toBeCloseTo(numeric, 6);
      }
    }
  });

  it('cispo keeps the gradient of clipped tokens, with the weight stopped', async () => {
    const cispo: LossSpec = { name: 'cispo', klBeta: 0, ...clip };
    const policy = createTabularPolicy({ vocabSize: V });
    const one: Datum = {
      inputTokens_T: Int32Array.of(1),
      targetTokens_T: Int32Array.of(2),
      weights_T: Float32Array.of(1),
      advantages_T: Float32Array.of(1),
      oldLogprobs_T: Float32Array.of(-5), // ratio e^(5 - log 5), far above the bound
    };
    await policy.forwardBackward([one], cispo);
    const start = (1 * V + 1) * V;
    // -1.28 (onehot - 1/5) / 1.4
    expect(policy.gradients()[start + 2]).toBeCloseTo((-1.28 * 0.8) / 1.4, 6);
    const ppo = createTabularPolicy({ vocabSize: V });
    await ppo.forwardBackward([one], { name: 'ppo', ratioLevel: 'token', klBeta: 0, ...clip });
    expect(Math.max(...ppo.gradients().map(Math.abs))).toBe(0);
  });
});
