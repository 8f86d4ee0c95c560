/** One suite over every backend of `Policy`: the engine in this process and the Python worker, from the same weights. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningWorker } from '../src/cli/wiring/worker-process.ts';
import { readSafetensors } from '../src/engine/checkpoint/safetensors.ts';
import { createLocalPolicy, createRemotePolicy } from '../src/engine/index.ts';
import type { AdamParams, Policy, SampledSequence, SampleRequest } from '../src/engine/policy.ts';
import { adam, everyLoss, randomData, tinyRaw } from '../src/engine/runtime/test-models.ts';
import type { Metrics } from '../src/foundation/events.ts';
import { createRandom } from '../src/foundation/random.ts';
import { trainGrpo } from '../src/training/grpo.ts';
import { trainSft } from '../src/training/sft.ts';
import { examples, format, partial } from './support/word-world.ts';
import {
  pythonForWorker,
  startLimitMs,
  startTestWorker,
  type TestFolder,
  tinyModelFolder,
} from './support/worker.ts';

const { python, reason } = pythonForWorker();
const config = { ...tinyRaw, vocab_size: 32 };
const vocabSize = 32;
const tolerance = 1e-3;
const lora = { rank: 3, alpha: 6 };

const close = (found: ArrayLike<number>, expected: ArrayLike<number>): void => {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const allowed = tolerance * Math.max(1, Math.abs(expected[i]!));
    expect(Math.abs(found[i]! - expected[i]!)).toBeLessThan(allowed);
  }
};

const data = randomData([9, 4, 12, 1, 7], vocabSize, createRandom(2));
const prompts = [Int32Array.of(3, 4, 5), Int32Array.of(7, 1, 9, 2, 2), Int32Array.of(30)];
const sampling = (change: Partial<SampleRequest>): SampleRequest => ({
  prompts,
  samplesPerPrompt: 3,
  maxNewTokens: 8,
  temperature: 0.8,
  stopTokens: [1],
  seed: 5,
  ...change,
});

/** Log-probabilities of sampled tokens as training computes them. */
async function rescored(
  policy: Policy,
  groups: readonly (readonly SampledSequence[])[],
  temperature: number,
): Promise<number[]> {
  const sequences = groups.flatMap((group, p) =>
    group.map(({ tokens }) => ({ prompt: prompts[p]!, tokens })),
  );
  const scored = await policy.logprobs(
    sequences.map(({ prompt, tokens }) => {
      const whole = Int32Array.from([...prompt, ...tokens]);
      return {
        inputTokens_T: whole.slice(0, -1),
        targetTokens_T: whole.slice(1),
        weights_T: Float32Array.from(whole.slice(1), (_token, t) => (t >= prompt.length - 1 ? 1 : 0)),
      };
    }),
    { temperature },
  );
  return scored.flatMap((row, i) => Array.from(row.slice(sequences[i]!.prompt.length - 1)));
}

