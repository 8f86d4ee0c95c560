/**
 * How weights reach a decoding graph: written into it (`embedded`: the runtime packs them once, steps are 1.1 to 1.2
 * times faster, but an update means new sessions, 50 to 100 ms) or fed at every run (`fed`: nothing is copied and
 * nothing is made again). So the many small requests of reinforcement learning are fed, evaluations are embedded.
 * Embedded adapters are merged into the weights beforehand; fed ones are products of their own.
 */
import { Tensor as RuntimeTensor } from 'onnxruntime-node';
import { QuerentError } from '../../foundation/errors.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import { adapterNames, isTarget, type LoraConfig, scaleOf } from '../model/lora.ts';
import type { ModelConfig } from '../model/model-config.ts';
import {
  elementCount,
  hasBias,
  type LinearModule,
  layerPrefix,
  linearModules,
  linearShape,
  type WeightTensor,
} from '../model/weights.ts';
import type { SampleRequest } from '../policy.ts';

export interface Adapter {
  readonly config: LoraConfig;
  readonly weights: ReadonlyMap<string, WeightTensor>;
}

export type WeightMode = 'embedded' | 'fed';

export interface DecodeWeights {
  readonly mode: WeightMode;
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, WeightTensor>;
  readonly adapter: Adapter | undefined;
}

/** Above this many bytes of weights a second, packed copy costs more memory than the speed is worth. */
const embeddedBytesMax = 100e6;

/** Below this many requested tokens a request is over before a new session has paid for itself (measured at 1–4M parameters). */
const embeddedTokensMin = 8192;

/**
 * Depends on model and request alone, and not on what was sampled before: the two ways round differently, and a resumed
 * run must draw what the uninterrupted one would have drawn.
 */
export function chooseMode(weights: ReadonlyMap<string, WeightTensor>, request: SampleRequest): WeightMode {
  let bytes = 0;
  for (const { data } of weights.values()) bytes += data.byteLength;
  const tokens = request.prompts.length * request.samplesPerPrompt * request.maxNewTokens;
  return bytes <= embeddedBytesMax && tokens >= embeddedTokensMin ? 'embedded' : 'fed';
}

/** W + scale · B A, as a new array. */
function merged(weight: WeightTensor, a: WeightTensor, b: WeightTensor, scale: number): Float32Array {
  const [outSize, inSize] = weight.shape as [number, number];
  const rank = a.shape[0]!;
  const result = Float32Array.from(weight.data);
  for (let o = 0; o < outSize; o++) {
    for (let r = 0; r < rank; r++) {
      const factor = scale * b.data[o * rank + r]!;
      if (factor === 0) continue;
      for (let i = 0; i < inSize; i++) result[o * inSize + i]! += factor * a.data[r * inSize + i]!;
    }
  }
  return result;
}

function required(map: ReadonlyMap<string, WeightTensor>, name: string): WeightTensor {
  const found = map.get(name);
  if (found !== undefined) return found;
  throw new QuerentError('engine/missing-weight', `the decoder was given no weight "${name}"`, {
    next: 'Check that config.json and the weights belong together.',
  });
}

/** The weights with the adapter merged in; those that no adapter touches are the same arrays. */
export function mergeAdapter(
  config: ModelConfig,
  weights: ReadonlyMap<string, WeightTensor>,
  adapter: Adapter,
): Map<string, WeightTensor> {
  const result = new Map(weights);
  const scale = scaleOf(adapter.config);
  for (let layer = 0; layer < config.layerCount; layer++) {
    for (const module of linearModules) {
      if (!isTarget(adapter.config, module)) continue;
      const name = `${layerPrefix(layer)}.${module}`;
      const weight = required(weights, `${name}.weight`);
      const { a, b } = adapterNames(name);
      const data = merged(weight, required(adapter.weights, a), required(adapter.weights, b), scale);
      result.set(`${name}.weight`, { shape: weight.shape, data });
    }
  }
  return result;
}

export interface LinearOptions {
  readonly factor?: number;
  readonly residual?: Tensor;
}

interface ProductOptions {
  readonly factor?: number;
  readonly added?: Tensor | undefined;
  readonly addedFactor?: number;
}

/** Weights as tensors of one graph; each name is declared once. */
export class GraphWeights {
  readonly #graph: Graph;
  readonly #source: DecodeWeights;
  readonly #known = new Map<string, Tensor>();
  /** What must be fed at every run; empty where weights are embedded. */
  readonly feeds: Record<string, RuntimeTensor> = {};

  constructor(graph: Graph, source: DecodeWeights) {
    this.#graph = graph;
    this.#source = source;
  }

  tensor(name: string, values = required(this.#source.weights, name)): Tensor {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const { shape, data } = values;
    if (elementCount(shape) !== data.length) throw new RangeError(`weight ${name} does not have its shape`);
    let tensor: Tensor;
    if (this.#source.mode === 'embedded') tensor = this.#graph.initializer(name, 'float32', shape, data);
    else {
      tensor = this.#graph.input(name, 'float32', shape);
      this.feeds[name] = new RuntimeTensor('float32', data, [...shape]);
    }
    this.#known.set(name, tensor);
    return tensor;
  }

  /** residual + factor · (x Wᵀ + bias [+ adapter]); x [N, in] -> [N, out]. */
  linear(layer: number, module: LinearModule, x: Tensor, options: LinearOptions = {}): Tensor {
    const { factor = 1, residual } = options;
    const { config, adapter } = this.#source;
    const name = `${layerPrefix(layer)}.${module}`;
    const outSize = linearShape(config, module)[0];
    const weight = this.tensor(`${name}.weight`);
    const bias = hasBias(config, module) ? this.tensor(`${name}.bias`) : undefined;
    // The product adds one tensor for nothing: the bias, else the residual.
    let y =
      bias === undefined
        ? this.product(x, weight, outSize, { factor, added: residual })
        : this.product(x, weight, outSize, { factor, added: bias, addedFactor: factor });
    if (bias !== undefined && residual !== undefined) y = op.add(this.#graph, y, residual);
    if (adapter === undefined || !isTarget(adapter.config, module)) return y;
    const names = adapterNames(name);
    const a = this.tensor(names.a, required(adapter.weights, names.a));
    const b = this.tensor(names.b, required(adapter.weights, names.b));
    const scale = factor * scaleOf(adapter.config);
    const low = this.product(x, a, adapter.config.rank);
    return this.product(low, b, outSize, { factor: scale, added: y });
  }

  /** factor · x Wᵀ + addedFactor · added, with W [out, in] and `added` [out] or [N, out]. */
  product(x: Tensor, weight: Tensor, outSize: number, options: ProductOptions = {}): Tensor {
    const { factor = 1, added, addedFactor = 1 } = options;
    const attributes = { transB: 1, alpha: { float: factor }, beta: { float: addedFactor } };
    const inputs = added === undefined ? [x, weight] : [x, weight, added];
    const outputs = [{ type: 'float32', shape: [x.shape[0]!, outSize] }] as const;
    return this.#graph.op('Gemm', inputs, attributes, { outputs })[0]!;
  }
}
