/**
 * Queries, keys and values by head, with rotary positions, for both graphs of generation. "Cells" (axis L) are the
 * positions of a prompt or the lanes of a group: what shares an axis of N stands side by side.
 *
 * Axes: N prompts or groups, L cells, R = N·L rows, K key/value heads, G query heads of each, D head size.
 */
import { MICROSOFT_DOMAIN, type Shape, type Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import { queryWidth } from '../model/model-config.ts';
import { headNormNames } from '../model/weights.ts';
import { type Builder, reshapeTo } from './decode-transformer.ts';

/** A score that the softmax turns into 0, and that no real score comes near. */
export const emptyScore = -1e30;

export interface HeadInputs {
  /** Shape [4] = (N, L, K, -1); where L is always 1 there is none, because nothing needs to be transposed. */
  readonly grid: Tensor | undefined;
  /** [R, 1]: each row's position in its sequence. */
  readonly positions: Tensor;
  /** Shape [4] = (N, K, L, -1). */
  readonly headGrid: Tensor;
}

export interface Heads {
  /** [N, K, L·G, D] */
  readonly query: Tensor;
  /** [N, K, L, D] */
  readonly key: Tensor;
  readonly value: Tensor;
}

export function declareHeadInputs(builder: Builder, manyCells: boolean): HeadInputs {
  const { graph } = builder;
  return {
    grid: manyCells ? graph.input('grid', 'int64', [4]) : undefined,
    headGrid: graph.input('head_grid', 'int64', [4]),
    positions: graph.input('positions', 'int64', ['R', 1]),
  };
}

/** Rows [R, K·width] -> [N, K, L, width]. */
function toHeads(builder: Builder, inputs: HeadInputs, x: Tensor, width: number): Tensor {
  const { graph, config } = builder;
  const { keyValueHeadCount } = config;
  if (inputs.grid === undefined)
    return reshapeTo(graph, x, inputs.headGrid, ['N', keyValueHeadCount, 'L', width]);
  const grid = reshapeTo(graph, x, inputs.grid, ['N', 'L', keyValueHeadCount, width]);
  return op.transpose(graph, grid, [0, 2, 1, 3]);
}

/** Attention's output, [N, K, L·G, D] or [N, K, L, G, D], as rows [R, K·G·D]. */
export function toRows(builder: Builder, inputs: HeadInputs, mixed: Tensor): Tensor {
  const { graph, config } = builder;
  const query = queryWidth(config);
  if (inputs.grid === undefined) return reshapeTo(graph, mixed, [-1, query], ['R', query]);
  const { keyValueHeadCount } = config;
  const width = query / keyValueHeadCount;
  // [L·G, D] and [L, G, D] are the same bytes: what is left after the width are the cells.
  const wide = reshapeTo(graph, mixed, inputs.headGrid, ['N', keyValueHeadCount, 'L', width]);
  return reshapeTo(graph, op.transpose(graph, wide, [0, 2, 1, 3]), [-1, query], ['R', query]);
}

/** Rows [R, heads·D] rotated to their positions. */
function rotate(builder: Builder, inputs: HeadInputs, x: Tensor): Tensor {
  const { graph, cosine, sine } = builder;
  const width = x.shape[1] as number;
  const flat = reshapeTo(graph, x, [-1, 1, width], ['R', 1, width]);
  return op.rotary(graph, flat, inputs.positions, cosine, sine);
}

/** RMS norm of each head of rows [R, heads·D]. */
function headNorm(builder: Builder, name: string, x: Tensor): Tensor {
  const { graph, config, weights } = builder;
  const { headSize, normEpsilon } = config;
  const width = x.shape[1] as number;
  const heads = reshapeTo(graph, x, [-1, width / headSize, headSize], ['R', width / headSize, headSize]);
  const normed = op.rmsNorm(graph, heads, weights.tensor(name), normEpsilon).y;
  return reshapeTo(graph, normed, [-1, width], ['R', width]);
}

/** Queries carry the 1/√D of attention, so that no product needs a factor (which would be a slower kernel). */
export function project(builder: Builder, inputs: HeadInputs, layer: number, x: Tensor): Heads {
  const { graph, config, weights } = builder;
  const { headSize, headCount, keyValueHeadCount } = config;
  const factor = 1 / Math.sqrt(headSize);
  let q = weights.linear(layer, 'self_attn.q_proj', x, config.queryKeyNorm ? {} : { factor });
  let k = weights.linear(layer, 'self_attn.k_proj', x);
  if (config.queryKeyNorm) {
    const names = headNormNames(layer);
    // A norm takes any factor back: it comes behind.
    q = op.scale(graph, headNorm(builder, names.query, q), factor);
    k = headNorm(builder, names.key, k);
  }
  const v = weights.linear(layer, 'self_attn.v_proj', x);
  const wide = toHeads(
    builder,
    inputs,
    rotate(builder, inputs, q),
    (headCount / keyValueHeadCount) * headSize,
  );
  return {
    query: reshapeTo(graph, wide, [0, 0, -1, headSize], ['N', keyValueHeadCount, 'LG', headSize]),
    key: toHeads(builder, inputs, rotate(builder, inputs, k), headSize),
    value: toHeads(builder, inputs, v, headSize),
  };
}

/** Product over the last two axes with the second operand's swapped; leading axes are equal. */
export function productTransposed(builder: Builder, a: Tensor, b: Tensor, shape: Shape): Tensor {
  const options = { outputs: [{ type: 'float32', shape }], domain: MICROSOFT_DOMAIN } as const;
  return builder.graph.op('FusedMatMul', [a, b], { transB: 1 }, options)[0]!;
}

/** Product over the last two axes; leading axes are equal. */
export function product(builder: Builder, a: Tensor, b: Tensor, shape: Shape): Tensor {
  return builder.graph.op('MatMul', [a, b], {}, { outputs: [{ type: 'float32', shape }] })[0]!;
}
