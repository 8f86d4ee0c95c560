/**
 * Whether `querent doctor --model` tells the truth: the estimated against the measured peak of a process that takes two training
 * steps on random weights, for three sizes and for frozen halves. Baseline: the measured peak; a ratio of 1 is a true estimate, and 0.85 to 1.15 is wanted.
 */
import { parseModelConfig } from '../src/engine/model/model-config.ts';
import { parameterCount } from '../src/engine/model/weights.ts';
import { estimateMemory, type FitMethod } from '../src/engine/runtime/memory-estimate.ts';
import { randomData } from '../src/engine/runtime/test-models.ts';
import { createRandom } from '../src/foundation/random.ts';
import type { BenchOptions, Measurement } from './harness.ts';
import { startLlmChild } from './support/llm-child.ts';

const shape = {
  model_type: 'qwen2',
  num_attention_heads: 8,
  num_key_value_heads: 2,
  max_position_embeddings: 2048,
  tie_word_embeddings: true,
};

interface Case {
  /** Of frozen weights; left out: float32. */
  readonly base?: 'halves';
  readonly raw: Readonly<Record<string, unknown>>;
  readonly method: FitMethod;
  readonly batch: number;
  readonly length: number;
}

const cases: readonly Case[] = [
  {
    raw: { ...shape, hidden_size: 384, intermediate_size: 1024, num_hidden_layers: 6, vocab_size: 8192 },
    ...{ method: 'full', batch: 6, length: 256 },
  },
  {
    raw: { ...shape, hidden_size: 640, intermediate_size: 1792, num_hidden_layers: 8, vocab_size: 16_000 },
    ...{ method: 'lora', batch: 4, length: 256 },
  },
  {
    raw: { ...shape, hidden_size: 896, intermediate_size: 4864, num_hidden_layers: 8, vocab_size: 64_000 },
    ...{ method: 'lora', batch: 2, length: 256 },
  },
  {
    raw: { ...shape, hidden_size: 896, intermediate_size: 4864, num_hidden_layers: 8, vocab_size: 64_000 },
    ...{ method: 'lora', base: 'halves', batch: 2, length: 256 },
  },
];

const adam = { learningRate: 1e-4, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, gradientClip: 1 };
const rank = 16;

async function measuredPeak({ raw, method, base, batch, length }: Case, threads: number): Promise<number> {
  const child = startLlmChild();
  try {
    const tokenBudget = batch * length + 1;
    const options = { config: raw, seed: 1, threads, maxLength: length, tokenBudget };
    const lora = method === 'full' ? {} : { lora: { rank, alpha: 2 * rank } };
    const baseWeights = method === 'qlora' ? 'int4' : base === 'halves' ? 'fp16' : 'fp32';
    await child.call({ verb: 'create', options: { ...options, ...lora, baseWeights } });
    const lengths = Array.from({ length: batch }, () => length);
    const data = randomData(lengths, raw.vocab_size as number, createRandom(1));
    const { peakBytes } = await child.call({ verb: 'step', batches: [data, data], adam });
    return peakBytes;
  } finally {
    child.stop();
  }
}

export async function* run({ threads, quick, settings }: BenchOptions): AsyncIterable<Measurement> {
  const only = settings.case === undefined ? undefined : Number(settings.case);
  for (const [index, one] of (quick ? cases.slice(0, 1) : cases).entries()) {
    if (only !== undefined && only !== index) continue;
    const config = parseModelConfig(one.raw, 'bench');
    const { method, batch, length } = one;
    const request = {
      config,
      device: 'in-process',
      method,
      base: one.base ?? 'fp32',
      rank,
      batch,
      length,
    } as const;
    const { peak, parts } = estimateMemory(request);
    const measured = await measuredPeak(one, threads);
    const parameters = parameterCount(config);
    yield {
      suite: 'fit',
      name: `${(parameters / 1e6).toFixed(0)}M ${method}${one.base === undefined ? '' : ' over halves'}, ${batch} × ${length}: estimated peak`,
      value: peak / 1e9,
      unit: 'GB',
      baseline: measured / 1e9,
      ratio: peak / measured,
      baselineName: 'measured peak of the process',
      details: { parameters, threads, parts },
    };
  }
}
