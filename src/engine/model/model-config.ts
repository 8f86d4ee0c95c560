/**
 * The shape of a model, from and to a Hugging Face `config.json` of the Qwen2, Qwen3, Llama or Mistral family: one
 * architecture with a few switches. What we do not support is refused by name, so that a checkpoint never runs with
 * something silently left out. Keys that do not change the computation (token ids, versions, dtype) are ignored on reading.
 */
import { z } from 'zod';
import { QuerentError } from '../../foundation/errors.ts';
import { type RopeScaling, type RopeSettings, readRope, ropeKeys } from './rope-config.ts';
import { readSlidingWindow, type SlidingWindow } from './sliding-window.ts';

export type ModelFamily = 'qwen2' | 'qwen3' | 'llama' | 'mistral';

export interface ModelConfig {
  /** Decides the class in Python, and which biases and norms exist. */
  readonly family: ModelFamily;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  readonly keyValueHeadCount: number;
  readonly headSize: number;
  /** Longest sequence the model was made for. */
  readonly maxPositions: number;
  readonly normEpsilon: number;
  readonly ropeTheta: number;
  readonly ropeScaling?: RopeScaling | undefined;
  /** Full attention stands for it up to its size; see `longestSequence`. */
  readonly slidingWindow?: SlidingWindow | undefined;
  /** The output matrix is the embedding matrix. */
  readonly tieEmbeddings: boolean;
  /** Biases of q_proj, k_proj and v_proj. */
  readonly queryKeyValueBias: boolean;
  /** Bias of o_proj. */
  readonly outputBias: boolean;
  /** RMS norms of every query and key head before rotation (q_norm, k_norm). */
  readonly queryKeyNorm: boolean;
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number;
  readonly beginToken?: number | undefined;
  readonly endToken?: number | undefined;
  readonly padToken?: number | undefined;
}

const positive = z.int().positive();
const tokenId = z.union([z.int(), z.array(z.int()).nonempty(), z.null()]).optional();

/** Only the keys that matter here; others pass through unread, those of `unsupported` are checked. */
const huggingFaceSchema = z.looseObject({
  model_type: z.string(),
  vocab_size: positive,
  hidden_size: positive,
  intermediate_size: positive,
  num_hidden_layers: positive,
  num_attention_heads: positive,
  num_key_value_heads: positive.nullish(),
  head_dim: positive.nullish(),
  max_position_embeddings: positive.optional(),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().optional(),
  initializer_range: z.number().positive().default(0.02),
  bos_token_id: tokenId,
  eos_token_id: tokenId,
  pad_token_id: tokenId,
});

type HuggingFaceConfig = z.output<typeof huggingFaceSchema>;

interface Family {
  readonly pythonClass: string;
  /** Which keys mean a bias of q, k and v, and of o. */
  readonly queryKeyValueBias: (raw: HuggingFaceConfig) => boolean;
  readonly outputBias: (raw: HuggingFaceConfig) => boolean;
  readonly queryKeyNorm: boolean;
  /** What Python's class takes where the config leaves a key out. */
  readonly defaults: {
    readonly keyValueHeads?: number;
    readonly headSize?: number;
    readonly positions: number;
  };
}

const never = () => false;
const always = () => true;
const bySwitch = (raw: HuggingFaceConfig) => raw.attention_bias === true;

const families: Readonly<Record<ModelFamily, Family>> = {
  qwen2: {
    pythonClass: 'Qwen2ForCausalLM',
    queryKeyValueBias: always,
    outputBias: never,
    queryKeyNorm: false,
    defaults: { keyValueHeads: 32, positions: 32768 },
  },
  qwen3: {
    pythonClass: 'Qwen3ForCausalLM',
    queryKeyValueBias: bySwitch,
    outputBias: bySwitch,
    queryKeyNorm: true,
    defaults: { keyValueHeads: 32, headSize: 128, positions: 32768 },
  },
  llama: {
    pythonClass: 'LlamaForCausalLM',
    queryKeyValueBias: bySwitch,
    outputBias: bySwitch,
    queryKeyNorm: false,
    defaults: { positions: 2048 },
  },
  mistral: {
    pythonClass: 'MistralForCausalLM',
    queryKeyValueBias: never,
    outputBias: never,
    queryKeyNorm: false,
    defaults: { keyValueHeads: 8, positions: 131072 },
  },
};

function familyOf(raw: HuggingFaceConfig): ModelFamily | undefined {
  return Object.hasOwn(families, raw.model_type) ? (raw.model_type as ModelFamily) : undefined;
}

interface Dimensions {
  readonly headSize: number;
  readonly keyValueHeadCount: number;
  readonly maxPositions: number;
}

function dimensionsOf(raw: HuggingFaceConfig, family: ModelFamily): Dimensions {
  const { defaults } = families[family];
  const written = raw.num_key_value_heads;
  return {
    headSize: raw.head_dim ?? defaults.headSize ?? raw.hidden_size / raw.num_attention_heads,
    // Null means "as many as heads" to every class; a key that is missing has a default of its own.
    keyValueHeadCount:
      written ?? (written === null ? undefined : defaults.keyValueHeads) ?? raw.num_attention_heads,
    maxPositions: raw.max_position_embeddings ?? defaults.positions,
  };
}

