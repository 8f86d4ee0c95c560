/** The loops over the real engine: adapters carry on from SFT to GRPO, and an interrupted run goes on exactly. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examples, format, partial } from '../../test/support/word-world.ts';
import { createLocalPolicy } from '../engine/index.ts';
import type { Policy } from '../engine/policy.ts';
import { trainGrpo } from './grpo.ts';
import type { GrpoConfigInput } from './grpo-config.ts';
import { readMetricsLog } from './metrics-log.ts';
import { trainSft } from './sft.ts';
import type { RunOptions } from './training-run.ts';

const config = {
  model_type: 'qwen2',
  vocab_size: format.vocabSize,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  max_position_embeddings: 16,
  tie_word_embeddings: true,
};
const lora = { rank: 4, alpha: 8, targetModules: ['q_proj', 'v_proj', 'down_proj'] };
const sft = { learningRate: 0.02, batchSize: 4, maxSteps: 12, validationShare: 0, warmupRatio: 0 } as const;
const grpo: GrpoConfigInput = {
  learningRate: 0.002,
  groupSize: 6,
  promptsPerStep: 4,
  maxNewTokens: 4,
  maxSteps: 6,
  checkpointEverySteps: 2,
  klBeta: 0.05,
  minibatches: 2,
  overlong: 'punish',
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'local-policy-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function withPolicy<T>(
  options: Partial<Parameters<typeof createLocalPolicy>[0]>,
  use: (policy: Policy) => Promise<T>,
) {
  const policy = await createLocalPolicy({ seed: 1, threads: 1, ...options });
  try {
    return await use(policy);
  } finally {
    await policy.close();
  }
}

/** The curve of a GRPO run, without what a clock measured. */
async function grpoCurve(
  run: string,
  start: Partial<Parameters<typeof createLocalPolicy>[0]>,
  options: RunOptions = {},
) {
  await withPolicy(start, (policy) =>
    trainGrpo({ policy, format, reward: partial(), examples, config: grpo, runDirectory: run, ...options }),
  );
  const records = await readMetricsLog(join(run, 'metrics.jsonl'));
  return records.map(({ step, metrics }) => ({ step, metrics }));
}

describe.each([
  ['full', {}],
  ['LoRA', { lora }],
] as const)('%s training on the engine', (name, adapter) => {
  const path = (part: string) => join(directory, name, part);

  it('goes from SFT to GRPO and through an interruption, with one curve', async () => {
    await withPolicy({ config }, (policy) => policy.save(path('base')));
    const first = await withPolicy({ directory: path('base'), ...adapter }, async (policy) => {
      const curve: number[] = [];
      await trainSft({
        policy,
        format,
        examples,
        config: sft,
        observe: (event) => event.type === 'step-end' && curve.push(event.metrics.loss!),
      });
      await policy.save(path('sft'));
      return curve;
    });
    expect(first.at(-1)!).toBeLessThan(first[0]!);

    const start =
      name === 'LoRA'
        ? { directory: path('base'), adapterDirectory: path('sft') }
        : { directory: path('sft') };
    const whole = await grpoCurve(path('whole'), start);
    expect(whole.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    // Ratio 1 and no distance to the reference: sampler, trainer and the frozen SFT weights agree.
    const trained = whole.find(({ metrics }) => metrics.samplerMismatch !== undefined)!.metrics;
    expect(trained.samplerMismatch!).toBeLessThan(1e-4);
    expect(whole.at(-1)!.metrics.kl!).toBeGreaterThan(0);

    const controller = new AbortController();
    const observe: RunOptions['observe'] = (event) =>
      event.type === 'step-end' && event.step === 3 && controller.abort();
    await grpoCurve(path('parts'), start, { signal: controller.signal, observe });
    const resumed = await grpoCurve(path('parts'), start, { existing: 'resume' });
    expect(resumed).toEqual(whole);
  });
});
