/**
 * Whole prompts, padded on the right, one run a batch of prompts: their keys and values, and the distribution of the
 * first new token. A position sees those before it, so padding behind a prompt changes nothing in it.
 * Axes: N prompts, P positions, K key/value heads, G query heads of each, D head size, V vocabulary.
 */
import type { Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import { declareHeadInputs, product, productTransposed, project, toRows } from './attention-heads.ts';
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
  const builder = createBuilder('prefill', source);
  const { graph, config, weights } = builder;
  const { keyValueHeadCount: K, headSize: D } = config;
  const tokens = graph.input('tokens', 'int32', ['R']);
  const inputs = declareHeadInputs(builder, true);
  const mask = graph.input('mask', 'float32', ['LG', 'L']);
  const lastRows = graph.input('last_rows', 'int64', ['N']);
  const caches: [string, Tensor][] = [];

  const attention: Attention = (layer, x) => {
    const { query, key, value } = project(builder, inputs, layer, x);
    caches.push([`key_${layer}`, key], [`value_${layer}`, value]);
    const scores = productTransposed(builder, query, key, ['N', K, 'LG', 'L']);
    const probabilities = op.softmax(graph, op.add(graph, scores, mask));
    const mixed = product(builder, probabilities, value, ['N', K, 'LG', D]);
    return weights.linear(layer, 'self_attn.o_proj', toRows(builder, inputs, mixed));
  };

  const normed = transformer(builder, tokens, attention);
  for (const [name, tensor] of caches) graph.output(name, tensor);
  addHead(builder, op.gatherRows(graph, normed, lastRows));
  return { graph, weightFeeds: weights.feeds };
}
