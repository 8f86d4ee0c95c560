/**
 * Whole prompts, padded on the right, one run a batch of prompts: their keys and values, and the distribution of the
 * first new token. A position sees those before it, so padding behind a prompt changes nothing in it.
 * Axes: N prompts, P positions, K key/value heads, G query heads of each, D head size, V vocabulary.
 */
import type { Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import type { ModelConfig } from '../model/model-config.ts';
import {
  declareHeadInputs,
  emptyScore,
  product,
  productTransposed,
  project,
  toRows,
} from './attention-heads.ts';
import { type Feeds, floats, int32, int64 } from './decode-session.ts';
import {
  type Attention,
  addHead,
  createBuilder,
  type DecodeGraph,
  transformer,
} from './decode-transformer.ts';
import type { DecodeWeights } from './decode-weights.ts';

/**
 * Inputs besides those of `HeadInputs`: tokens [N·P], mask [P·G, P], last_rows [N].
 * Outputs: key_i and value_i [N, K, P, D], probabilities [N, V], logits.
 */
export function prefillGraph(source: DecodeWeights): DecodeGraph {
  const builder = createBuilder('prefill', source, 'many');
  const { graph, config, weights } = builder;
  const { keyValueHeadCount: K, headSize: D } = config;
  const tokens = graph.input('tokens', 'int32', ['R']);
  const inputs = declareHeadInputs(builder, true);
  const mask = graph.input('mask', 'float32', ['LG', 'L']);
  const lastRows = graph.input('last_rows', 'int64', ['N']);
  const caches: Tensor[] = [];

  const attention: Attention = (layer, x, hidden) => {
    const { query, key, value } = project(builder, inputs, layer, x);
    caches.push(key, value);
    const scores = productTransposed(builder, query, key, ['N', K, 'LG', 'L']);
    const probabilities = op.softmax(graph, op.add(graph, scores, mask));
    const mixed = product(builder, probabilities, value, ['N', K, 'LG', D]);
    return weights.linear(layer, 'self_attn.o_proj', toRows(builder, inputs, mixed), { residual: hidden });
  };

  const normed = transformer(builder, tokens, attention);
  cacheNames(config).forEach((name, i) => {
    graph.output(name, caches[i]!);
  });
  addHead(builder, op.gatherRows(graph, normed, lastRows));
  return { graph, weightFeeds: weights.feeds };
}

/** Names of the outputs that hold keys and values, by layer. */
export function cacheNames(config: ModelConfig): string[] {
  return Array.from({ length: config.layerCount }, (_, i) => [`key_${i}`, `value_${i}`]).flat();
}

/** [positions · G, positions]: each position sees itself and those before. */
function causalMask(positions: number, queryHeads: number): Float32Array {
  const mask = new Float32Array(positions * queryHeads * positions).fill(emptyScore);
  for (let row = 0; row < positions * queryHeads; row++) {
    mask.fill(0, row * positions, row * positions + Math.floor(row / queryHeads) + 1);
  }
  return mask;
}

export function prefillFeeds(
  config: ModelConfig,
  prompts: readonly Int32Array[],
  inverseTemperature: Float32Array,
): Feeds {
  const K = config.keyValueHeadCount;
  const G = config.headCount / K;
  const N = prompts.length;
  const P = Math.max(...prompts.map((prompt) => prompt.length));
  const tokens = new Int32Array(N * P);
  prompts.forEach((prompt, i) => {
    tokens.set(prompt, i * P);
  });
  return {
    tokens: int32(tokens, [N * P]),
    grid: int64([N, P, K, -1]),
    head_grid: int64([N, K, P, -1]),
    positions: int64(
      tokens.map((_, i) => i % P),
      [N * P, 1],
    ),
    mask: floats(causalMask(P, G), [P * G, P]),
    last_rows: int64(prompts.map((prompt, i) => i * P + prompt.length - 1)),
    inverse_temperature: floats(inverseTemperature, []),
  };
}