/** What a config may ask for that this engine does not compute: [key, is it asked for, what is supported]. */
function unsupported(raw: HuggingFaceConfig, dimensions: Dimensions): string[] {
  const { headSize, keyValueHeadCount } = dimensions;
  const checks: readonly (readonly [string, boolean, string])[] = [
    ['hidden_act', (raw.hidden_act ?? 'silu') !== 'silu', '"silu"'],
    ['mlp_bias', raw.mlp_bias === true, 'false'],
    ['quantization_config', !isAbsent(raw.quantization_config), 'none: full-precision weights'],
    ['head_dim', headSize % 2 !== 0, 'an even whole number'],
    [
      'num_key_value_heads',
      raw.num_attention_heads % keyValueHeadCount !== 0,
      'a divisor of num_attention_heads',
    ],
  ];
  return checks
    .filter(([, isAskedFor]) => isAskedFor)
    .map(([key, , supported]) => `"${key}" is ${JSON.stringify(raw[key])}, supported is ${supported}`);
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null;

const firstToken = (id: z.output<typeof tokenId>): number | undefined =>
  (Array.isArray(id) ? id[0] : id) ?? undefined;

/** Parse the content of a `config.json`; `source` names it in errors. */
export function parseModelConfig(input: unknown, source: string): ModelConfig {
  const parsed = huggingFaceSchema.safeParse(input);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `"${issue.path.join('.')}": ${issue.message}`);
    throw new QuerentError('engine/invalid-model-config', `${source}: ${problems.join('; ')}`, {
      next: 'This should be the config.json of a Hugging Face Qwen2, Qwen3, Llama or Mistral model.',
      details: { source, problems },
    });
  }
  const raw = parsed.data;
  const family = familyOf(raw);
  if (family === undefined) {
    const supported = Object.keys(families).map((name) => `"${name}"`);
    throw unsupportedModel(source, [
      `"model_type" is ${JSON.stringify(raw.model_type)}, supported are ${supported.join(', ')}`,
    ]);
  }
  const dimensions = dimensionsOf(raw, family);
  const refused = unsupported(raw, dimensions);
  const slidingWindow = readSlidingWindow(raw, refused);
  const rope = readRope({ ...raw, max_position_embeddings: dimensions.maxPositions });
  if ('refused' in rope) throw unsupportedModel(source, [...refused, ...rope.refused]);
  if (refused.length > 0) throw unsupportedModel(source, refused);
  return Object.freeze({ ...fromHuggingFace(raw, family, dimensions, rope.rope), slidingWindow });
}

function unsupportedModel(source: string, refused: readonly string[]): QuerentError {
  return new QuerentError('engine/unsupported-model', `${source}: ${refused.join('; ')}`, {
    next: 'Use a Qwen2, Qwen3, Llama or Mistral model without these features.',
    details: { source, refused },
  });
}

function fromHuggingFace(
  raw: HuggingFaceConfig,
  family: ModelFamily,
  dimensions: Dimensions,
  rope: RopeSettings,
): ModelConfig {
  const { queryKeyValueBias, outputBias, queryKeyNorm } = families[family];
  return {
    family,
    vocabSize: raw.vocab_size,
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size,
    layerCount: raw.num_hidden_layers,
    headCount: raw.num_attention_heads,
    ...dimensions,
    normEpsilon: raw.rms_norm_eps,
    ropeTheta: rope.theta,
    ropeScaling: rope.scaling,
    tieEmbeddings: raw.tie_word_embeddings,
    queryKeyValueBias: queryKeyValueBias(raw),
    outputBias: outputBias(raw),
    queryKeyNorm,
    initializerRange: raw.initializer_range,
    beginToken: firstToken(raw.bos_token_id),
    endToken: firstToken(raw.eos_token_id),
    padToken: firstToken(raw.pad_token_id),
  };
}

/** Tokens of the longest sequence for which full attention is what the model computes. */
export function longestSequence({ maxPositions, slidingWindow }: ModelConfig): number {
  return Math.min(maxPositions, slidingWindow?.size ?? Number.POSITIVE_INFINITY);
}

/** The `config.json` that Python's transformers reads back as the same model. */
export function toHuggingFaceConfig(config: ModelConfig): Record<string, unknown> {
  return {
    architectures: [families[config.family].pythonClass],
    model_type: config.family,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layerCount,
    num_attention_heads: config.headCount,
    num_key_value_heads: config.keyValueHeadCount,
    head_dim: config.headSize,
    max_position_embeddings: config.maxPositions,
    rms_norm_eps: config.normEpsilon,
    ...ropeKeys({ theta: config.ropeTheta, scaling: config.ropeScaling }),
    tie_word_embeddings: config.tieEmbeddings,
    ...familyKeys(config),
    initializer_range: config.initializerRange,
    hidden_act: 'silu',
    attention_dropout: 0,
    bos_token_id: config.beginToken ?? null,
    eos_token_id: config.endToken ?? null,
    pad_token_id: config.padToken ?? null,
    torch_dtype: 'float32',
  };
}

/** Keys that only some classes know. */
function familyKeys({
  family,
  outputBias,
  slidingWindow: window,
  layerCount,
}: ModelConfig): Record<string, unknown> {
  if (family === 'llama') return { attention_bias: outputBias, mlp_bias: false };
  if (family === 'mistral') return { sliding_window: window?.size ?? null };
  const sliding =
    window === undefined
      ? { use_sliding_window: false, max_window_layers: layerCount }
      : { use_sliding_window: true, sliding_window: window.size, max_window_layers: window.firstLayer };
  return family === 'qwen3' ? { attention_bias: outputBias, ...sliding } : sliding;
}

/** Product of heads and their size: the width of queries (keys and values: with `keyValueHeadCount`). */
export function queryWidth(config: ModelConfig): number {
  return config.headCount * config.headSize;
}

export function keyValueWidth(config: ModelConfig): number {
  return config.keyValueHeadCount * config.headSize;
}
