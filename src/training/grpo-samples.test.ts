import { describe, expect, it } from 'vitest';
import { createTabularPolicy, type TabularPolicy } from '../../test/support/tabular-policy.ts';
import {
  exact,
  examples,
  firstGradient,
  format,
  halfTrained,
  largestDifference,
  newPolicy,
  partial,
  quick,
  recorded,
  rewardOf,
  run,
} from '../../test/support/word-world.ts';
import type { Policy } from '../engine/policy.ts';
import type { RunEvent } from '../foundation/events.ts';
import { trainGrpo } from './grpo.ts';

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
