/**
 * The shapes of well-known checkpoints by their names on the hub, so that memory can be computed before anything is downloaded.
 * Dimensions are those of each repository's public config.json (https://huggingface.co/NAME/blob/main/config.json). Knows no weights.
 */
import { type ModelConfig, parseModelConfig } from './model-config.ts';

type Row = readonly [
  hidden: number,
  intermediate: number,
  layers: number,
  heads: number,
  keyValueHeads: number,
  vocabulary: number,
  isTied: boolean,
];

const qwen25: Readonly<Record<string, Row>> = {
  '0.5B': [896, 4864, 24, 14, 2, 151_936, true],
  '1.5B': [1536, 8960, 28, 12, 2, 151_936, true],
  '3B': [2048, 11_008, 36, 16, 2, 151_936, true],
  '7B': [3584, 18_944, 28, 28, 4, 152_064, false],
  '14B': [5120, 13_824, 48, 40, 8, 152_064, false],
  '32B': [5120, 27_648, 64, 40, 8, 152_064, false],
};

const llama3: Readonly<Record<string, Row>> = {
  'meta-llama/Llama-3.2-1B': [2048, 8192, 16, 32, 8, 128_256, true],
  'meta-llama/Llama-3.2-3B': [3072, 8192, 28, 24, 8, 128_256, true],
  'meta-llama/Llama-3.1-8B': [4096, 14_336, 32, 32, 8, 128_256, false],
  'meta-llama/Llama-3.1-70B': [8192, 28_672, 80, 64, 8, 128_256, false],
};

const mistral: Readonly<Record<string, Row>> = {
  'mistralai/Mistral-7B-v0.1': [4096, 14_336, 32, 32, 8, 32_000, false],
  'mistralai/Mistral-7B-v0.3': [4096, 14_336, 32, 32, 8, 32_768, false],
};

interface Known {
  readonly row: Row;
  readonly family: 'qwen2' | 'llama' | 'mistral';
}

const known = new Map<string, Known>();
for (const [size, row] of Object.entries(qwen25)) {
  for (const line of ['Qwen2.5', 'Qwen2.5-Coder'])
    known.set(`Qwen/${line}-${size}`, { row, family: 'qwen2' });
}
for (const [name, row] of Object.entries(llama3)) known.set(name, { row, family: 'llama' });
for (const [name, row] of Object.entries(mistral)) known.set(name, { row, family: 'mistral' });

export const knownModelNames: readonly string[] = [...known.keys()];

/** "-Instruct" models have the shape of their base; the owner may be left out. */
function findKnown(id: string): readonly [string, Known] | undefined {
  const wanted = id.replace(/-Instruct(-v[\d.]+)?$/i, '$1').toLowerCase();
  return [...known].find(([name]) =>
    [name, name.split('/')[1]!].some((other) => other.toLowerCase() === wanted),
  );
}

export interface KnownModel {
  readonly name: string;
  readonly config: ModelConfig;
  readonly source: string;
}

export function knownModel(id: string): KnownModel | undefined {
  const found = findKnown(id);
  if (found === undefined) return undefined;
  const [name, { row, family }] = found;
  const [hidden, intermediate, layers, heads, keyValueHeads, vocabulary, isTied] = row;
  const source = `https://huggingface.co/${name}/blob/main/config.json`;
  const raw = {
    model_type: family,
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    vocab_size: vocabulary,
    tie_word_embeddings: isTied,
    max_position_embeddings: 32_768,
    sliding_window: null,
  };
  return { name, config: parseModelConfig(raw, source), source };
}
