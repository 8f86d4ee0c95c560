import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../foundation/random.ts';
import type { EngineOptions } from './engine.ts';
import { createLocalPolicy } from './local-policy.ts';
import type { Policy } from './policy.ts';
import { adam, everyLoss, randomData, tinyRaw } from './runtime/test-models.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'querent-policy-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const settings = { config: tinyRaw, seed: 4, threads: 1, maxLength: 32 };

async function withPolicy<T>(options: EngineOptions, use: (policy: Policy) => Promise<T>): Promise<T> {
  const policy = await createLocalPolicy(options);
  try {
    return await use(policy);
  } finally {
    await policy.close();
  }
}

/** Losses of steps `from` to `to`, each on data of its own, in two accumulated parts. */
async function train(policy: Policy, from: number, to: number, update = adam): Promise<number[]> {
  const losses: number[] = [];
  for (let step = from; step < to; step++) {
    const data = randomData([7, 12, 5, 9], 29, createRandom(step));
    const loss = everyLoss[step % 2 === 0 ? 'cross-entropy' : 'ppo with KL']!;
    losses.push((await policy.forwardBackward(data.slice(0, 2), loss)).lossSum);
    losses.push((await policy.forwardBackward(data.slice(2), loss)).lossSum);
    losses.push((await policy.optimStep(update)).gradientNorm);
  }
  return losses;
}

describe.each([
  ['full, with dropout', { ...settings, dropout: 0.2 }, adam],
  ['full, by Muon', settings, { ...adam, muonMomentum: 0.95 }],
  ['LoRA, with dropout', { ...settings, lora: { rank: 2, alpha: 4, dropout: 0.2 } }, adam],
] as const)('resume of %s', (name, options, update) => {
  it('is bit-identical to a run that was not interrupted', async () => {
    const path = join(directory, name.replaceAll(/\W+/g, '-'));
    const whole = await withPolicy(options, (policy) => train(policy, 0, 6, update));
    const firstHalf = await withPolicy(options, async (policy) => {
      const losses = await train(policy, 0, 3, update);
      await policy.save(path, { optimizer: true });
      return losses;
    });
    // Another seed in full training: all that matters must come from the checkpoint. (LoRA's base comes from the seed.)
    const seed = 'lora' in options ? options.seed : 77;
    const secondHalf = await withPolicy({ ...options, seed }, async (policy) => {
      await train(policy, 9, 10, update);
      await policy.load(path, { optimizer: true });
      return train(policy, 3, 6, update);
    });
    expect([...firstHalf, ...secondHalf]).toEqual(whole);
  });
});

