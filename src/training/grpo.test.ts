import { describe, expect, it } from 'vitest';
import { createTabularPolicy, type TabularPolicy } from '../../test/support/tabular-policy.ts';
import { wordFormat } from '../../test/support/word-format.ts';
import type { Example } from '../data/example.ts';
import type { Datum, LossSpec, Policy, SampledSequence, SampleRequest } from '../engine/policy.ts';
import type { Metrics, RunEvent } from '../foundation/events.ts';
import type { Reward, RewardFunction, RewardItem } from '../rewards/reward.ts';
import { trainGrpo } from './grpo.ts';
import { type GrpoConfigInput, lossVariants } from './grpo-config.ts';
import { trainSft } from './sft.ts';

const questions = ['q0', 'q1', 'q2', 'q3'];
const answers = ['a b', 'c', 'b a', 'c b'];
const format = wordFormat([...questions, 'a', 'b', 'c']);
const examples: Example[] = questions.map((question, i) => ({
  id: `e${i}`,
  question,
  sql: answers[i]!,
  databaseId: 'test',
  tags: [],
}));
const newPolicy = (): TabularPolicy => createTabularPolicy({ vocabSize: format.vocabSize });

function rewardOf(score: (item: RewardItem) => number | null): RewardFunction & { items: RewardItem[] } {
  const items: RewardItem[] = [];
  return {
    name: 'test',
    items,
    score: async (batch) => {
      items.push(...batch);
      return batch.map((item): Reward => {
        const value = score(item);
        return { score: value, components: value === null ? {} : { match: value }, details: {} };
      });
    },
  };
}

const exact = () => rewardOf(({ example, completion }) => (completion.sql === example.sql ? 1 : 0));
/** Half credit for the right first word: dense enough to be learned from nothing. */
const partial = () =>
  rewardOf(({ example, completion }) => {
    if (completion.sql === example.sql) return 1;
    return completion.sql.split(' ')[0] === example.sql.split(' ')[0] ? 0.5 : 0;
  });

const quick = { groupSize: 8, promptsPerStep: 4, maxNewTokens: 4, learningRate: 0.1 } as const;

interface Call {
  readonly data: readonly Datum[];
  readonly loss: LossSpec;
}

/** Keeps what the trainer asks of the policy. */
function recorded(
  policy: Policy,
): Policy & { calls: Call[]; requests: SampleRequest[]; samples: SampledSequence[][] } {
  const calls: Call[] = [];
  const requests: SampleRequest[] = [];
  const samples: SampledSequence[][] = [];
  return {
    ...policy,
    calls,
    requests,
    samples,
    forwardBackward: (data, loss) => {
      calls.push({ data, loss });
      return policy.forwardBackward(data, loss);
    },
    sample: async (request) => {
      requests.push(request);
      const groups = await policy.sample(request);
      samples.push(...groups.map((group) => [...group]));
      return groups;
    },
  };
}

async function run(
  policy: Policy,
  reward: RewardFunction,
  config: GrpoConfigInput,
  data: readonly Example[] = examples,
): Promise<Metrics[]> {
  const events: RunEvent[] = [];
  await trainGrpo({ policy, format, reward, examples: data, config, observe: (event) => events.push(event) });
  return events.flatMap((event) => (event.type === 'step-end' ? [event.metrics] : []));
}

const lastMean = (curve: readonly Metrics[], name: string): number =>
  curve.slice(-10).reduce((sum, metrics) => sum + metrics[name]!, 0) / 10;

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

/** A start that is neither sure nor uniform, so that groups repeat some samples. */
async function halfTrained(): Promise<Float64Array> {
  const policy = newPolicy();
  await run(policy, partial(), { ...quick, maxSteps: 15 });
  return policy.weights();
}