describe.skipIf(python === undefined)(
  `the worker${reason === '' ? '' : ` (skipped: ${reason})`}`,
  { timeout: 240_000 },
  () => {
    let folder: TestFolder;
    let worker: RunningWorker;

    beforeAll(async () => {
      folder = await tinyModelFolder(config);
      worker = await startTestWorker(python!, folder);
    }, startLimitMs);
    afterAll(async () => {
      await worker?.stop();
      await folder?.remove();
    });

    const kinds = ['LoRA', 'full'] as const;
    const local = (kind: (typeof kinds)[number]): Promise<Policy> =>
      createLocalPolicy({
        directory: folder.model,
        seed: 3,
        threads: 1,
        maxLength: 64,
        ...(kind === 'LoRA' ? { lora } : {}),
      });
    const remote = (kind: (typeof kinds)[number]): Promise<Policy> =>
      createRemotePolicy({
        url: worker.url,
        token: worker.token,
        seed: 3,
        lora: kind === 'LoRA' ? lora : { rank: 0 },
      });

    /** Both backends with the same trained weights and moments: a checkpoint of one is opened by the other. */
    async function withBoth(
      kind: (typeof kinds)[number],
      work: (here: Policy, there: Policy) => Promise<void>,
    ): Promise<void> {
      const [here, there] = [await local(kind), await remote(kind)];
      try {
        for (let step = 0; step < 2; step++) {
          await here.forwardBackward(data, everyLoss['cross-entropy']!);
          await here.optimStep(adam);
        }
        const checkpoint = folder.path(`from-here-${kind}`);
        await here.save(checkpoint, { optimizer: true });
        await there.load(checkpoint, { optimizer: true });
        await work(here, there);
      } finally {
        await here.close();
        await there.close();
      }
    }

    it.each(kinds)('%s: says how large the model is', async (kind) => {
      await withBoth(kind, async (here, there) => {
        expect(there.vocabSize).toBe(here.vocabSize);
        expect(there.parameterCount).toBe(here.parameterCount);
        expect(there.trainableCount).toBe(here.trainableCount);
        expect(there.maxLength).toBe(64);
      });
    });

    it('refuses Muon, which the other machine does not know', async () => {
      await withBoth(kinds[0]!, async (_, there) => {
        await expect(there.optimStep({ ...adam, muonMomentum: 0.95 })).rejects.toMatchObject({
          code: 'remote/unsupported',
        });
      });
    });

    it.each(kinds.flatMap((kind) => Object.keys(everyLoss).map((loss) => [kind, loss] as const)))(
      '%s: %s gives the same loss, log-probabilities and gradient',
      async (kind, name) => {
        const loss = everyLoss[name]!;
        await withBoth(kind, async (here, there) => {
          const [ours, theirs] = [
            await here.forwardBackward(data, loss),
            await there.forwardBackward(data, loss),
          ];
          close([theirs.lossSum], [ours.lossSum]);
          data.forEach((_datum, i) => {
            close(theirs.logprobs[i]!, ours.logprobs[i]!);
          });
          expect(Object.keys(theirs.metrics).sort()).toEqual(Object.keys(ours.metrics).sort());
          close(
            Object.values(theirs.metrics),
            Object.keys(theirs.metrics).map((key) => ours.metrics[key]!),
          );
          // Not clipped: a clipped step would hide the gradient's length.
          const free: AdamParams = { ...adam, gradientClip: 0 };
          const [normHere, normThere] = [await here.optimStep(free), await there.optimStep(free)];
          close([normThere.gradientNorm], [normHere.gradientNorm]);
          const [left, right] = [folder.path('left'), folder.path('right')];
          await here.save(left, { optimizer: true });
          await there.save(right, { optimizer: true });
          // After one step with earlier moments, the first moment is a sum in which the gradient itself stands.
          for (const file of [
            'optimizer.safetensors',
            kind === 'LoRA' ? 'adapter_model.safetensors' : 'model.safetensors',
          ]) {
            const [expected, found] = [
              await readSafetensors(join(left, file)),
              await readSafetensors(join(right, file)),
            ];
            expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
            for (const [tensor, { data: values }] of expected) close(found.get(tensor)!.data, values);
          }
        });
      },
    );

    it.each(kinds)('%s: a checkpoint of the worker goes on in this process', async (kind) => {
      await withBoth(kind, async (here, there) => {
        await there.forwardBackward(data, everyLoss.ppo!);
        await there.optimStep(adam);
        const checkpoint = folder.path(`from-there-${kind}`);
        await there.save(checkpoint, { optimizer: true });
        await here.load(checkpoint, { optimizer: true });
        const results: number[] = [];
        for (const policy of [here, there]) {
          const { lossSum } = await policy.forwardBackward(data, everyLoss.cispo!);
          const { gradientNorm } = await policy.optimStep(adam);
          results.push(lossSum, gradientNorm);
        }
        close(results.slice(2), results.slice(0, 2));
        close(
          (await there.logprobs(data)).flatMap((row) => [...row]),
          (await here.logprobs(data)).flatMap((row) => [...row]),
        );
      });
    });

    it.each(kinds)('%s: greedy samples are the same, also of the reference', async (kind) => {
      await withBoth(kind, async (here, there) => {
        const request = sampling({ temperature: 0, samplesPerPrompt: 2, maxNewTokens: 12 });
        for (const policy of [here, there]) {
          if (kind === 'full') await policy.freezeReference();
          await policy.forwardBackward(data, everyLoss['cross-entropy']!);
          await policy.optimStep({ ...adam, learningRate: 0.1 });
        }
        for (const useReference of [false, true]) {
          const ours = await here.sample({ ...request, useReference });
          const theirs = await there.sample({ ...request, useReference });
          const tokens = (groups: typeof ours) =>
            groups.map((group) => group.map((s) => [[...s.tokens], s.stopReason]));
          expect(tokens(theirs)).toEqual(tokens(ours));
          theirs.flat().forEach((sequence, i) => {
            close(sequence.logprobs, ours.flat()[i]!.logprobs);
            close(sequence.policyLogprobs, ours.flat()[i]!.policyLogprobs);
          });
        }
      });
    });

    it('takes the model without its adapter as the reference, until one is frozen', async () => {
      await withBoth('LoRA', async (here, there) => {
        for (const frozen of [false, true]) {
          for (const policy of [here, there]) {
            if (frozen) await policy.freezeReference();
            await policy.forwardBackward(data, everyLoss['cross-entropy']!);
            await policy.optimStep(adam);
          }
          const how = { useReference: true, temperature: 0.7 };
          const [ours, theirs] = [await here.logprobs(data, how), await there.logprobs(data, how)];
          data.forEach((_datum, i) => {
            close(theirs[i]!, ours[i]!);
          });
          const present = await there.logprobs(data, { temperature: 0.7 });
          expect(Math.abs(present[0]!.at(-2)! - theirs[0]!.at(-2)!)).toBeGreaterThan(tolerance);
        }
      });
    });

    it.each([
      ['nothing', {}],
      ['top-k', { topK: 4 }],
      ['top-p', { topP: 0.6 }],
      ['all three', { topK: 12, topP: 0.9, minProbability: 0.05 }],
    ] as const)('says how probable samples were, filtered by %s', async (_what, filters) => {
      await withBoth('LoRA', async (here, there) => {
        const request = sampling({ ...filters, samplesPerPrompt: 16 });
        const groups = await there.sample(request);
        expect(await there.sample(request)).toEqual(groups);
        expect(await there.sample({ ...request, seed: 6 })).not.toEqual(groups);
        const sequences = groups.flat();
        expect(new Set(sequences.map((s) => s.tokens.join())).size).toBeGreaterThan(10);
        for (const policy of [here, there]) {
          close(
            sequences.flatMap((s) => [...s.policyLogprobs]),
            await rescored(policy, groups, 0.8),
          );
        }
        const differences = sequences.flatMap((s) =>
          [...s.logprobs].map((logprob, t) => logprob - s.policyLogprobs[t]!),
        );
        const isFiltered = Object.keys(filters).length > 0;
        expect(Math.min(...differences)).toBeGreaterThan(-tolerance);
        expect(Math.max(...differences) > 0.05).toBe(isFiltered);
        for (const { tokens, stopReason } of sequences) {
          expect(tokens.length).toBeLessThanOrEqual(8);
          expect(tokens.at(-1) === 1).toBe(stopReason === 'stop');
          expect([...tokens.slice(0, -1)]).not.toContain(1);
        }
      });
    });

    it('draws tokens as often as they are probable', async () => {
      await withBoth('LoRA', async (_here, there) => {
        const prompt = prompts[0]!;
        const draws = 4000;
        const [group] = await there.sample(
          sampling({ prompts: [prompt], samplesPerPrompt: draws, maxNewTokens: 1 }),
        );
        const counts = new Map<number, { count: number; probability: number }>();
        for (const { tokens, logprobs } of group!) {
          const known = counts.get(tokens[0]!) ?? { count: 0, probability: Math.exp(logprobs[0]!) };
          counts.set(tokens[0]!, { ...known, count: known.count + 1 });
        }
        for (const { count, probability } of counts.values()) {
          const deviation = Math.sqrt(draws * probability * (1 - probability));
          expect(Math.abs(count - draws * probability)).toBeLessThan(5 * deviation + 1);
        }
      });
    });

    const grpo = {
      groupSize: 8,
      promptsPerStep: 4,
      maxNewTokens: 4,
      maxSteps: 10,
      klBeta: 0.05,
      innerEpochs: 2,
      learningRate: 0.01,
      checkpointEverySteps: 0,
    } as const;

    async function curveOf(policy: Policy): Promise<Metrics[]> {
      const curve: Metrics[] = [];
      await trainGrpo({
        policy,
        format,
        reward: partial(),
        examples,
        config: grpo,
        observe: (event) => {
          if (event.type === 'step-end') curve.push(event.metrics);
        },
      });
      return curve;
    }

    it.each(kinds)('%s: ten steps of GRPO on the same samples go the same way', async (kind) => {
      await withBoth(kind, async (here, there) => {
        const drawn: (readonly (readonly SampledSequence[])[])[] = [];
        const ours = await curveOf({
          ...here,
          sample: async (request) => {
            const groups = await here.sample(request);
            drawn.push(groups);
            return groups;
          },
        });
        const theirs = await curveOf({ ...there, sample: async () => drawn.shift()! });
        expect(ours).toHaveLength(10);
        expect(theirs).toHaveLength(10);
        for (const name of [
          'loss',
          'gradientNorm',
          'kl',
          'ratio',
          'trainedEntropy',
          'rewardMean',
          'samplerMismatch',
        ]) {
          close(
            theirs.map((step) => step[name] ?? 0),
            ours.map((step) => step[name] ?? 0),
          );
        }
        expect(Math.max(...ours.map((step) => step.gradientNorm ?? 0))).toBeGreaterThan(0.01);
        expect(ours.at(-1)!.kl!).toBeGreaterThan(1e-4);
        const greedy = sampling({ temperature: 0 });
        const [left, right] = [await here.sample(greedy), await there.sample(greedy)];
        expect(right.map((g) => g.map((s) => [...s.tokens]))).toEqual(
          left.map((g) => g.map((s) => [...s.tokens])),
        );
      });
    });

    it('learns from its own samples', async () => {
      await withBoth('full', async (_here, there) => {
        // Right now and then: a random model has nothing to choose among.
        const sft = { learningRate: 0.01, batchSize: 4, maxSteps: 12, validationShare: 0 };
        await trainSft({ policy: there, format, examples, config: sft });
        const rewards: number[] = [];
        await trainGrpo({
          policy: there,
          format,
          reward: partial(),
          examples,
          config: { ...grpo, klBeta: 0, innerEpochs: 1, maxSteps: 30, learningRate: 0.005, groupSize: 16 },
          observe: (event) => {
            if (event.type === 'step-end') rewards.push(event.metrics.rewardMean!);
          },
        });
        const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
        expect(mean(rewards.slice(-5))).toBeGreaterThan(mean(rewards.slice(0, 5)) + 0.2);
      });
    });

    it('keeps several adapters apart on one base', async () => {
      const [first, second] = [await remote('LoRA'), await remote('LoRA')];
      try {
        const before = await second.logprobs(data);
        await first.forwardBackward(data, everyLoss['cross-entropy']!);
        await first.optimStep(adam);
        expect(await second.logprobs(data)).toEqual(before);
        expect(await first.logprobs(data)).not.toEqual(before);
        await first.close();
        expect(await second.logprobs(data)).toEqual(before);
      } finally {
        await second.close();
      }
    });

    it('writes adapters that PEFT opens, and whole models with their config', async () => {
      await withBoth('LoRA', async (_here, there) => {
        const saved = folder.path('adapter');
        await there.save(saved);
        const config = JSON.parse(await readFile(join(saved, 'adapter_config.json'), 'utf8')) as {
          r: number;
        };
        expect(config.r).toBe(lora.rank);
      });
      await withBoth('full', async (_here, there) => {
        const saved = folder.path('whole');
        await there.save(saved);
        const opened = await createLocalPolicy({ directory: saved, seed: 1, threads: 1, maxLength: 64 });
        const ours = await opened.logprobs(data);
        const theirs = await there.logprobs(data);
        data.forEach((_datum, i) => {
          close(ours[i]!, theirs[i]!);
        });
        await opened.close();
      });
    });
  },
);
