/** Test support: tiny models, data for every loss, and gradients by name. */
import { createRandom, type Random } from '../../foundation/random.ts';
import { float32ToFloat16 } from '../checkpoint/half-precision.ts';
import { float32ToBfloat16 } from '../export/element-encoding.ts';
import {
  type BaseFormatOptions,
  type BaseTensor,
  type BaseWeights,
  floatWeights,
  type HalfTensor,
  toBaseTensor,
} from '../model/base-tensor.ts';
import { initializeAdapter, type LoraOptions, parseLoraConfig } from '../model/lora.ts';
import { type ModelConfig, parseModelConfig } from '../model/model-config.ts';
import { initializeWeights, type NamedWeights, type WeightTensor } from '../model/weights.ts';
import type { AdamParams, Datum, LossSpec } from '../policy.ts';
import { Trainer, type TrainerOptions } from './trainer.ts';

export const tinyRaw = {
  model_type: 'qwen2',
  vocab_size: 29,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
  initializer_range: 0.3,
} as const;

export const tinyLlamaRaw = {
  ...tinyRaw,
  model_type: 'llama',
  num_key_value_heads: 4,
  attention_bias: true,
  tie_word_embeddings: false,
  rope_theta: 500,
} as const;

export const tinyQwen3Raw = {
  ...tinyRaw,
  model_type: 'qwen3',
  head_dim: 6,
  rope_scaling: {
    rope_type: 'llama3',
    factor: 4,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8,
  },
} as const;

export const tinyMistralRaw = {
  ...tinyRaw,
  model_type: 'mistral',
  sliding_window: null,
  tie_word_embeddings: false,
} as const;

export const adam: AdamParams = {
  learningRate: 1e-2,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.1,
  gradientClip: 1,
};

const bounds = { clipLow: 0.2, clipHigh: 0.28, temperature: 0.8 };

/** One of every kind. */
export const everyLoss: Readonly<Record<string, LossSpec>> = {
  'cross-entropy': { name: 'cross_entropy' },
  'smoothed cross-entropy': { name: 'cross_entropy', labelSmoothing: 0.1 },
  ppo: { name: 'ppo', ...bounds, klBeta: 0, ratioLevel: 'token' },
  'ppo with KL': { name: 'ppo', ...bounds, klBeta: 0.3, ratioLevel: 'token' },
  'ppo by sequence': { name: 'ppo', ...bounds, klBeta: 0.1, ratioLevel: 'sequence' },
  cispo: { name: 'cispo', ...bounds, klBeta: 0.2 },
};

/** Weights that are nowhere special: norms and biases away from 1 and 0. */
export function randomWeights(config: ModelConfig, random: Random): NamedWeights {
  const weights = initializeWeights(config, random);
  for (const [name, { shape, data }] of weights) {
    if (shape.length > 1) continue;
    const own = random.fork(name);
    for (let i = 0; i < data.length; i++) data[i] = data[i]! + 0.2 * own.normal();
  }
  return weights;
}

/** Sequences of different lengths; log-probabilities near those of a random model, some ratios outside of the clips. */
export function randomData(lengths: readonly number[], vocabSize: number, random: Random): Datum[] {
  const floats = (length: number, value: () => number) => Float32Array.from({ length }, value);
  return lengths.map((length) => {
    const tokens = Int32Array.from({ length: length + 1 }, () => random.int(vocabSize));
    const promptLength = Math.floor(length / 3);
    const advantage = random.normal();
    return {
      inputTokens_T: tokens.slice(0, length),
      targetTokens_T: tokens.slice(1),
      weights_T: Float32Array.from({ length }, (_, i) =>
        i < promptLength || i % 7 === 6 ? 0 : 0.1 + random.next(),
      ),
      advantages_T: floats(length, () => advantage + 0.1 * random.normal()),
      oldLogprobs_T: floats(length, () => -3.3 + 0.3 * random.normal()),
      referenceLogprobs_T: floats(length, () => -3.3 + 0.3 * random.normal()),
    };
  });
}

/** A matrix as a checkpoint in this type has it. Vectors stay. */
export function toHalves(tensor: WeightTensor, type: HalfTensor['type']): BaseTensor {
  const { shape, data } = tensor;
  if (shape.length !== 2) return tensor;
  if (type === 'float16') return { shape, type, halves: float32ToFloat16(data) };
  return { shape, type, halves: float32ToBfloat16(data) };
}

export interface TinyOptions extends Partial<Omit<TrainerOptions, 'config' | 'weights' | 'lora'>> {
  readonly raw?: Readonly<Record<string, unknown>>;
  readonly lora?: LoraOptions;
  /** How the frozen weights are stored. */
  readonly base?: BaseFormatOptions;
  /** Or matrices as halves, as a checkpoint may have them. */
  readonly halves?: HalfTensor['type'];
  /** Store the weights as they come back from `base` or `halves`, as float32. */
  readonly unpacked?: boolean;
}

export function tinyTrainer(options: TinyOptions = {}): Trainer {
  const { raw = tinyRaw, lora, base, halves, unpacked = false, ...rest } = options;
  const config = parseModelConfig(raw, 'test');
  const random = createRandom(11);
  let weights: BaseWeights = randomWeights(config, random);
  if (base !== undefined)
    weights = new Map(
      Array.from(floatWeights(weights), ([name, tensor]) => [name, toBaseTensor(name, tensor, base)]),
    );
  if (halves !== undefined)
    weights = new Map(
      Array.from(floatWeights(weights), ([name, tensor]) => [name, toHalves(tensor, halves)]),
    );
  if (unpacked) weights = floatWeights(weights);
  const settings = {
    seed: 5,
    threads: 1,
    maxLength: 64,
    dropout: 0,
    tokenBudget: 1000,
    logitBudgetBytes: 1e8,
    checkpointing: 'none' as const,
    vocabularyChunk: 1000,
    ...rest,
  };
  if (lora === undefined) return new Trainer({ config, weights, ...settings });
  const loraConfig = parseLoraConfig(lora, 'test');
  const adapter = initializeAdapter(config, loraConfig, random);
  // B is 0 at first, which would hide the gradient of A.
  for (const [name, { data }] of adapter) {
    const own = random.fork(`b/${name}`);
    if (name.includes('lora_B')) for (let i = 0; i < data.length; i++) data[i] = 0.2 * own.normal();
  }
  return new Trainer({ config, weights, lora: { config: loraConfig, adapter }, ...settings });
}

/** The accumulated gradient of every trainable weight. */
export function gradientsByName(trainer: Trainer): Map<string, Float32Array> {
  const named = trainer.store.named(trainer.store.gradient);
  return new Map([...named].map(([name, { data }]) => [name, data.slice()]));
}
