/**
 * Whole prompts, padded on the right, one run a batch of prompts: their keys and values, and the distribution of the
 * first new token. Axes: N prompts, P positions, K key/value heads, D head size, V vocabulary.
 */
import { MICROSOFT_DOMAIN, type Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import { keyValueWidth, queryWidth } from '../model/model-config.ts';
import {
  type Attention,
  addHead,
  createBuilder,
  type DecodeGraph,
  queryFactor,
  reshapeTo,
  transformer,
} from './decode-transformer.ts';
import type { DecodeWeights } from './decode-weights.ts';

/**
 * Inputs: tokens [N·P] (rows padded on the right), grid [3] = (N, P, -1), last_positions int32 [N], longest int32 [1],
 * last_rows [N]. Outputs: probabilities [N, V], key_i and value_i [N, K, P, D], logits.
 */
export function prefillGraph(source: DecodeWeights): DecodeGraph {
  const builder = createBuilder('prefill', source);
  const { graph, config, weights, cosine, sine } = builder;
  const { headSize, headCount, keyValueHeadCount } = config;
  const tokens = graph.input('tokens', 'int32', ['NP']);
  const grid = graph.input('grid', 'int64', [3]);
  const lastPositions = graph.input('last_positions', 'int32', ['N']);
  const longest = graph.input('longest', 'int32', [1]);
  const lastRows = graph.input('last_rows', 'int64', ['N']);
  const query = queryWidth(config);
  const keyValue = keyValueWidth(config);
  const cacheShape = ['N', keyValueHeadCount, 'P', headSize];
  const caches: [string, Tensor][] = [];

  const attention: Attention = (layer, x) => {
    const q = weights.linear(layer, 'self_attn.q_proj', x, queryFactor(config));
    const k = weights.linear(layer, 'self_attn.k_proj', x);
    const v = weights.linear(layer, 'self_attn.v_proj', x);
    const inputs = [
      reshapeTo(graph, q, grid, ['N', 'P', query]),
      reshapeTo(graph, k, grid, ['N', 'P', keyValue]),
      reshapeTo(graph, v, grid, ['N', 'P', keyValue]),
      undefined,
      undefined,
      lastPositions,
      longest,
      cosine,
      sine,
    ];
    const heads = { num_heads: headCount, kv_num_heads: keyValueHeadCount };
    const attributes = { ...heads, do_rotary: 1, scale: { float: 1 } };
    const [mixed, keys, values] = graph.op('GroupQueryAttention', inputs, attributes, {
      domain: MICROSOFT_DOMAIN,
      outputs: [
        { type: 'float32', shape: ['N', 'P', query] },
        { type: 'float32', shape: cacheShape },
        { type: 'float32', shape: cacheShape },
      ],
    });
    caches.push([`key_${layer}`, keys!], [`value_${layer}`, values!]);
    return weights.linear(layer, 'self_attn.o_proj', reshapeTo(graph, mixed!, [-1, query], ['NP', query]));
  };

  const normed = transformer(builder, tokens, attention);
  for (const [name, tensor] of caches) graph.output(name, tensor);
  addHead(builder, op.gatherRows(graph, normed, lastRows));
  return { graph, weightFeeds: weights.feeds };
}