/** One step, and the gradient that its first optimizer step was made from. */
async function firstGradient(weights: Float64Array, config: GrpoConfigInput) {
  const tabular = createTabularPolicy({ vocabSize: format.vocabSize, weights });
  const policy = recorded(tabular);
  const gradients: Float64Array[] = [];
  const watching: Policy = {
    ...policy,
    optimStep: (adam) => {
      gradients.push(tabular.gradients());
      return policy.optimStep(adam);
    },
  };
  const curve = await run(watching, partial(), { ...quick, maxSteps: 1, ...config });
  return { gradient: gradients[0]!, policy, curve, tabular };
}

const largestDifference = (a: Float64Array, b: Float64Array): number =>
  a.reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0);

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

describe('samples', () => {
  it('are trained on where the policy wrote: the prompt has no weight', async () => {
    const policy = recorded(
      createTabularPolicy({ vocabSize: format.vocabSize, weights: await halfTrained() }),
    );
    await run(policy, partial(), { ...quick, klBeta: 0.1, maxSteps: 2 });
    const written = new Set(policy.samples.flat().map((sample) => sample.tokens.join()));
    for (const { data } of policy.calls) {
      for (const datum of data) {
        const read = datum.targetTokens_T.filter((_, t) => datum.weights_T[t] !== 0);
        expect(written.has(read.join())).toBe(true);
        expect(datum.weights_T.length).toBe(datum.inputTokens_T.length);
      }
    }
    expect(policy.calls.length).toBe(2);
  });

  it('that were cut off are masked: never scored, in no baseline, in no loss', async () => {
    const reward = exact();
    const policy = recorded(newPolicy());
    const curve = await run(policy, reward, { ...quick, maxNewTokens: 2, maxSteps: 1 });
    expect(curve[0]!.truncatedShare!).toBeGreaterThan(0);
    expect(curve[0]!.unscoredShare).toBe(curve[0]!.truncatedShare);
    expect(reward.items.every(({ completion }) => completion.isComplete)).toBe(true);
    for (const { data } of policy.calls)
      for (const datum of data) expect(datum.targetTokens_T.at(-1)).toBe(0);
  });

  it('that were cut off can be punished instead, with a soft edge', async () => {
    const reward = rewardOf(({ completion }) => (completion.isComplete ? 1 : 0));
    const curve = await run(newPolicy(), reward, {
      ...quick,
      overlong: 'punish',
      overlongBuffer: 2,
      overlongPenalty: 0.5,
      maxSteps: 1,
    });
    expect(curve[0]!.rewardMin).toBe(-0.5);
    expect(curve[0]!.rewardMax).toBe(1);
    expect(curve[0]!.unscoredShare).toBe(0);
  });

  it('without a score leave baseline and loss; they are not 0', async () => {
    let count = 0;
    const reward = rewardOf(({ example, completion }) => {
      count += 1;
      if (count % 3 === 0) return null;
      return completion.sql === example.sql ? 1 : 0.5;
    });
    const policy = recorded(newPolicy());
    const curve = await run(policy, reward, { ...quick, maxSteps: 1 });
    expect(curve[0]!.unscoredShare!).toBeGreaterThan(0.2);
    expect(curve[0]!.rewardMin).toBe(0.5);
  });

  it('of groups without variance cost no training, and no update is made of nothing', async () => {
    const policy = recorded(newPolicy());
    const curve = await run(
      policy,
      rewardOf(() => 0.1 + 0.2),
      { ...quick, maxSteps: 2 },
    );
    expect(curve.map((metrics) => metrics.zeroVarianceShare)).toEqual([1, 1]);
    expect(policy.calls).toEqual([]);
    expect(curve[0]!.optimizerSteps).toBe(0);
    expect(curve[0]).not.toHaveProperty('loss');
  });

  it('of groups without variance are replaced by new prompts, up to the cap', async () => {
    const onlyFirst = rewardOf(({ example, completion }) =>
      example.id === 'e0' && completion.sql.startsWith('a') ? 1 : 0,
    );
    const [capped] = await run(newPolicy(), onlyFirst, {
      ...quick,
      promptsPerStep: 2,
      dynamicSampling: 3,
      maxSteps: 1,
    });
    expect(capped!.samplingRounds!).toBeGreaterThan(1);
    expect(capped!.samplingRounds!).toBeLessThanOrEqual(4);
    const [never] = await run(
      newPolicy(),
      rewardOf(() => 0),
      { ...quick, dynamicSampling: 2, maxSteps: 1 },
    );
    expect(never).toMatchObject({ samplingRounds: 3, zeroVarianceShare: 1, trainedGroups: 0 });
  });

  it('are drawn at the temperature that the loss uses, one a group', async () => {
    const policy = recorded(newPolicy());
    const curve = await run(policy, partial(), {
      ...quick,
      temperature: { from: 0.5, to: 1.5, levels: 3 },
      maxSteps: 6,
    });
    expect([...new Set(policy.requests.map((request) => request.temperature))]).toEqual([0.5, 1, 1.5]);
    // Old log-probabilities and trainer agree on the temperature: the ratio is 1 at each first update.
    for (const metrics of curve) expect(metrics.ratio).toBeCloseTo(1, 5);
    const temperatures = policy.calls.map(({ loss }) =>
      loss.name === 'cross_entropy' ? undefined : loss.temperature,
    );
    expect([...new Set(temperatures)].sort()).toEqual([0.5, 1, 1.5]);
  });
});

