/**
 * One token for every lane. A lane is one sample; the lanes of a group continue the same prompt.
 *
 * The graph never returns its cache, because the runtime's Node binding copies whatever a run returns. It reads a cache
 * that JavaScript owns, attends to the newest token separately, and returns only that token's keys and values. With
 * `sharedPrompt` the keys and values of a prompt lie in the cache once for all lanes of its group, which read them in
 * one matrix product; without it every lane's own cache starts with the prompt.
 *
 * Axes: N groups, L lanes of a group, R = N·L rows, K key/value heads, G query heads of each, D head size, P prompt
 * positions, S positions of a lane's own cache, T = P + S + 1 (the last is the newest token), V vocabulary.
 */
import { MICROSOFT_DOMAIN, type Shape, type Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import { queryWidth } from '../model/model-config.ts';
import {
  type Attention,
  addHead,
  type Builder,
  createBuilder,
  type DecodeGraph,
  queryFactor,
  reshapeTo,
  transformer,
} from './decode-transformer.ts';
import type { DecodeWeights } from './decode-weights.ts';

interface StepInputs {
  readonly sharedPrompt: boolean;
  /** Shape [4] = (N, L, K, -1); without `sharedPrompt` (L = 1, so no transpose is needed) (N, K, L, -1). */
  readonly grid: Tensor;
  /** [N, L] and [N, L·G]: the newest token's position, for its key and for each of its query heads. */
  readonly positions: Tensor;
  readonly queryPositions: Tensor;
  /** [N, 1, L, 1, T]: 0 where a position may be read, a large negative number where it is empty. */
  readonly mask: Tensor;
  /** Shapes [5] = (N, K, L, G, P) and [4] = (N, K, L·G, P). */
  readonly promptShapes: { readonly grid: Tensor; readonly flat: Tensor } | undefined;
  /** Sizes of the parts of T: [P, S, 1] or [S, 1]. */
  readonly parts: Tensor;
}

function declareInputs(builder: Builder, sharedPrompt: boolean): StepInputs {
  const { graph } = builder;
  return {
    sharedPrompt,
    grid: graph.input('grid', 'int64', [4]),
    positions: graph.input('positions', 'int64', ['N', 'L']),
    queryPositions: graph.input('query_positions', 'int64', ['N', 'LG']),
    mask: graph.input('mask', 'float32', ['N', 1, 'L', 1, 'T']),
    promptShapes: sharedPrompt
      ? { grid: graph.input('prompt_grid', 'int64', [5]), flat: graph.input('prompt_flat', 'int64', [4]) }
      : undefined,
    parts: graph.input('parts', 'int64', [sharedPrompt ? 3 : 2]),
  };
}

/** Product over the last two axes with the second operand's swapped; leading axes are equal. */
function productT(builder: Builder, a: Tensor, b: Tensor, shape: Shape): Tensor {
  const options = { outputs: [{ type: 'float32', shape }], domain: MICROSOFT_DOMAIN } as const;
  return builder.graph.op('FusedMatMul', [a, b], { transB: 1 }, options)[0]!;
}

function product(builder: Builder, a: Tensor, b: Tensor, shape: Shape): Tensor {
  return builder.graph.op('MatMul', [a, b], {}, { outputs: [{ type: 'float32', shape }] })[0]!;
}

/** Rows [R, K·width] -> [N, K, L, width]. */
function toHeads(builder: Builder, inputs: StepInputs, x: Tensor, width: number): Tensor {
  const { graph, config } = builder;
  const { keyValueHeadCount } = config;
  if (!inputs.sharedPrompt) return reshapeTo(graph, x, inputs.grid, ['N', keyValueHeadCount, 'L', width]);
  const grid = reshapeTo(graph, x, inputs.grid, ['N', 'L', keyValueHeadCount, width]);
  return op.transpose(graph, grid, [0, 2, 1, 3]);
}

/** [N, K, L, G, D] -> [N, L, K, G·D], where the lanes of a group are more than one. */
function toRows(builder: Builder, inputs: StepInputs, mixed: Tensor): Tensor {
  const { graph, config } = builder;
  if (!inputs.sharedPrompt) return mixed;
  const width = queryWidth(config) / config.keyValueHeadCount;
  const wide = reshapeTo(graph, mixed, [0, 0, 0, width], ['N', config.keyValueHeadCount, 'L', width]);
  return op.transpose(graph, wide, [0, 2, 1, 3]);
}

function rotate(builder: Builder, x: Tensor, positions: Tensor): Tensor {
  const inputs = [x, positions, builder.cosine, builder.sine];
  const options = { outputs: [{ type: 'float32', shape: x.shape }], domain: MICROSOFT_DOMAIN } as const;
  return builder.graph.op('RotaryEmbedding', inputs, {}, options)[0]!;
}

interface Heads {
  /** [N, K, L·G, D] */
  readonly query: Tensor;
  /** [N, K, L, D] */
  readonly key: Tensor;
  readonly value: Tensor;
}

function project(builder: Builder, inputs: StepInputs, layer: number, x: Tensor): Heads {
  const { graph, config, weights } = builder;
  const { headSize, headCount, keyValueHeadCount } = config;
  const groupWidth = (headCount / keyValueHeadCount) * headSize;
  const q = weights.linear(layer, 'self_attn.q_proj', x, queryFactor(config));
  const k = weights.linear(layer, 'self_attn.k_proj', x);
  const v = weights.linear(layer, 'self_attn.v_proj', x);
  const wide = toHeads(builder, inputs, q, groupWidth);
  const query = reshapeTo(graph, wide, [0, 0, -1, headSize], ['N', keyValueHeadCount, 'LG', headSize]);
  return {
    query: rotate(builder, query, inputs.queryPositions),
    key: rotate(builder, toHeads(builder, inputs, k, headSize), inputs.positions),
    value: toHeads(builder, inputs, v, headSize),
  };
}

/** One softmax over prompt, own cache and newest token, each scored by its own product. */
function mix(builder: Builder, inputs: StepInputs, layer: number, heads: Heads): Tensor {
  const { graph, config } = builder;
  const { headSize: D, keyValueHeadCount: K } = config;
  const G = config.headCount / K;
  const prompt = inputs.sharedPrompt
    ? {
        key: graph.input(`prompt_key_${layer}`, 'float32', ['N', K, 'P', D]),
        value: graph.input(`prompt_value_${layer}`, 'float32', ['N', K, 'P', D]),
      }
    : undefined;
  const ownKey = graph.input(`own_key_${layer}`, 'float32', ['N', K, 'L', 'S', D]);
  const ownValue = graph.input(`own_value_${layer}`, 'float32', ['N', K, 'L', 'S', D]);

  const query = reshapeTo(graph, heads.query, [0, 0, -1, G, D], ['N', K, 'L', G, D]);
  const newKey = reshapeTo(graph, heads.key, [0, 0, 0, 1, D], ['N', K, 'L', 1, D]);
  const newValue = reshapeTo(graph, heads.value, [0, 0, 0, 1, D], ['N', K, 'L', 1, D]);
  const scores = [
    productT(builder, query, ownKey, ['N', K, 'L', G, 'S']),
    productT(builder, query, newKey, ['N', K, 'L', G, 1]),
  ];
  if (prompt !== undefined) {
    const flat = productT(builder, heads.query, prompt.key, ['N', K, 'LG', 'P']);
    scores.unshift(reshapeTo(graph, flat, inputs.promptShapes!.grid, ['N', K, 'L', G, 'P']));
  }
  const all = graph.op(
    'Concat',
    scores,
    { axis: 4 },
    { outputs: [{ type: 'float32', shape: ['N', K, 'L', G, 'T'] }] },
  );
  const masked = graph.op(
    'Add',
    [all[0]!, inputs.mask],
    {},
    {
      outputs: [{ type: 'float32', shape: ['N', K, 'L', G, 'T'] }],
    },
  );
  const sizes = prompt === undefined ? ['S', 1] : ['P', 'S', 1];
  const outputs = sizes.map((size) => ({ type: 'float32', shape: ['N', K, 'L', G, size] }) as const);
  const parts = graph.op('Split', [op.softmax(graph, masked[0]!), inputs.parts], { axis: 4 }, { outputs });

  const own = product(builder, parts.at(-2)!, ownValue, ['N', K, 'L', G, D]);
  let mixed = op.add(graph, own, op.multiply(graph, parts.at(-1)!, newValue));
  if (prompt !== undefined) {
    const flat = reshapeTo(graph, parts[0]!, inputs.promptShapes!.flat, ['N', K, 'LG', 'P']);
    const read = product(builder, flat, prompt.value, ['N', K, 'LG', D]);
    mixed = op.add(graph, mixed, reshapeTo(graph, read, [0, 0, -1, G, D], ['N', K, 'L', G, D]));
  }
  return mixed;
}

/**
 * Inputs besides those of `StepInputs`: tokens [R], own_key_i and own_value_i [N, K, L, S, D], and with `sharedPrompt`
 * prompt_key_i and prompt_value_i [N, K, P, D]. Outputs: key_i and value_i [N, K, L, D], probabilities [R, V], logits.
 */
export function stepGraph(source: DecodeWeights, sharedPrompt: boolean): DecodeGraph {
  const builder = createBuilder('step', source);
  const { graph, config, weights } = builder;
  const tokens = graph.input('tokens', 'int32', ['R']);
  const inputs = declareInputs(builder, sharedPrompt);
  const query = queryWidth(config);
  const fresh: [string, Tensor][] = [];

  const attention: Attention = (layer, x) => {
    const heads = project(builder, inputs, layer, x);
    fresh.push([`key_${layer}`, heads.key], [`value_${layer}`, heads.value]);
    const mixed = mix(builder, inputs, layer, heads);
    const rows = reshapeTo(graph, toRows(builder, inputs, mixed), [-1, query], ['R', query]);
    return weights.linear(layer, 'self_attn.o_proj', rows);
  };

  const normed = transformer(builder, tokens, attention);
  for (const [name, tensor] of fresh) graph.output(name, tensor);
  addHead(builder, normed);
  return { graph, weightFeeds: weights.feeds };
}
