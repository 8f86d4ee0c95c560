import { describe, expect, it } from 'vitest';
import { createTabularPolicy, type TabularPolicy } from '../../test/support/tabular-policy.ts';
import {
  answers,
  exact,
  examples,
  firstGradient,
  format,
  halfTrained,
  largestDifference,
  lastMean,
  newPolicy,
  partial,
  quick,
  run,
} from '../../test/support/word-world.ts';
import type { SampledSequence } from '../engine/policy.ts';
import type { Metrics } from '../foundation/events.ts';
import { supervisedDatum } from './encode.ts';
import { trainGrpo } from './grpo.ts';
import { lossVariants } from './grpo-config.ts';
import { trainSft } from './sft.ts';

/** A policy that a few supervised steps have shown the answers: right less than half of the time. */
async function taught(): Promise<TabularPolicy> {
  const policy = newPolicy();
  const config = { learningRate: 0.1, batchSize: 4, maxSteps: 20, validationShare: 0, weightDecay: 0 };
  await trainSft({ policy, format, examples, config });
  return policy;
}

describe('trainGrpo learns', () => {
  it.each(lossVariants)('with the %s loss', async (loss) => {
    const scale = loss === 'dr_grpo' ? { advantage: 'none' as const } : {};
    const curve = await run(await taught(), exact(), { ...quick, ...scale, loss, maxSteps: 60 });
    expect(curve[0]!.rewardMean!).toBeLessThan(0.6);
    expect(lastMean(curve, 'rewardMean')).toBeGreaterThan(0.9);
  });

  it('with inner epochs, minibatches, micro-batches, a temperature range and a floor', async () => {
    const curve = await run(await taught(), exact(), {
      ...quick,
      innerEpochs: 2,
      minibatches: 2,
      microBatchSize: 20,
      temperature: { from: 0.6, to: 1.2, levels: 2 },
      minProbability: 0.01,
      maxSteps: 60,
    });
    expect(lastMean(curve, 'rewardMean')).toBeGreaterThan(0.9);
    expect(curve[0]!.optimizerSteps).toBe(4);
  });

  it('is the same run twice with the same seed', async () => {
    const config = { ...quick, maxSteps: 5, minibatches: 2 };
    const clean = (curve: Metrics[]) =>
      curve.map((metrics) =>
        Object.fromEntries(Object.entries(metrics).filter(([name]) => !/Ms|Second/.test(name))),
      );
    const first = await run(newPolicy(), partial(), config);
    const second = await run(newPolicy(), partial(), config);
    expect(clean(second)).toEqual(clean(first));
    const other = await run(newPolicy(), partial(), { ...config, seed: 1 });
    expect(clean(other)).not.toEqual(clean(first));
  });
});

describe('the gradient', () => {
  it('is not zero where the ratio is 1: pi / stopgrad(pi)', async () => {
    const { curve } = await firstGradient(await halfTrained(), {});
    expect(curve[0]!.ratio).toBeCloseTo(1, 5);
    expect(curve[0]!.gradientNorm!).toBeGreaterThan(1e-3);
  });

  it('is the one of the paper, sample by sample, although equal samples are merged', async () => {
    const weights = await halfTrained();
    const { gradient, policy } = await firstGradient(weights, { loss: 'grpo' });
    const sequences = policy.samples.length * 8;
    expect(policy.calls[0]!.data.length).toBeLessThan(sequences);

    // DeepSeekMath eq. 3 at ratio 1, from the raw samples: sum_i sum_t -A_i grad log p_t / (N L_i).
    const oracle = createTabularPolicy({ vocabSize: format.vocabSize, weights });
    for (const [g, group] of policy.samples.entries()) {
      const question = policy.requests[0]!.prompts[g]!;
      const gold = answers[format.stopTokens.length + question[0]! - 2]!;
      const rewards = group.map((sample) => {
        if (sample.stopReason === 'length') return undefined;
        const { sql } = format.parseCompletion(sample.tokens, format.prepare(''));
        return sql === gold ? 1 : sql.split(' ')[0] === gold.split(' ')[0] ? 0.5 : 0;
      });
      await addGroupGradient(
        oracle,
        question,
        group,
        rewards,
        policy.samples.flat().filter((s) => s.stopReason === 'stop').length,
      );
    }
    expect(largestDifference(gradient, oracle.gradients())).toBeLessThan(1e-6);
    expect(Math.max(...gradient)).toBeGreaterThan(1e-3);
  });

  it('is the same in micro-batches for every loss whose normalisation spans the step', async () => {
    const weights = await halfTrained();
    for (const loss of lossVariants.filter((name) => name !== 'bnpo')) {
      const whole = await firstGradient(weights, { loss });
      const parts = await firstGradient(weights, { loss, microBatchSize: 3 });
      expect(parts.policy.calls.length).toBeGreaterThan(whole.policy.calls.length);
      expect(largestDifference(whole.gradient, parts.gradient)).toBeLessThan(1e-6);
    }
  });
});