describe('log-probabilities', () => {
  it('old ones are those before floor and mask; the mass that the floor moved is in the importance weights', async () => {
    const weights = await halfTrained();
    const { policy, curve } = await firstGradient(weights, { minProbability: 0.1, temperature: 1.3 });
    const samples = new Map(policy.samples.flat().map((sample) => [sample.tokens.join(), sample]));
    expect(
      policy.samples
        .flat()
        .some((sample) => sample.logprobs.some((p, t) => p > sample.policyLogprobs[t]! + 0.01)),
    ).toBe(true);
    for (const datum of policy.calls[0]!.data) {
      const start = datum.weights_T.findIndex((weight) => weight !== 0);
      const sample = samples.get(datum.targetTokens_T.slice(start).join())!;
      expect(datum.oldLogprobs_T!.length).toBe(datum.weights_T.length);
      for (const [t, logprob] of sample.policyLogprobs.entries()) {
        const advantage = datum.advantages_T![start + t]!;
        const first = datum.advantages_T![start]! / Math.exp(sample.policyLogprobs[0]! - sample.logprobs[0]!);
        expect(advantage / first).toBeCloseTo(Math.exp(logprob - sample.logprobs[t]!), 2);
      }
    }
    expect(curve[0]!.importance!).toBeLessThan(1);
    expect(curve[0]!.ratio).toBeCloseTo(1, 5);
    expect(curve[0]!.samplerMismatch!).toBeLessThan(1e-6);
  });

  it('of a sampler that disagrees are reported, and corrected with a cap when the trainer scores again', async () => {
    const honest = createTabularPolicy({ vocabSize: format.vocabSize, weights: await halfTrained() });
    const off: Policy = {
      ...honest,
      sample: async (request) =>
        (await honest.sample(request)).map((group) =>
          group.map((sample) => ({
            ...sample,
            logprobs: sample.logprobs.map((logprob) => logprob - 2),
            policyLogprobs: sample.policyLogprobs.map((logprob) => logprob - 2),
          })),
        ),
    };
    const [trusted] = await run(off, partial(), { ...quick, maxSteps: 1 });
    expect(trusted!.samplerMismatch).toBeCloseTo(2, 4);
    expect(trusted!.ratio!).toBeGreaterThan(5);
    const rescoring = { ...quick, oldLogprobs: 'trainer', maxSteps: 1 } as const;
    const [corrected] = await run(off, partial(), rescoring);
    expect(corrected!.ratio).toBeCloseTo(1, 5);
    expect(corrected!.importance).toBe(3);
    expect(corrected!.samplerMismatch).toBeCloseTo(2, 4);
    const [dropped] = await run(off, partial(), { ...rescoring, importanceCorrection: 'mask' });
    expect(dropped!.importance).toBe(0);
  });

  it('of the reference are those of the start of the run, and KL is 0 there', async () => {
    const weights = await halfTrained();
    const policy = createTabularPolicy({ vocabSize: format.vocabSize, weights });
    const curve = await run(policy, partial(), { ...quick, klBeta: 0.1, maxSteps: 12 });
    expect(Math.abs(curve[0]!.kl!)).toBeLessThan(1e-9);
    expect(curve.at(-1)!.kl!).toBeGreaterThan(1e-4);
  });

  it('a strong KL penalty keeps the policy near the reference', async () => {
    const free = newPolicy();
    const held = newPolicy();
    await run(free, partial(), { ...quick, maxSteps: 40 });
    await run(held, partial(), { ...quick, klBeta: 20, maxSteps: 40 });
    const distance = (policy: TabularPolicy) => largestDifference(policy.weights(), newPolicy().weights());
    expect(distance(held)).toBeLessThan(0.5 * distance(free));
  });
});

