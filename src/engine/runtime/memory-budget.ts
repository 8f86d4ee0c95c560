/** How many tokens may run at once, from what a token's activations take until the backward pass has read them. */
import type { ModelConfig } from '../model/model-config.ts';

/** Share of a machine's memory that activations may take by default; a 16 GB laptop keeps most of it. */
const ACTIVATION_BYTES = 1.5e9;
const TOKENS_MAX = 8192;
const TOKENS_MIN = 256;

/** Counted in the graph: about 16 tensors of the hidden size and 7 of the MLP's size a layer live at the same time. */
export function activationBytesPerToken(config: ModelConfig): number {
  return 4 * config.layerCount * (16 * config.hiddenSize + 7 * config.intermediateSize);
}

export function defaultTokenBudget(config: ModelConfig): number {
  const fitting = Math.floor(ACTIVATION_BYTES / activationBytesPerToken(config));
  return Math.min(TOKENS_MAX, Math.max(TOKENS_MIN, fitting));
}
