/**
 * What the graphs of generation have in common: norms, feed-forward, the stack of layers, the output head. Attention is
 * given by the caller: `prefill-graph.ts` reads whole prompts, `step-graph.ts` one token a lane.
 */
import { Graph, type Shape, type Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import { longestSequence, type ModelConfig } from '../model/model-config.ts';
import { rotaryTables } from '../model/rotary-tables.ts';
import { EMBEDDING_NAME, FINAL_NORM_NAME, layerPrefix, outputWeightName } from '../model/weights.ts';
import { type DecodeWeights, GraphWeights, type RowCount } from './decode-weights.ts';

export interface DecodeGraph {
  readonly graph: Graph;
  readonly weightFeeds: GraphWeights['feeds'];
}

export interface Builder {
  readonly graph: Graph;
  readonly config: ModelConfig;
  readonly weights: GraphWeights;
  readonly cosine: Tensor;
  readonly sine: Tensor;
}

export function createBuilder(name: 'prefill' | 'step', source: DecodeWeights, rows: RowCount): Builder {
  const graph = new Graph(name);
  const tables = rotaryTables(source.config, longestSequence(source.config));
  return {
    graph,
    config: source.config,
    weights: new GraphWeights(graph, source, rows),
    cosine: graph.initializer('rotary_cosine', 'float32', tables.shape, tables.cosine),
    sine: graph.initializer('rotary_sine', 'float32', tables.shape, tables.sine),
  };
}

/** hidden + down(silu(gate(x)) ∘ up(x)) */
function feedForward(builder: Builder, layer: number, x: Tensor, hidden: Tensor): Tensor {
  const { graph, weights } = builder;
  const gate = weights.linear(layer, 'mlp.gate_proj', x);
  const up = weights.linear(layer, 'mlp.up_proj', x);
  const activated = op.multiply(graph, op.multiply(graph, gate, op.sigmoid(graph, gate)), up);
  return weights.linear(layer, 'mlp.down_proj', activated, { residual: hidden });
}

/** hidden + what attention adds to it, given `x`, the normalised hidden states. */
export type Attention = (layer: number, x: Tensor, hidden: Tensor) => Tensor;

export function transformer(builder: Builder, tokens: Tensor, attention: Attention): Tensor {
  const { graph, config, weights } = builder;
  const norm = (x: Tensor, name: string) => op.rmsNorm(graph, x, weights.tensor(name), config.normEpsilon).y;
  let hidden = weights.rows(EMBEDDING_NAME, tokens);
  for (let layer = 0; layer < config.layerCount; layer++) {
    const prefix = layerPrefix(layer);
    hidden = attention(layer, norm(hidden, `${prefix}.input_layernorm.weight`), hidden);
    hidden = feedForward(builder, layer, norm(hidden, `${prefix}.post_attention_layernorm.weight`), hidden);
  }
  return norm(hidden, FINAL_NORM_NAME);
}

/** Rows of a packed output matrix that are unpacked at once. */
const HEAD_ROWS = 8192;

/** `probabilities` is softmax(logits · inverse_temperature); `logits`, last of the outputs, is what goes into it. */
export function addHead(builder: Builder, normed: Tensor): void {
  const { graph, config, weights } = builder;
  const scaled = op.multiply(graph, normed, graph.input('inverse_temperature', 'float32', []));
  const name = outputWeightName(config);
  const logits = weights.isPacked(name)
    ? weights.packedProductByRows(name, scaled, HEAD_ROWS)
    : weights.product(scaled, weights.tensor(name), config.vocabSize);
  graph.output('probabilities', op.softmax(graph, logits));
  graph.output('logits', logits);
}

/** ONNX's Reshape with its target given: 0 keeps a size, -1 is what is left. */
export function reshapeTo(graph: Graph, x: Tensor, target: Tensor | readonly number[], shape: Shape): Tensor {
  const tensor = 'name' in target ? target : graph.integers(target);
  return graph.op('Reshape', [x, tensor], {}, { outputs: [{ type: 'float32', shape }] })[0]!;
}