describe('LocalPolicy', () => {
  it('says how large it is, keeps a frozen reference, and saves a model that opens again', async () => {
    const path = join(directory, 'model');
    const data = randomData([7, 12], 29, createRandom(1));
    const trained = await withPolicy(settings, async (policy) => {
      expect(policy.vocabSize).toBe(29);
      expect(policy.trainableCount).toBe(policy.parameterCount);
      const before = await policy.logprobs(data);
      await expect(policy.logprobs(data, { useReference: true })).rejects.toThrow(/no frozen reference/);
      await policy.freezeReference();
      await train(policy, 0, 2);
      const after = await policy.logprobs(data);
      expect(after).not.toEqual(before);
      expect(await policy.logprobs(data, { useReference: true })).toEqual(before);
      await policy.save(path);
      return after;
    });
    expect(await readdir(path)).toEqual(expect.arrayContaining(['config.json', 'model.safetensors']));
    await withPolicy({ directory: path, seed: 99, threads: 1, maxLength: 32 }, async (policy) => {
      expect(await policy.logprobs(data)).toEqual(trained);
    });
  });

  it('takes the model without its adapter as the reference of LoRA, until one is frozen', async () => {
    const data = randomData([7, 12], 29, createRandom(1));
    await withPolicy({ ...settings, lora: { rank: 2, alpha: 4 } }, async (policy) => {
      const base = await policy.logprobs(data);
      await train(policy, 0, 2);
      expect(await policy.logprobs(data, { useReference: true })).toEqual(base);
      const tuned = await policy.logprobs(data);
      await policy.freezeReference();
      await train(policy, 2, 3);
      expect(await policy.logprobs(data, { useReference: true })).toEqual(tuned);
    });
  });

  it.each([
    ['full', settings],
    ['LoRA', { ...settings, lora: { rank: 2, alpha: 4 } }],
  ] as const)('samples from the present weights and from the reference: %s', async (_, options) => {
    const request = {
      prompts: [Int32Array.of(3, 4, 5), Int32Array.of(7)],
      samplesPerPrompt: 2,
      maxNewTokens: 6,
      temperature: 0.8,
      stopTokens: [],
      seed: 1,
    };
    /** Log-probabilities of the sampled tokens as the training graph sees them. */
    const rescore = async (
      policy: Policy,
      groups: Awaited<ReturnType<Policy['sample']>>,
      useReference: boolean,
    ) => {
      const data = groups.flatMap((group, prompt) =>
        group.map(({ tokens }) => {
          const start = request.prompts[prompt]!.length;
          const whole = Int32Array.from([...request.prompts[prompt]!, ...tokens]);
          const weights_T = Float32Array.from(whole.slice(1), (_token, i) => (i >= start - 1 ? 1 : 0));
          return { inputTokens_T: whole.slice(0, -1), targetTokens_T: whole.slice(1), weights_T };
        }),
      );
      const scored = await policy.logprobs(data, { useReference, temperature: 0.8 });
      return scored.map((logprobs, i) =>
        Array.from(logprobs.filter((_value, t) => data[i]!.weights_T[t] === 1)),
      );
    };
    await withPolicy(options, async (policy) => {
      await policy.sample(request);
      await train(policy, 0, 2);
      await policy.freezeReference();
      await train(policy, 2, 4);
      for (const useReference of [false, true]) {
        const groups = await policy.sample({ ...request, useReference });
        const rescored = await rescore(policy, groups, useReference);
        groups.flat().forEach(({ policyLogprobs }, index) => {
          policyLogprobs.forEach((logprob, t) => {
            expect(logprob).toBeCloseTo(rescored[index]![t]!, 3);
          });
        });
        expect(await rescore(policy, groups, !useReference)).not.toEqual(rescored);
      }
    });
  });

  it('refuses bad data by the name of the field, and goes on', async () => {
    await withPolicy(settings, async (policy) => {
      const [good] = randomData([7], 29, createRandom(1));
      const refused = async (change: object) =>
        policy.forwardBackward([good!, { ...good!, ...change }], everyLoss.ppo!);
      await expect(refused({ weights_T: new Float32Array(3) })).rejects.toThrow(/datum 1: weights_T has 3/);
      await expect(refused({ inputTokens_T: new Int32Array(7).fill(29) })).rejects.toThrow(
        /vocabulary of 29/,
      );
      await expect(refused({ advantages_T: new Float32Array(7).fill(Number.NaN) })).rejects.toThrow(/NaN/);
      await expect(refused({ oldLogprobs_T: undefined })).rejects.toThrow(/oldLogprobs_T/);
      const long = randomData([40], 29, createRandom(1));
      await expect(policy.logprobs(long)).rejects.toThrow(/40 tokens/);
      expect(await train(policy, 0, 1)).toHaveLength(3);
    });
  });

  it('refuses unusable options', async () => {
    await expect(createLocalPolicy({ seed: 1 })).rejects.toThrow(/either a config/);
    await expect(
      createLocalPolicy({ ...settings, config: { ...tinyRaw, hidden_act: 'gelu' } }),
    ).rejects.toThrow(/"hidden_act" is "gelu"/);
    await expect(createLocalPolicy({ ...settings, dropout: 1 })).rejects.toThrow(/dropout is 1/);
    await expect(
      createLocalPolicy({ ...settings, lora: { rank: 2, alpha: 2, targetModules: ['lm_head'] } }),
    ).rejects.toThrow(/"lm_head"/);
  });
});

describe('a sampling call that is watched', () => {
  const request = {
    prompts: [Int32Array.of(1, 5, 9), Int32Array.of(1, 7)],
    samplesPerPrompt: 2,
    maxNewTokens: 12,
    temperature: 1,
    stopTokens: [],
    seed: 3,
  };

  it('tells every token once, in the order of its sequence', async () => {
    await withPolicy(settings, async (policy) => {
      const told = new Map<string, number[]>();
      const groups = await policy.sample(request, {
        onToken: (prompt, sample, token) => {
          const key = `${prompt}/${sample}`;
          told.set(key, [...(told.get(key) ?? []), token]);
        },
      });
      const sampled = groups.flatMap((group, prompt) =>
        group.map(({ tokens }, sample): [string, number[]] => [`${prompt}/${sample}`, [...tokens]]),
      );
      expect(new Map([...told].sort())).toEqual(new Map(sampled));
    });
  });

  it('ends between two tokens when it is no longer wanted, and the next call is not touched', async () => {
    await withPolicy(settings, async (policy) => {
      const controller = new AbortController();
      let tokens = 0;
      // Several batches, so that the call cannot be over before the abort arrives.
      const prompts = Array.from({ length: 300 }, () => request.prompts[0]!);
      const cancelled = policy.sample(
        { ...request, prompts, maxNewTokens: 25 },
        {
          signal: controller.signal,
          onToken: () => {
            tokens += 1;
            controller.abort();
          },
        },
      );
      const next = policy.sample(request);
      await expect(cancelled).rejects.toMatchObject({ code: 'engine/cancelled' });
      expect(tokens).toBeLessThan(600 * 25);
      expect(await next).toEqual(await policy.sample(request));
    });
  });

  it('is not begun where it was withdrawn before', async () => {
    await withPolicy(settings, async (policy) => {
      const signal = AbortSignal.abort();
      await expect(policy.sample(request, { signal })).rejects.toMatchObject({ code: 'engine/cancelled' });
    });
  });
});
