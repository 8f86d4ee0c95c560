/**
 * How weights reach a decoding graph: written into it (`embedded`: the runtime packs them once, steps are 1.1 to 1.2
 * times faster, but an update means new sessions, 50 to 100 ms) or fed at every run (`fed`: nothing is copied and
 * nothing is made again). So the many small requests of reinforcement learning are fed, evaluations are embedded.
 * Embedded adapters are merged into the weights beforehand; fed ones are products of their own. Weights that are stored packed
 * are frozen and always fed, and unpacked for each product; only steps have a kernel that reads 4-bit codes, for which it
 * needs them in the graph.
 */
import { Tensor as RuntimeTensor } from 'onnxruntime-node';
import { QuerentError } from '../../foundation/errors.ts';
import type { ElementType } from '../graph/element-type.ts';
import { type Graph, MICROSOFT_DOMAIN, type Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import {
  type BaseTensor,
  type BaseWeights,
  type BlockTensor,
  bytesOf,
  codePairs,
  partArray,
  type StoredPart,
  storageOf,
} from '../model/base-tensor.ts';
import { adapterNames, isTarget, type LoraConfig, scaleOf } from '../model/lora.ts';
import type { ModelConfig } from '../model/model-config.ts';
import { partName, type StoredMatrix, storedMatrix, unpack, unpackRows } from '../model/stored-matrix.ts';
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
  readonly weights: BaseWeights;
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
export function chooseMode(
  weights: BaseWeights,
  request: SampleRequest,
  wanted: WeightMode | undefined,
): WeightMode {
  let bytes = 0;
  for (const tensor of weights.values()) {
    if (!('data' in tensor)) return 'fed';
    bytes += bytesOf(tensor);
  }
  if (wanted !== undefined) return wanted;
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

function required<T extends BaseTensor>(map: ReadonlyMap<string, T>, name: string): T {
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

/** Of the matrices that weights are multiplied with: one row, a step's batch, or whole prompts. */
export type RowCount = 'one' | 'few' | 'many';

/**
 * Elements of a weight from which a batch of few rows is computed as (W xᵀ)ᵀ: the runtime lays out the second factor anew at
 * every product, and the batch is the smaller one (1.5 to 2 times as fast at 8 to 32 rows, docs/experiments.md).
 */
const swappedFrom = 2 ** 18;

/** Weights as tensors of one graph; each name is declared once. */
export class GraphWeights {
  readonly #graph: Graph;
  readonly #source: DecodeWeights;
  readonly #known = new Map<string, Tensor>();
  /** What must be fed at every run; empty where weights are embedded. */
  readonly feeds: Record<string, RuntimeTensor> = {};

  readonly #rows: RowCount;

  constructor(graph: Graph, source: DecodeWeights, rows: RowCount) {
    this.#graph = graph;
    this.#source = source;
    this.#rows = rows;
  }

  tensor(name: string, values: BaseTensor = required(this.#source.weights, name)): Tensor {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    if (!('data' in values)) throw new RangeError(`weight ${name} is stored packed`);
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
    const { factor = 1 } = options;
    const { config, adapter } = this.#source;
    const name = `${layerPrefix(layer)}.${module}`;
    const outSize = linearShape(config, module)[0];
    const bias = hasBias(config, module) ? this.tensor(`${name}.bias`) : undefined;
    const y = this.isPacked(`${name}.weight`)
      ? this.#packedLinear(`${name}.weight`, x, bias, options)
      : this.#floatLinear(`${name}.weight`, x, bias, options);
    if (adapter === undefined || !isTarget(adapter.config, module)) return y;
    const names = adapterNames(name);
    const a = this.tensor(names.a, required(adapter.weights, names.a));
    const b = this.tensor(names.b, required(adapter.weights, names.b));
    const scale = factor * scaleOf(adapter.config);
    const low = this.product(x, a, adapter.config.rank);
    return this.product(low, b, outSize, { factor: scale, added: y });
  }

  isPacked(name: string): boolean {
    return !('data' in required(this.#source.weights, name));
  }

  /** A weight as it is stored, or some of its rows. */
  matrix(name: string, rows?: readonly [number, number]): StoredMatrix {
    const tensor = required(this.#source.weights, name);
    const declare = (part: StoredPart, type: ElementType, shape: readonly number[]): Tensor => {
      const input = partName(part);
      const known = this.#known.get(input);
      if (known !== undefined) return known;
      const declared = this.#graph.input(input, type, shape);
      const { type: fed, data, shape: size } = partArray(tensor, part);
      this.feeds[input] = new RuntimeTensor(fed, data, [...size]);
      this.#known.set(input, declared);
      return declared;
    };
    return storedMatrix(declare, name, tensor.shape, storageOf(tensor), rows);
  }

  /** The rows of tokens, from however the embedding is stored. */
  rows(name: string, indices: Tensor): Tensor {
    const graph = this.#graph;
    return this.isPacked(name)
      ? unpackRows(graph, this.matrix(name), indices)
      : op.gatherRows(graph, this.tensor(name), indices);
  }

  /** x Wᵀ for a large packed matrix, unpacked some rows at a time. */
  packedProductByRows(name: string, x: Tensor, rowsAtOnce: number): Tensor {
    const [outSize] = required(this.#source.weights, name).shape as readonly [number, number];
    const parts: Tensor[] = [];
    for (let from = 0; from < outSize; from += rowsAtOnce) {
      const part = this.matrix(name, [from, Math.min(outSize, from + rowsAtOnce)]);
      const weight = unpack(this.#graph, part, parts.at(-1) ?? x);
      parts.push(this.#times(x, weight));
    }
    return parts.length === 1 ? parts[0]! : op.concat(this.#graph, parts, 1);
  }

  #packedLinear(name: string, x: Tensor, bias: Tensor | undefined, options: LinearOptions): Tensor {
    const graph = this.#graph;
    const { factor = 1, residual } = options;
    const tensor = required(this.#source.weights, name);
    // Few rows at a time: 4-bit codes are multiplied as they are, and not unpacked first.
    const isCodes = this.#rows !== 'many' && 'codes' in tensor && tensor.bits === 4;
    let y = isCodes
      ? this.#codesProduct(name, tensor, x)
      : this.#times(x, unpack(graph, this.matrix(name), x));
    if (bias !== undefined) y = op.add(graph, y, bias);
    y = op.scale(graph, y, factor);
    return residual === undefined ? y : op.add(graph, y, residual);
  }

  /** x Wᵀ from 4-bit codes, computed in float32. */
  #codesProduct(name: string, tensor: BlockTensor, x: Tensor): Tensor {
    const graph = this.#graph;
    const [N, K] = tensor.shape as readonly [number, number];
    const { blockSize } = tensor;
    const blocks = K / blockSize;
    const codes = graph.initializer(`${name}/pairs`, 'uint8', [N, blocks, blockSize / 2], codePairs(tensor));
    const scales = graph.initializer(`${name}/scales`, 'float32', [N, blocks], tensor.scales);
    const attributes = { N, K, bits: 4, block_size: blockSize };
    const outputs = [{ type: 'float32', shape: [x.shape[0]!, N] }] as const;
    return graph.op('MatMulNBits', [x, codes, scales], attributes, { outputs, domain: MICROSOFT_DOMAIN })[0]!;
  }

  #floatLinear(name: string, x: Tensor, bias: Tensor | undefined, options: LinearOptions): Tensor {
    const { factor = 1, residual } = options;
    const weight = this.tensor(name);
    const outSize = weight.shape[0] as number;
    // The product adds one tensor for nothing: the bias, else the residual.
    if (bias === undefined) return this.product(x, weight, outSize, { factor, added: residual });
    const y = this.product(x, weight, outSize, { factor, added: bias, addedFactor: factor });
    return residual === undefined ? y : op.add(this.#graph, y, residual);
  }

  #isSwapped({ shape }: Tensor): boolean {
    const isFed = this.#source.mode === 'fed';
    return isFed && this.#rows === 'few' && elementCount(shape as readonly number[]) >= swappedFrom;
  }

  /** x Wᵀ for W [out, in]. */
  #times(x: Tensor, weight: Tensor): Tensor {
    const graph = this.#graph;
    if (!this.#isSwapped(weight)) return op.matMul(graph, x, weight, { transposeB: true });
    const [rows] = x.shape;
    const [outSize] = weight.shape;
    const outputs = [{ type: 'float32', shape: [outSize!, rows!] }] as const;
    const transposed = graph.op('Gemm', [weight, x], { transB: 1 }, { outputs })[0]!;
    return op.transpose(graph, transposed, [1, 0]);
  }

  /** factor · x Wᵀ + addedFactor · added, with W [out, in] and `added` [out] or [N, out]. */
  product(x: Tensor, weight: Tensor, outSize: number, options: ProductOptions = {}): Tensor {
    const { factor = 1, added, addedFactor = 1 } = options;
    if (this.#isSwapped(weight)) {
      const y = op.scale(this.#graph, this.#times(x, weight), factor);
      return added === undefined ? y : op.add(this.#graph, y, op.scale(this.#graph, added, addedFactor));
    }
    const attributes = { transB: 1, alpha: { float: factor }, beta: { float: addedFactor } };
    const inputs = added === undefined ? [x, weight] : [x, weight, added];
    const outputs = [{ type: 'float32', shape: [x.shape[0]!, outSize] }] as const;
    return this.#graph.op('Gemm', inputs, attributes, { outputs })[0]!;
  }
}
