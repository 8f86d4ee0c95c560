/**
 * Causal grouped-query attention over sequences that lie flat, one after the other. Queries, keys and values are
 * gathered into a padded grid, all heads at once, so that each product is one batched matrix multiplication; queries
 * that share a key/value head stand below each other in its rows.
 */
import { withGradient } from '../graph/autodiff.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import type { ModelConfig } from './model-config.ts';
import type { BatchInputs } from './model-graph.ts';

/** Flat [tokens, heads · size] -> grid [rows, keyValueHeads, cells, size]. */
function toGrid(graph: Graph, flat: Tensor, cells: Tensor, headSize: number): Tensor {
  const heads = (flat.shape[1] as number) / headSize;
  const rows = op.reshape(graph, flat, [`tokens_by_${heads}_heads`, headSize]);
  return op.gatherRows(graph, rows, cells);
}

/** Grid -> flat: the inverse of `toGrid` on the cells where tokens live. */
function toFlat(graph: Graph, grid: Tensor, homes: Tensor, headSize: number): Tensor {
  const rows = op.reshape(graph, grid, [`cells_of_${grid.name}`, headSize]);
  const heads = homes.shape[1] as number;
  return op.reshape(graph, op.gatherRows(graph, rows, homes), ['tokens', heads * headSize]);
}

interface Grids {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  readonly probabilities: Tensor;
  readonly output: Tensor;
}

/**
 * With P = softmax(S), O = P V: dV = Pᵀ dO, dS = P ∘ (dO Vᵀ − Σ dO ∘ O), where the sum over the head size stands for
 * the sum over all keys of P ∘ dP (arXiv 2205.14135, appendix B.2). Empty cells have dO = 0, so they add nothing.
 */
function attentionGradient(graph: Graph, grids: Grids, outputGradient: Tensor, alpha: number) {
  const { query, key, value, probabilities, output } = grids;
  const valueGradient = op.matMul(graph, probabilities, outputGradient, { transposeA: true });
  const products = op.matMul(graph, outputGradient, value, { transposeB: true });
  const sum = op.reduceSum(graph, op.multiply(graph, outputGradient, output), [-1], true);
  const scores = op.multiply(graph, probabilities, op.subtract(graph, products, sum));
  return {
    query: op.matMul(graph, scores, key, { alpha }),
    key: op.matMul(graph, scores, query, { transposeA: true, alpha }),
    value: valueGradient,
  };
}

/** Queries [tokens, heads · size], keys and values [tokens, keyValueHeads · size] -> [tokens, heads · size]. */
export function attention(
  graph: Graph,
  config: ModelConfig,
  batch: BatchInputs,
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
): Tensor {
  const { headSize } = config;
  const alpha = 1 / Math.sqrt(headSize);
  let grids: Grids;
  const forward = () => {
    const query = toGrid(graph, queries, batch.queryCells, headSize);
    const key = toGrid(graph, keys, batch.keyCells, headSize);
    const value = toGrid(graph, values, batch.keyCells, headSize);
    const scores = op.matMul(graph, query, key, { transposeB: true, alpha });
    const probabilities = op.softmax(graph, op.add(graph, scores, batch.mask));
    const output = op.matMul(graph, probabilities, value);
    grids = { query, key, value, probabilities, output };
    return [toFlat(graph, output, batch.queryHomes, headSize)] as const;
  };
  return withGradient(graph, [queries, keys, values], forward, (_, [g]) => {
    const onGrid = toGrid(graph, g!, batch.queryCells, headSize);
    const gradient = attentionGradient(graph, grids, onGrid, alpha);
    return [
      toFlat(graph, gradient.query, batch.queryHomes, headSize),
      toFlat(graph, gradient.key, batch.keyHomes, headSize),
      toFlat(graph, gradient.value, batch.keyHomes, headSize),
    ];
  })[0];
}