describe('reports', () => {
  it('entropy, which is that of the policy and falls as it grows sure', async () => {
    const policy = newPolicy();
    const curve = await run(policy, partial(), { ...quick, maxSteps: 40 });
    expect(curve[0]!.entropy).toBeCloseTo(Math.log(format.vocabSize), 5);
    const firstTrained = curve.find((metrics) => metrics.trainedEntropy !== undefined)!;
    expect(firstTrained.trainedEntropy).toBeCloseTo(Math.log(format.vocabSize), 5);
    expect(curve.at(-1)!.entropy!).toBeLessThan(0.8 * curve[0]!.entropy!);
  });

  it('rewards, their parts, lengths and clipping', async () => {
    const [metrics] = await run(newPolicy(), partial(), {
      ...quick,
      maxNewTokens: 8,
      innerEpochs: 3,
      maxSteps: 1,
    });
    const names = [
      'rewardMean',
      'rewardStd',
      'rewardMin',
      'rewardMax',
      'component.match.mean',
      'component.match.std',
    ];
    const others = [
      'kl',
      'gradientNorm',
      'clippedLow',
      'clippedHigh',
      'zeroVarianceShare',
      'responseLength',
      'loss',
    ];
    for (const name of [...names, ...others]) expect(metrics![name], name).toBeTypeOf('number');
    expect(metrics!['component.match.mean']).toBe(metrics!.rewardMean);
    expect(metrics!.clippedHigh! + metrics!.clippedLow!).toBeGreaterThan(0);
    expect(metrics!.responseLengthMax).toBeLessThanOrEqual(8);
  });

  it('a sampler that the trainer does not agree with, as dropout left on makes it', async () => {
    const honest = createTabularPolicy({ vocabSize: format.vocabSize, weights: await halfTrained() });
    const noisy: Policy = {
      ...honest,
      forwardBackward: async (data, loss) => {
        const result = await honest.forwardBackward(data, loss);
        return { ...result, logprobs: result.logprobs.map((values) => values.map((value) => value - 0.3)) };
      },
    };
    const warnings = async (policy: Policy) => {
      const codes: string[] = [];
      const observe = (event: RunEvent) => event.type === 'warning' && codes.push(event.code);
      await trainGrpo({
        policy,
        format,
        reward: partial(),
        examples,
        config: { ...quick, maxSteps: 2 },
        observe,
      });
      return codes;
    };
    expect(await warnings(noisy)).toEqual(['training/sampler-mismatch']);
    expect(await warnings(honest)).toEqual([]);
  });
});

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
