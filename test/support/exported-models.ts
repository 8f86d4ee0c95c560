/** Small random models with a byte-level tokenizer, one of each architecture that is exported, and what they answer here. */
import { loadAdapter } from '../../src/engine/checkpoint/adapter-directory.ts';
import { loadModel, saveModel } from '../../src/engine/checkpoint/model-directory.ts';
import { parseModelConfig } from '../../src/engine/model/model-config.ts';
import { randomWeights } from '../../src/engine/runtime/test-models.ts';
import { DecodeSession } from '../../src/engine/sampling/decode-session.ts';
import { createDecoder } from '../../src/engine/sampling/decoder.ts';
import { prefillFeeds, prefillGraph } from '../../src/engine/sampling/prefill-graph.ts';
import { loadTokenizer } from '../../src/engine/tokenizer/tokenizer.ts';
import { createRandom } from '../../src/foundation/random.ts';
import { trainBytePairs } from './byte-pairs.ts';

const shape = {
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 512,
  // Wide enough that the best token is far from the next one.
  initializer_range: 0.25,
  rope_theta: 1e4,
};

export const exportedModels: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  qwen2: { ...shape, model_type: 'qwen2', tie_word_embeddings: true },
  'llama, long waves slowed': {
    ...shape,
    model_type: 'llama',
    tie_word_embeddings: false,
    attention_bias: true,
    head_dim: 32,
    rope_scaling: {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    },
  },
  'llama, linear scaling': {
    ...shape,
    model_type: 'llama',
    tie_word_embeddings: true,
    num_key_value_heads: 4,
    rope_scaling: { rope_type: 'linear', factor: 2 },
  },
  qwen3: { ...shape, model_type: 'qwen3', head_dim: 32, tie_word_embeddings: false },
  mistral: { ...shape, model_type: 'mistral', sliding_window: null, tie_word_embeddings: false },
};

const corpus = ['SELECT name FROM customers WHERE city = 1', 'How many orders are open in 2024?'];

export async function writeRandomModel(
  directory: string,
  raw: Readonly<Record<string, unknown>>,
): Promise<void> {
  const tokenizerJson = trainBytePairs(corpus, 20);
  const tokenizer = loadTokenizer(tokenizerJson);
  const config = parseModelConfig(
    { ...raw, vocab_size: tokenizer.vocabSize + 3, eos_token_id: tokenizer.tokenToId('<|im_end|>') },
    'test',
  );
  // Halves, so that formats of halves lose nothing.
  const weights = randomWeights(config, createRandom(3));
  await saveModel(directory, { config, weights, tokenizerJson, dtype: 'F16' });
}

export const prompts = [
  [12, 200, 33, 7, 91, 4, 150],
  [5, 6, 77],
].map((tokens) => Int32Array.from(tokens));
export const newTokens = 20;

/** Greedy, in this engine. */
export async function answersHere(base: string, adapterDirectory?: string): Promise<number[][]> {
  const { config, weights } = await loadModel(base);
  const adapter = adapterDirectory === undefined ? undefined : await loadAdapter(adapterDirectory, config);
  const decoder = createDecoder({ config, weights, adapter, threads: 1 });
  const groups = await decoder.sample({
    prompts,
    samplesPerPrompt: 1,
    maxNewTokens: newTokens,
    temperature: 0,
    stopTokens: [],
    seed: 0,
  });
  await decoder.close();
  return groups.map(([one]) => [...one!.tokens]);
}

/** How far the engine's best token is before another one after the same tokens, in standard deviations of its logits. */
export async function leadHere(base: string, tokens: readonly number[], other: number): Promise<number> {
  const { config, weights } = await loadModel(base);
  const source = { mode: 'fed', config, weights, adapter: undefined } as const;
  const session = await DecodeSession.create(prefillGraph(source), 1);
  const feeds = prefillFeeds(config, [Int32Array.from(tokens)], Float32Array.of(1));
  const logits = (await session.run(feeds, ['logits']))('logits');
  await session.close();
  const mean = logits.reduce((sum, value) => sum + value, 0) / logits.length;
  const deviation = Math.sqrt(logits.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logits.length);
  return (Math.max(...logits) - logits[other]!) / deviation;
}

export interface Agreement {
  /** Tokens until the first difference, of all prompts. */
  readonly tokens: number;
  /** The widest lead at a first difference; 0 where there is none. */
  readonly lead: number;
}

/** Formats that round differ where two tokens are nearly tied, and go their own way from there: how near, and how late. */
export async function agreement(base: string, answers: readonly (readonly number[])[]): Promise<Agreement> {
  const here = await answersHere(base);
  let tokens = 0;
  let lead = 0;
  for (const [i, answer] of answers.entries()) {
    const same = answer.findIndex((token, at) => token !== here[i]![at]);
    tokens += same < 0 ? answer.length : same;
    if (same < 0) continue;
    const before = [...prompts[i]!, ...answer.slice(0, same)];
    lead = Math.max(lead, await leadHere(base, before, answer[same]!));
  }
  return { tokens, lead };
}
