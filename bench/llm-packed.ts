/**
 * What packing the base weights costs in quality: the loss after 50 LoRA steps on real examples over a base in 16, 8 and 4 bits
 * against the same over fp32. There are no weights of a large model to be had offline, so the base is a small model that has first
 * been trained (all weights) on other examples, byte by byte.
 *
 *   npm run bench -- llm-packed [--quick] [--set pretrain=300] [--set steps=50] [--set only=int4]
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalPolicy } from '../src/engine/index.ts';
import type { BaseFormat } from '../src/engine/model/base-tensor.ts';
import type { Datum, Policy } from '../src/engine/policy.ts';
import { packageRoot } from '../src/foundation/files.ts';
import { createRandom } from '../src/foundation/random.ts';
import type { BenchOptions, Measurement } from './harness.ts';

const config = {
  model_type: 'qwen2',
  vocab_size: 256,
  hidden_size: 256,
  intermediate_size: 704,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 512,
  tie_word_embeddings: true,
};
const BATCH = 8;
const formats: readonly BaseFormat[] = ['fp32', 'fp16', 'int8', 'int4'];
const adam = (learningRate: number) => ({
  learningRate,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.01,
  gradientClip: 1,
});

/** Question and SQL as bytes; the loss reads the SQL. */
function datumOf(query: string, sql: string): Datum {
  const prompt = Buffer.from(`${query}\n`);
  const all = Int32Array.from(Buffer.concat([prompt, Buffer.from(`${sql}\n`)])).slice(0, 320);
  const length = all.length - 1;
  const read = Math.max(1, length - prompt.length + 1);
  return {
    inputTokens_T: all.slice(0, -1),
    targetTokens_T: all.slice(1),
    weights_T: Float32Array.from({ length }, (_, i) => (i >= prompt.length - 1 ? 1 / (BATCH * read) : 0)),
  };
}

function examples(): Datum[] {
  const lines = ['base.jsonl', 'analysts-a.jsonl', 'complex.jsonl'].flatMap((name) =>
    readFileSync(join(packageRoot(), 'datasets', 'erp', name), 'utf8')
      .trim()
      .split('\n'),
  );
  return lines
    .map((line) => JSON.parse(line) as { query: string; sql: string })
    .map(({ query, sql }) => datumOf(query, sql));
}

/** The same batches for everybody; the loss of each before its update. */
async function train(policy: Policy, data: readonly Datum[], steps: number, learningRate: number) {
  const random = createRandom(7);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const batch = Array.from({ length: BATCH }, () => data[random.int(data.length)]!);
    losses.push((await policy.forwardBackward(batch, { name: 'cross_entropy' })).lossSum);
    await policy.optimStep(adam(learningRate));
  }
  return losses;
}

/** Mean loss a batch, nothing learned. */
async function evaluate(policy: Policy, data: readonly Datum[]): Promise<number> {
  const logprobs = await policy.logprobs(data);
  const sums = data.map(({ weights_T }, i) =>
    weights_T.reduce((sum, weight, t) => sum - weight * BATCH * logprobs[i]![t]!, 0),
  );
  return sums.reduce((sum, value) => sum + value, 0) / data.length;
}

export async function* run(options: BenchOptions): AsyncIterable<Measurement> {
  const { settings, quick, threads, log } = options;
  const pretrainSteps = Number(settings.pretrain ?? (quick ? 3 : 300));
  const steps = Number(settings.steps ?? (quick ? 3 : 50));
  const all = examples();
  const part = (index: number): Datum[] => all.filter((_, i) => i % 3 === index);
  const [known, fresh, held] = [part(0), part(1), part(2).slice(0, 64)];
  const folder = mkdtempSync(join(tmpdir(), 'querent-packed-'));
  try {
    const directory = join(folder, 'base');
    log(`llm-packed: ${pretrainSteps} steps make the base …`);
    const maker = await createLocalPolicy({ config, seed: 1, threads });
    const pretrained = await train(maker, known, pretrainSteps, 2e-3);
    await maker.save(directory);
    await maker.close();
    let reference: number | undefined;
    for (const baseWeights of formats) {
      // The comparison is always with fp32.
      if (baseWeights !== 'fp32' && settings.only !== undefined && settings.only !== baseWeights) continue;
      const lora = { rank: 16, alpha: 32 };
      const policy = await createLocalPolicy({ directory, lora, baseWeights, seed: 2, threads });
      const before = await evaluate(policy, held);
      const losses = await train(policy, fresh, steps, 1e-3);
      const after = await evaluate(policy, held);
      await policy.close();
      reference ??= after;
      yield {
        suite: 'llm-packed',
        name: `${baseWeights} base: loss on unseen examples after ${steps} LoRA steps`,
        value: after,
        unit: 'nats/token',
        baseline: reference,
        ratio: reference / after,
        baselineName: 'fp32 base',
        details: {
          before,
          trainingLoss: losses.slice(-10).reduce((sum, loss) => sum + loss, 0) / Math.min(10, losses.length),
          baseTrainingLoss: pretrained.at(-1),
          pretrainSteps,
          unseen: held.length,
        },
      };
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
