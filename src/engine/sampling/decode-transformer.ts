/**
 * What the graphs of generation have in common: norms, feed-forward, the stack of layers, the output head. Attention is
 * given by the caller: `prefill-graph.ts` reads whole prompts, `step-graph.ts` one token a lane.
 */
import { Graph, MICROSOFT_DOMAIN, type Shape, type Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import type { ModelConfig } from '../model/model-config.ts';
import { rotaryTables } from '../model/rotary-tables.ts';
import { EMBEDDING_NAME, FINAL_NORM_NAME, layerPrefix, outputWeightName } from '../model/weights.ts';
import { type DecodeWeights, GraphWeights } from './decode-weights.ts';

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

export function createBuilder(name: string, source: DecodeWeights): Builder {
  const graph = new Graph(name);
  const tables = rotaryTables(source.config, source.config.maxPositions);
  return {
    graph,
    config: source.config,
    weights: new GraphWeights(graph, source),
    cosine: graph.initializer('rotary_cosine', 'float32', tables.shape, tables.cosine),
    sine: graph.initializer('rotary_sine', 'float32', tables.shape, tables.sine),
  };
}

/** A residual stream: `pending` is the last block's output, added when the next norm reads it. */
interface Stream {
  readonly hidden: Tensor;
  readonly pending: Tensor | undefined;
}

/** Adds what is pending and normalises, in one operator. */
function norm(builder: Builder, stream: Stream, name: string): { normed: Tensor; hidden: Tensor } {
  const { graph, config, weights } = builder;
  const gamma = weights.tensor(name);
  const { hidden, pending } = stream;
  if (pending === undefined)
    return { normed: op.rmsNorm(graph, hidden, gamma, config.normEpsilon).y, hidden };
  const float = (shape: Shape) => ({ type: 'float32', shape }) as const;
  const attributes = { epsilon: { float: config.normEpsilon } };
  const outputs = [
    float(hidden.shape),
    float([`mean_${name}`]),
    float([`root_${name}`]),
    float(hidden.shape),
  ];
  const [normed, , , sum] = graph.op(
    'SkipSimplifiedLayerNormalization',
    [hidden, pending, gamma],
    attributes,
    {
      domain: MICROSOFT_DOMAIN,
      outputs,
    },
  );
  return { normed: normed!, hidden: sum! };
}

/** down(silu(gate(x)) ∘ up(x)) */
function feedForward(builder: Builder, layer: number, x: Tensor): Tensor {
  const { graph, weights } = builder;
  const gate = weights.linear(layer, 'mlp.gate_proj', x);
  const up = weights.linear(layer, 'mlp.up_proj', x);
  const activated = op.multiply(graph, op.multiply(graph, gate, op.sigmoid(graph, gate)), up);
  return weights.linear(layer, 'mlp.down_proj', activated);
}

export type Attention = (layer: number, x: Tensor) => Tensor;

export function transformer(builder: Builder, tokens: Tensor, attention: Attention): Tensor {
  const { graph, config, weights } = builder;
  let stream: Stream = {
    hidden: op.gatherRows(graph, weights.tensor(EMBEDDING_NAME), tokens),
    pending: undefined,
  };
  for (let layer = 0; layer < config.layerCount; layer++) {
    const prefix = layerPrefix(layer);
    const before = norm(builder, stream, `${prefix}.input_layernorm.weight`);
    stream = { hidden: before.hidden, pending: attention(layer, before.normed) };
    const between = norm(builder, stream, `${prefix}.post_attention_layernorm.weight`);
    stream = { hidden: between.hidden, pending: feedForward(builder, layer, between.normed) };
  }
  return norm(builder, stream, FINAL_NORM_NAME).normed;
}

/** `probabilities` is softmax(logits · inverse_temperature); `logits`, last of the outputs, is what goes into it. */
export function addHead(builder: Builder, normed: Tensor): void {
  const { graph, config, weights } = builder;
  const scaled = op.multiply(graph, normed, graph.input('inverse_temperature', 'float32', []));
  const logits = weights.product(scaled, weights.tensor(outputWeightName(config)), config.vocabSize);
  graph.output('probabilities', op.softmax(graph, logits));
  graph.output('logits', logits);
}

/** ONNX's Reshape with its target given: 0 keeps a size, -1 is what is left. */
export function reshapeTo(graph: Graph, x: Tensor, target: Tensor | readonly number[], shape: Shape): Tensor {
  const tensor = 'name' in target ? target : graph.integers(target);
  return graph.op('Reshape', [x, tensor], {}, { outputs: [{ type: 'float32', shape }] })[0]!;
}
