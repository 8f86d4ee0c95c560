/**
 * The decoder as one ONNX graph for other runtimes: inputs and outputs are those of Hugging Face's Optimum and
 * transformers.js, operators are those of the standard alone, so that it needs nothing of ours and no contrib operator.
 * Weights are declared, not held. Prompt and single steps are the same graph; the past may be empty.
 *
 * Axes: B sequences, S new positions, P past ones, T = P + S, K key/value heads, G query heads of each, D head size.
 */
import { Graph, type Shape, type Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import { longestSequence, type ModelConfig, queryWidth } from '../model/model-config.ts';
import { rotaryTables } from '../model/rotary-tables.ts';
import {
  EMBEDDING_NAME,
  FINAL_NORM_NAME,
  hasBias,
  headNormNames,
  type LinearModule,
  layerPrefix,
  linearShape,
  outputWeightName,
  weightShapes,
} from '../model/weights.ts';

/** A score that the softmax turns into 0. */
const emptyScore = -1e30;

interface Builder {
  readonly graph: Graph;
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, Tensor>;
  /** [B, 1, S, D / 2]. */
  readonly cosine: Tensor;
  readonly sine: Tensor;
  /** [B, 1, 1, S, T]. */
  readonly mask: Tensor;
}

function emit(graph: Graph, type: string, inputs: readonly Tensor[], shape: Shape, attributes = {}): Tensor {
  return graph.op(type, inputs, attributes, { outputs: [{ type: 'float32', shape }] })[0]!;
}

const integers = (graph: Graph, type: string, inputs: readonly Tensor[], shape: Shape, attributes = {}) =>
  graph.op(type, inputs, attributes, { outputs: [{ type: 'int64', shape }] })[0]!;

const reshape = (graph: Graph, x: Tensor, target: readonly number[], shape: Shape): Tensor =>
  emit(graph, 'Reshape', [x, graph.integers(target)], shape);

/** x / sqrt(mean(x²) + epsilon) · weight (arXiv 1910.07467). */
function norm({ graph, config, weights }: Builder, x: Tensor, name: string): Tensor {
  const square = op.reduceMean(graph, op.multiply(graph, x, x), [-1], true);
  const root = op.sqrt(graph, op.add(graph, square, graph.scalar(config.normEpsilon)));
  return op.multiply(graph, op.divide(graph, x, root), weights.get(name)!);
}

/** x Wᵀ + bias; x [B, S, in]. */
function product(
  builder: Builder,
  x: Tensor,
  name: string,
  sizes: readonly [number, number],
  bias?: string,
): Tensor {
  const { graph, weights } = builder;
  const [outSize, inSize] = sizes;
  const rows = reshape(graph, x, [-1, inSize], ['BS', inSize]);
  const inputs = [rows, weights.get(name)!, ...(bias === undefined ? [] : [weights.get(bias)!])];
  const y = emit(graph, 'Gemm', inputs, ['BS', outSize], { transB: 1 });
  const batch = graph.op(
    'Shape',
    [x],
    { start: 0, end: 2 },
    { outputs: [{ type: 'int64', shape: [2] }] },
  )[0]!;
  const target = integers(graph, 'Concat', [batch, graph.integers([outSize])], [3], { axis: 0 });
  return emit(graph, 'Reshape', [y, target], ['B', 'S', outSize]);
}

function linear(builder: Builder, layer: number, module: LinearModule, x: Tensor): Tensor {
  const name = `${layerPrefix(layer)}.${module}`;
  const bias = hasBias(builder.config, module) ? `${name}.bias` : undefined;
  return product(builder, x, `${name}.weight`, linearShape(builder.config, module), bias);
}

/** [B, S, heads · D] -> [B, heads, S, D]. */
function toHeads(
  { graph, config }: Builder,
  x: Tensor,
  heads: number,
  normed: (x: Tensor) => Tensor,
): Tensor {
  const { headSize } = config;
  const split = normed(reshape(graph, x, [0, 0, heads, headSize], ['B', 'S', heads, headSize]));
  return op.transpose(graph, split, [0, 2, 1, 3]);
}

/** The halves (a, b) of a head become (a cos − b sin, b cos + a sin). */
function rotate({ graph, config, cosine, sine }: Builder, x: Tensor): Tensor {
  const half = config.headSize / 2;
  const a = op.slice(graph, x, 3, 0, half);
  const b = op.slice(graph, x, 3, half, config.headSize);
  const times = (left: Tensor, right: Tensor) => emit(graph, 'Mul', [left, right], left.shape);
  const first = op.subtract(graph, times(a, cosine), times(b, sine));
  const second = op.add(graph, times(b, cosine), times(a, sine));
  return op.concat(graph, [first, second], 3);
}

function attention(builder: Builder, layer: number, x: Tensor): Tensor {
  const { graph, config } = builder;
  const { headCount, keyValueHeadCount: K, headSize: D } = config;
  const G = headCount / K;
  const names = headNormNames(layer);
  const headNorm = (name: string) => (heads: Tensor) =>
    config.queryKeyNorm ? norm(builder, heads, name) : heads;
  const same = (heads: Tensor) => heads;
  const head = (module: LinearModule, heads: number, normed: (x: Tensor) => Tensor) =>
    toHeads(builder, linear(builder, layer, module, x), heads, normed);
  const query = rotate(builder, head('self_attn.q_proj', headCount, headNorm(names.query)));
  const key = rotate(builder, head('self_attn.k_proj', K, headNorm(names.key)));
  const value = head('self_attn.v_proj', K, same);

  const whole = (kind: 'key' | 'value', fresh: Tensor): Tensor => {
    const past = graph.input(`past_key_values.${layer}.${kind}`, 'float32', [
      'batch_size',
      K,
      'past_sequence_length',
      D,
    ]);
    const all = emit(graph, 'Concat', [past, fresh], ['batch_size', K, 'total_sequence_length', D], {
      axis: 2,
    });
    graph.output(`present.${layer}.${kind}`, all);
    return reshape(graph, all, [0, 0, 1, -1, D], ['B', K, 1, 'T', D]);
  };
  const keys = op.transpose(graph, whole('key', key), [0, 1, 2, 4, 3]);
  const values = whole('value', value);
  const scaled = op.scale(graph, query, 1 / Math.sqrt(D));
  const grouped = reshape(graph, scaled, [0, K, G, -1, D], ['B', K, G, 'S', D]);
  const scores = emit(graph, 'MatMul', [grouped, keys], ['B', K, G, 'S', 'T']);
  const masked = emit(graph, 'Add', [scores, builder.mask], ['B', K, G, 'S', 'T']);
  const mixed = emit(graph, 'MatMul', [op.softmax(graph, masked), values], ['B', K, G, 'S', D]);
  const rows = op.transpose(graph, mixed, [0, 3, 1, 2, 4]);
  const width = queryWidth(config);
  return linear(builder, layer, 'self_attn.o_proj', reshape(graph, rows, [0, 0, width], ['B', 'S', width]));
}

function feedForward(builder: Builder, layer: number, x: Tensor): Tensor {
  const { graph } = builder;
  const gate = linear(builder, layer, 'mlp.gate_proj', x);
  const silu = op.multiply(graph, gate, op.sigmoid(graph, gate));
  const product = op.multiply(graph, silu, linear(builder, layer, 'mlp.up_proj', x));
  return linear(builder, layer, 'mlp.down_proj', product);
}

/** 0 where query s may read position t: t ≤ P + s, and the caller's mask has a 1 there. */
function attentionMask(graph: Graph, tokens: Tensor, attended: Tensor): Tensor {
  const length = (x: Tensor) =>
    integers(graph, 'Squeeze', [integers(graph, 'Shape', [x], [1], { start: 1, end: 2 })], []);
  const zero = graph.constant('int64', [], [0]);
  const one = graph.constant('int64', [], [1]);
  const total = length(attended);
  const past = integers(graph, 'Sub', [total, length(tokens)], []);
  const columns = integers(graph, 'Range', [zero, total, one], ['T']);
  const rows = integers(graph, 'Range', [past, total, one], ['S']);
  const column = integers(graph, 'Unsqueeze', [rows, graph.integers([1])], ['S', 1]);
  const bools = (type: string, inputs: readonly Tensor[], shape: Shape): Tensor =>
    graph.op(type, inputs, {}, { outputs: [{ type: 'bool', shape }] })[0]!;
  const causal = bools('LessOrEqual', [columns, column], ['S', 'T']);
  const wide = integers(graph, 'Unsqueeze', [attended, graph.integers([1, 2, 3])], ['B', 1, 1, 1, 'T']);
  const present = bools('Greater', [wide, zero], ['B', 1, 1, 1, 'T']);
  const readable = bools('And', [causal, present], ['B', 1, 1, 'S', 'T']);
  return emit(graph, 'Where', [readable, graph.scalar(0), graph.scalar(emptyScore)], ['B', 1, 1, 'S', 'T']);
}

export interface OnnxDecoder {
  readonly graph: Graph;
  /** Declared as inputs of the graph: whoever writes the file makes them initializers. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

export function onnxDecoder(config: ModelConfig): OnnxDecoder {
  const graph = new Graph('decoder');
  const tokens = graph.input('input_ids', 'int64', ['batch_size', 'sequence_length']);
  const attended = graph.input('attention_mask', 'int64', ['batch_size', 'total_sequence_length']);
  const positions = graph.input('position_ids', 'int64', ['batch_size', 'sequence_length']);
  const weights = new Map(
    [...weightShapes(config)].map(([name, shape]) => [name, graph.input(name, 'float32', shape)]),
  );
  const tables = rotaryTables(config, longestSequence(config));
  const half = config.headSize / 2;
  const rotation = (name: 'cosine' | 'sine'): Tensor => {
    const table = graph.initializer(`rotary_${name}`, 'float32', tables.shape, tables[name]);
    const rows = emit(graph, 'Gather', [table, positions], ['B', 'S', half], { axis: 0 });
    return emit(graph, 'Unsqueeze', [rows, graph.integers([1])], ['B', 1, 'S', half]);
  };
  const builder: Builder = {
    graph,
    config,
    weights,
    cosine: rotation('cosine'),
    sine: rotation('sine'),
    mask: attentionMask(graph, tokens, attended),
  };
  const width = config.hiddenSize;
  let hidden = emit(graph, 'Gather', [weights.get(EMBEDDING_NAME)!, tokens], ['B', 'S', width], { axis: 0 });
  for (let layer = 0; layer < config.layerCount; layer++) {
    const prefix = layerPrefix(layer);
    const mixed = attention(builder, layer, norm(builder, hidden, `${prefix}.input_layernorm.weight`));
    hidden = op.add(graph, hidden, mixed);
    const normed = norm(builder, hidden, `${prefix}.post_attention_layernorm.weight`);
    hidden = op.add(graph, hidden, feedForward(builder, layer, normed));
  }
  const sizes = [config.vocabSize, width] as const;
  const logits = product(builder, norm(builder, hidden, FINAL_NORM_NAME), outputWeightName(config), sizes);
  // A shown output has its public name and the caller's names of the axes.
  graph.output(
    'logits',
    emit(graph, 'Identity', [logits], ['batch_size', 'sequence_length', config.vocabSize]),
  );
  return { graph, weights };
}