describe('replay', () => {
  it('adds the supervised gradient of gold examples to that of the samples', async () => {
    const weights = await halfTrained();
    const replayExamples = 5;
    const plain = await firstGradient(weights, {});
    const mixed = await firstGradient(weights, { replayExamples, replayWeight: 0.5 });
    const supervised = mixed.policy.calls[0]!;
    expect(supervised.loss).toEqual({ name: 'cross_entropy', labelSmoothing: 0 });
    expect(supervised.data).toHaveLength(replayExamples);
    const mass = supervised.data.flatMap((datum) => [...datum.weights_T]).reduce((sum, w) => sum + w, 0);
    expect(mass).toBeCloseTo(0.5, 6);
    const oracle = createTabularPolicy({ vocabSize: format.vocabSize, weights });
    await oracle.forwardBackward(supervised.data, { name: 'cross_entropy' });
    const sum = plain.gradient.map((value, i) => value + oracle.gradients()[i]!);
    expect(largestDifference(mixed.gradient, sum)).toBeLessThan(1e-9);
    expect(largestDifference(mixed.gradient, plain.gradient)).toBeGreaterThan(1e-4);
    expect(mixed.curve[0]!.replayLoss).toBeGreaterThan(0);
    expect(plain.curve[0]!.replayLoss).toBeUndefined();
  });

  it('keeps what is not practised', async () => {
    const [practised, ...others] = examples;
    const known = async (replayExamples: number): Promise<number> => {
      const policy = await taught();
      const options = { ...quick, replayExamples, replayWeight: 1, maxSteps: 40 };
      await trainGrpo({
        policy,
        format,
        reward: exact(),
        examples: [practised!],
        replay: others,
        config: options,
      });
      const data = others.map((example) => {
        const prompt = format.prepare(example.question);
        const completion = format.completionTokens(example.sql, prompt)!;
        return supervisedDatum(prompt.promptTokens, completion, 1);
      });
      const { lossSum } = await policy.forwardBackward(data, { name: 'cross_entropy' });
      return lossSum;
    };
    expect(await known(4)).toBeLessThan((await known(0)) * 0.8);
  });
});

/** sum_t -A_i log p_t / (N L_i) of one group, each sample a sequence of its own, through the cross-entropy of the oracle. */
async function addGroupGradient(
  oracle: TabularPolicy,
  prompt: Int32Array,
  group: readonly SampledSequence[],
  rewards: readonly (number | undefined)[],
  sequences: number,
): Promise<void> {
  const scored = rewards.filter((reward) => reward !== undefined);
  const mean = scored.reduce((sum, reward) => sum + reward, 0) / scored.length;
  const std = Math.sqrt(scored.reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / (scored.length - 1));
  for (const [i, { tokens }] of group.entries()) {
    const reward = rewards[i];
    if (reward === undefined || std === 0) continue;
    const weight = (reward - mean) / (std + 1e-4) / (sequences * tokens.length);
    const all = Int32Array.from([...prompt, ...tokens]);
    const weights_T = new Float32Array(all.length - 1).fill(0);
    weights_T.fill(weight, prompt.length - 1);
    const datum = { inputTokens_T: all.slice(0, -1), targetTokens_T: all.slice(1), weights_T };
    await oracle.forwardBackward([datum], { name: 'cross_entropy' });
  }
}

describe('configuration', () => {
  it.each([
    [{ topP: 0.9 }, 'config/unknown-key', /topP/],
    [{ topK: 40 }, 'config/unknown-key', /topK/],
    [{ groupSize: 1 }, 'config/invalid', /groupSize/],
    [{ temperature: 0 }, 'config/invalid', /temperature/],
    [{ temperature: { from: 1.2, to: 0.4 } }, 'config/invalid', /from/],
    [{ loss: 'ppo' }, 'config/invalid', /loss/],
  ])('refuses %j', async (config, code, message) => {
    const attempt = run(newPolicy(), exact(), config as never);
    await expect(attempt).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
