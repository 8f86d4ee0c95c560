/**
 * The decoder of the Qwen, Llama and Mistral families as a training graph: tokens to hidden states after the last norm. It knows
 * the architecture; logits and losses are in `../losses`, generation with a cache in `../sampling`.
 */
import { withGradient } from '../graph/autodiff.ts';
import type { Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import { attention } from './attention.ts';
import { linear } from './linear.ts';
import type { ModelGraph } from './model-graph.ts';
import { rotaryTables } from './rotary-tables.ts';
import { unpackRows } from './stored-matrix.ts';
import { EMBEDDING_NAME, FINAL_NORM_NAME, headNormNames, layerPrefix } from './weights.ts';

/** Rows of the embedding matrix; their gradient stays rows, since scattering them in the graph is slow. */
function embed(model: ModelGraph): Tensor {
  const { graph, config, batch } = model;
  const stored = model.matrix(EMBEDDING_NAME, [config.vocabSize, config.hiddenSize]);
  if (stored.format.kind !== 'values') return unpackRows(graph, stored, batch.tokenIds);
  const table = stored.body;
  const forward = () => [op.gatherRows(graph, table, batch.tokenIds)] as const;
  return withGradient(graph, [table], forward, (_, [g]) => {
    model.rowGradients.push({ parameter: table, indices: batch.tokenIds, rows: g! });
    return [undefined];
  })[0];
}

function norm(model: ModelGraph, name: string, x: Tensor): Tensor {
  const weight = model.parameter(name, [model.config.hiddenSize]);
  return op.rmsNorm(model.graph, x, weight, model.config.normEpsilon).y;
}

interface Rotation {
  readonly cosine: Tensor;
  readonly sine: Tensor;
}

/** Rotary embedding of flat queries or keys: each token is a batch of its own with one position. */
function rotate(model: ModelGraph, x: Tensor, { cosine, sine }: Rotation): Tensor {
  const { graph, batch } = model;
  const width = x.shape[1]!;
  const asSequences = op.reshape(graph, x, ['tokens', 1, width]);
  const rotated = op.rotary(graph, asSequences, batch.positions, cosine, sine);
  return op.reshape(graph, rotated, ['tokens', width]);
}

/** RMS norm of each head of flat queries or keys, where the model has one: a row a head. */
function headNorm(model: ModelGraph, name: string, x: Tensor): Tensor {
  const { graph, config } = model;
  if (!config.queryKeyNorm) return x;
  const { headSize, normEpsilon } = config;
  const width = x.shape[1] as number;
  const rows = op.reshape(graph, x, [`tokens_by_${width / headSize}_heads`, headSize]);
  const normed = op.rmsNorm(graph, rows, model.parameter(name, [headSize]), normEpsilon).y;
  return op.reshape(graph, normed, ['tokens', width]);
}

/** Attention of one layer before its output projection: [tokens, heads · size]. */
function attentionMix(model: ModelGraph, layer: number, x: Tensor, rotation: Rotation): Tensor {
  const names = headNormNames(layer);
  const queries = headNorm(model, names.query, linear(model, layer, 'self_attn.q_proj', x));
  const keys = headNorm(model, names.key, linear(model, layer, 'self_attn.k_proj', x));
  const values = linear(model, layer, 'self_attn.v_proj', x);
  return attention(
    model.graph,
    model.config,
    model.batch,
    rotate(model, queries, rotation),
    rotate(model, keys, rotation),
    values,
  );
}

/** silu(gate) ∘ up with silu(x) = x σ(x); silu' = σ + silu − silu ∘ σ. */
function gatedProduct(model: ModelGraph, gate: Tensor, up: Tensor): Tensor {
  const { graph } = model;
  let sigma: Tensor;
  let silu: Tensor;
  const forward = () => {
    sigma = op.sigmoid(graph, gate);
    silu = op.multiply(graph, gate, sigma);
    return [op.multiply(graph, silu, up)] as const;
  };
  return withGradient(graph, [gate, up], forward, (_, [g]) => {
    const slope = op.subtract(graph, op.add(graph, sigma, silu), op.multiply(graph, silu, sigma));
    const siluGradient = op.multiply(graph, g!, up);
    return [op.multiply(graph, siluGradient, slope), op.multiply(graph, g!, silu)];
  })[0];
}

function mlpBranch(model: ModelGraph, layer: number, x: Tensor, rowsOfX?: Tensor): Tensor {
  const gate = linear(model, layer, 'mlp.gate_proj', x, rowsOfX);
  const up = linear(model, layer, 'mlp.up_proj', x, rowsOfX);
  return linear(model, layer, 'mlp.down_proj', gatedProduct(model, gate, up), rowsOfX);
}

/** One layer. With `readRows` only these tokens go on after attention, which is the last place where tokens meet. */
function transformerLayer(
  model: ModelGraph,
  layer: number,
  x: Tensor,
  rotation: Rotation,
  readRows?: Tensor,
): Tensor {
  const { graph, dropout } = model;
  const prefix = layerPrefix(layer);
  const read = (all: Tensor): Tensor =>
    readRows === undefined ? all : readDistinctRows(model, all, readRows);
  const normed = norm(model, `${prefix}.input_layernorm.weight`, x);
  const mixed = linear(
    model,
    layer,
    'self_attn.o_proj',
    read(attentionMix(model, layer, normed, rotation)),
    readRows,
  );
  const middle = op.add(graph, read(x), model.applyDropout(mixed, dropout, readRows));
  const fed = mlpBranch(
    model,
    layer,
    norm(model, `${prefix}.post_attention_layernorm.weight`, middle),
    readRows,
  );
  return op.add(graph, middle, model.applyDropout(fed, dropout, readRows));
}

/** Hidden states after the last norm of the tokens that a loss reads, [positions, hiddenSize]. */
export function hiddenStates(model: ModelGraph, readRows: Tensor): Tensor {
  const { graph, config } = model;
  const tables = rotaryTables(config, model.maxLength);
  const rotation = {
    cosine: graph.initializer('rotary_cosine', 'float32', tables.shape, tables.cosine),
    sine: graph.initializer('rotary_sine', 'float32', tables.shape, tables.sine),
  };
  let x = model.applyDropout(embed(model), model.dropout);
  for (let layer = 0; layer < config.layerCount; layer++) {
    const isLast = layer === config.layerCount - 1;
    const build = (from: Tensor) =>
      transformerLayer(model, layer, from, rotation, isLast ? readRows : undefined);
    x = model.checkpointed(x, build);
  }
  return norm(model, FINAL_NORM_NAME, x);
}

/**
 * Rows of x by index, each at most once. The gradient gathers back with `read_places`: for each token the place of its
 * row in `readRows`, or the number of rows read (a row of zeros) where no loss reads it.
 */
function readDistinctRows({ graph }: ModelGraph, x: Tensor, readRows: Tensor): Tensor {
  const places = graph.find('read_places') ?? graph.input('read_places', 'int32', ['tokens']);
  const width = x.shape[1] as number;
  const forward = () => [op.gatherRows(graph, x, readRows)] as const;
  return withGradient(graph, [x], forward, (_, [g]) => {
    const zeros = graph.constant('float32', [1, width], new Array<number>(width).fill(0));
    const [padded] = graph.op(
      'Concat',
      [g!, zeros],
      { axis: 0 },
      {
        outputs: [{ type: 'float32', shape: ['positions_and_one', width] }],
      },
    );
    return [op.gatherRows(graph, padded!, places)];
  })[0];
}
