/** How many tokens may run at once, from what a token's activations take until the backward pass has read them. */
import { SMALL_PARAMETERS_MAX } from '../model/base-tensor.ts';
import { keyValueWidth, type ModelConfig, queryWidth } from '../model/model-config.ts';
import type { Checkpointing } from '../model/model-graph.ts';
import { parameterCount } from '../model/weights.ts';

/** Share of a machine's memory that activations may take by default; a 16 GB laptop keeps most of it. */
const ACTIVATION_BYTES = 1.5e9;
const TOKENS_MAX = 8192;
const TOKENS_MIN = 256;

/** Counted in the graph: about 16 tensors of the hidden size and 7 of the MLP's size a layer live at the same time. */
function layerBytes({ hiddenSize, intermediateSize }: ModelConfig): number {
  return 4 * (16 * hiddenSize + 7 * intermediateSize);
}

/** What of a layer waits for the backward pass. */
function keptBytes(config: ModelConfig, checkpointing: Checkpointing): number {
  const { hiddenSize, intermediateSize } = config;
  if (checkpointing === 'none') return layerBytes(config);
  if (checkpointing === 'layers') return 4 * hiddenSize;
  const products = queryWidth(config) + 2 * keyValueWidth(config) + 2 * hiddenSize + 2 * intermediateSize;
  return 4 * (hiddenSize + products);
}

export function activationBytesPerToken(
  config: ModelConfig,
  checkpointing: Checkpointing = defaultCheckpointing(config),
): number {
  const working = checkpointing === 'none' ? 0 : layerBytes(config);
  return config.layerCount * keptBytes(config, checkpointing) + working;
}

/** Bytes that the logits of one micro-batch may take. */
export const LOGIT_BUDGET_BYTES = 256e6;

/** Of small models activations take little, and computing them again would only take time. */
export function defaultCheckpointing(config: ModelConfig): Checkpointing {
  return parameterCount(config) <= SMALL_PARAMETERS_MAX ? 'none' : 'activations';
}

/** Logits of whole vocabularies up to this size; larger ones are cut into chunks of half of it. */
const WHOLE_VOCABULARY_MAX = 16384;

export function defaultVocabularyChunk({ vocabSize }: ModelConfig): number {
  return vocabSize <= WHOLE_VOCABULARY_MAX ? vocabSize : WHOLE_VOCABULARY_MAX / 2;
}

export function defaultTokenBudget(
  config: ModelConfig,
  checkpointing: Checkpointing = defaultCheckpointing(config),
): number {
  const fitting = Math.floor(ACTIVATION_BYTES / activationBytesPerToken(config, checkpointing));
  return Math.min(TOKENS_MAX, Math.max(TOKENS_MIN, fitting));
}
