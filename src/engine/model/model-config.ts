/**
 * The shape of a model, from and to a Hugging Face `config.json` of the Qwen2 / Llama family. What we do not support is
 * refused by name, so that a checkpoint never runs with something silently left out. Keys that do not change the
 * computation (token ids, versions, dtype) are ignored on reading.
 */
import { z } from 'zod';
import { QuerentError } from '../../foundation/errors.ts';

export interface ModelConfig {
  /** Decides the class in Python, and which biases exist by default. */
  readonly family: 'qwen2' | 'llama';
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
  /** The output matrix is the embedding matrix. */
  readonly tieEmbeddings: boolean;
  /** Biases of q_proj, k_proj and v_proj. */
  readonly queryKeyValueBias: boolean;
  /** Bias of o_proj. */
  readonly outputBias: boolean;
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
  max_position_embeddings: positive.default(32768),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().optional(),
  rope_parameters: z.looseObject({ rope_theta: z.number().positive().optional() }).nullish(),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().optional(),
  initializer_range: z.number().positive().default(0.02),
  bos_token_id: tokenId,
  eos_token_id: tokenId,
  pad_token_id: tokenId,
});

type HuggingFaceConfig = z.output<typeof huggingFaceSchema>;

function ropeType(raw: HuggingFaceConfig): unknown {
  const scaling = (raw.rope_scaling ?? raw.rope_parameters ?? {}) as Record<string, unknown>;
  return scaling.rope_type ?? scaling.type ?? 'default';
}

/** What a config may ask for that this engine does not compute: [key, is it asked for, what is supported]. */
function unsupported(raw: HuggingFaceConfig): string[] {
  const layerTypes = (raw.layer_types ?? []) as unknown[];
  const checks: readonly (readonly [string, boolean, string])[] = [
    ['model_type', !['qwen2', 'llama'].includes(raw.model_type), '"qwen2" or "llama"'],
    ['hidden_act', (raw.hidden_act ?? 'silu') !== 'silu', '"silu"'],
    ['mlp_bias', raw.mlp_bias === true, 'false'],
    ['use_sliding_window', raw.use_sliding_window === true, 'false'],
    ['layer_types', layerTypes.some((type) => type !== 'full_attention'), 'only "full_attention"'],
    ['rope_scaling', ropeType(raw) !== 'default', 'none (rope_type "default")'],
    ['quantization_config', raw.quantization_config !== undefined, 'none: full-precision weights'],
    ['head_dim', headSizeOf(raw) % 2 !== 0, 'an even whole number'],
    [
      'num_key_value_heads',
      raw.num_attention_heads % (raw.num_key_value_heads ?? raw.num_attention_heads) !== 0,
      'a divisor of num_attention_heads',
    ],
  ];
  return checks
    .filter(([, isAskedFor]) => isAskedFor)
    .map(([key, , supported]) => `"${key}" is ${JSON.stringify(raw[key])}, supported is ${supported}`);
}

function headSizeOf(raw: HuggingFaceConfig): number {
  return raw.head_dim ?? raw.hidden_size / raw.num_attention_heads;
}

const firstToken = (id: z.output<typeof tokenId>): number | undefined =>
  (Array.isArray(id) ? id[0] : id) ?? undefined;

/** Parse the content of a `config.json`; `source` names it in errors. */
export function parseModelConfig(input: unknown, source: string): ModelConfig {
  const parsed = huggingFaceSchema.safeParse(input);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `"${issue.path.join('.')}": ${issue.message}`);
    throw new QuerentError('engine/invalid-model-config', `${source}: ${problems.join('; ')}`, {
      next: 'This should be the config.json of a Hugging Face Qwen2 or Llama model.',
      details: { source, problems },
    });
  }
  const raw = parsed.data;
  const refused = unsupported(raw);
  if (refused.length > 0) {
    throw new QuerentError('engine/unsupported-model', `${source}: ${refused.join('; ')}`, {
      next: 'Use a model of the Qwen2 or Llama family without these features.',
      details: { source, refused },
    });
  }
  return Object.freeze(fromHuggingFace(raw));
}

function fromHuggingFace(raw: HuggingFaceConfig): ModelConfig {
  const isQwen = raw.model_type === 'qwen2';
  return {
    family: isQwen ? 'qwen2' : 'llama',
    vocabSize: raw.vocab_size,
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size,
    layerCount: raw.num_hidden_layers,
    headCount: raw.num_attention_heads,
    keyValueHeadCount: raw.num_key_value_heads ?? raw.num_attention_heads,
    headSize: headSizeOf(raw),
    maxPositions: raw.max_position_embeddings,
    normEpsilon: raw.rms_norm_eps,
    ropeTheta: raw.rope_theta ?? raw.rope_parameters?.rope_theta ?? 10000,
    tieEmbeddings: raw.tie_word_embeddings,
    // Qwen2 always has them; Llama's switch covers all four projections.
    queryKeyValueBias: isQwen || raw.attention_bias === true,
    outputBias: !isQwen && raw.attention_bias === true,
    initializerRange: raw.initializer_range,
    beginToken: firstToken(raw.bos_token_id),
    endToken: firstToken(raw.eos_token_id),
    padToken: firstToken(raw.pad_token_id),
  };
}

/** The `config.json` that Python's transformers reads back as the same model. */
export function toHuggingFaceConfig(config: ModelConfig): Record<string, unknown> {
  const isQwen = config.family === 'qwen2';
  return {
    architectures: [isQwen ? 'Qwen2ForCausalLM' : 'LlamaForCausalLM'],
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
    rope_theta: config.ropeTheta,
    tie_word_embeddings: config.tieEmbeddings,
    ...(isQwen ? { use_sliding_window: false } : { attention_bias: config.outputBias, mlp_bias: false }),
    initializer_range: config.initializerRange,
    hidden_act: 'silu',
    attention_dropout: 0,
    bos_token_id: config.beginToken ?? null,
    eos_token_id: config.endToken ?? null,
    pad_token_id: config.padToken ?? null,
    torch_dtype: 'float32',
  };
}

/** Product of heads and their size: the width of queries (keys and values: with `keyValueHeadCount`). */
export function queryWidth(config: ModelConfig): number {
  return config.headCount * config.headSize;
}

export function keyValueWidth(config: ModelConfig): number {
  return config.keyValueHeadCount * config.headSize;
}
