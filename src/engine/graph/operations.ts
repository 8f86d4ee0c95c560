/**
 * The operators we use, with the shapes of their outputs. It knows shapes and ONNX attributes; gradients are in
 * `gradient-rules.ts`. Every function adds nodes to the graph that is its first argument.
 */
import { type ElementType, onnxTypeCodes } from './element-type.ts';
import { type Attributes, type Graph, MICROSOFT_DOMAIN, type Shape, type Tensor } from './graph.ts';
import {
  broadcastShapes,
  describeShape,
  fixedCount,
  fixedSize,
  positiveAxis,
  sameShape,
  shapeError,
  shapeTensor,
} from './shapes.ts';

function emit(
  graph: Graph,
  type: string,
  inputs: readonly (Tensor | undefined)[],
  shape: Shape,
  attributes: Attributes = {},
  elementType: ElementType = 'float32',
  domain = '',
): Tensor {
  return graph.op(type, inputs, attributes, { outputs: [{ type: elementType, shape }], domain })[0]!;
}

// --- elementwise -----------------------------------------------------------------------------------------------

type Unary = (graph: Graph, x: Tensor) => Tensor;
const unary =
  (type: string): Unary =>
  (graph, x) =>
    emit(graph, type, [x], x.shape);

export const negate = unary('Neg');
export const exp = unary('Exp');
export const log = unary('Log');
export const sigmoid = unary('Sigmoid');
export const sqrt = unary('Sqrt');
export const reciprocal = unary('Reciprocal');
export const identity: Unary = (graph, x) => emit(graph, 'Identity', [x], x.shape, {}, x.type);

type Binary = (graph: Graph, a: Tensor, b: Tensor) => Tensor;
const binary =
  (type: string): Binary =>
  (graph, a, b) =>
    emit(graph, type, [a, b], broadcastShapes(a.shape, b.shape), {}, a.type);

export const add = binary('Add');
export const subtract = binary('Sub');
export const multiply = binary('Mul');
export const divide = binary('Div');
export const minimum = binary('Min');
export const maximum = binary('Max');

const comparison =
  (type: string): Binary =>
  (graph, a, b) =>
    emit(graph, type, [a, b], broadcastShapes(a.shape, b.shape), {}, 'bool');

export const less = comparison('Less');
export const greater = comparison('Greater');
export const equal = comparison('Equal');
export const and = comparison('And');

export function scale(graph: Graph, x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : multiply(graph, x, graph.scalar(factor));
}

/** Bounds are scalars of the graph. */
export function clip(graph: Graph, x: Tensor, low: Tensor, high: Tensor): Tensor {
  return emit(graph, 'Clip', [x, low, high], x.shape);
}

export function where(graph: Graph, condition: Tensor, a: Tensor, b: Tensor): Tensor {
  const shape = broadcastShapes(condition.shape, broadcastShapes(a.shape, b.shape));
  return emit(graph, 'Where', [condition, a, b], shape, {}, a.type);
}

/** Words of 16 bits seen as bfloat16, of which JavaScript has no tensors. */
export function asBfloat16(graph: Graph, x: Tensor): Tensor {
  return emit(graph, 'BitCast', [x], x.shape, { to: onnxTypeCodes.bfloat16 }, 'bfloat16');
}

/** Halves and whole numbers become the same numbers; false and true 0 and 1. */
export function toFloat(graph: Graph, x: Tensor): Tensor {
  return emit(graph, 'Cast', [x], x.shape, { to: 1 });
}

// --- reductions ------------------------------------------------------------------------------------------------

function reduce(type: string) {
  return (graph: Graph, x: Tensor, axes: readonly number[], keepDims = false): Tensor => {
    const reduced = axes.map((axis) => positiveAxis(axis, x.shape.length));
    const shape = x.shape.flatMap((size, axis) => (!reduced.includes(axis) ? [size] : keepDims ? [1] : []));
    if (reduced.length === 0) return x;
    return emit(graph, type, [x, graph.integers(reduced)], shape, { keepdims: keepDims ? 1 : 0 });
  };
}

export const reduceSum = reduce('ReduceSum');
export const reduceMean = reduce('ReduceMean');
export const reduceMax = reduce('ReduceMax');

/** Sum of every element: a scalar. */
export function sumAll(graph: Graph, x: Tensor): Tensor {
  return reduceSum(
    graph,
    x,
    x.shape.map((_, axis) => axis),
  );
}

export function softmax(graph: Graph, x: Tensor): Tensor {
  return emit(graph, 'Softmax', [x], x.shape, { axis: -1 });
}

export function logSoftmax(graph: Graph, x: Tensor): Tensor {
  return emit(graph, 'LogSoftmax', [x], x.shape, { axis: -1 });
}

// --- linear algebra --------------------------------------------------------------------------------------------

export interface MatMulOptions {
  /** Read the last two axes of the operand swapped. */
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** The product is multiplied by this. */
  readonly alpha?: number;
}

/** Matrix product over the last two axes; leading axes broadcast. */
export function matMul(graph: Graph, a: Tensor, b: Tensor, options: MatMulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  const [rowsA, columnsA] = transposeA ? [-1, -2] : [-2, -1];
  const [rowsB, columnsB] = transposeB ? [-1, -2] : [-2, -1];
  if (a.shape.length < 2 || b.shape.length < 2 || a.shape.at(columnsA) !== b.shape.at(rowsB)) {
    throw shapeError(
      `cannot multiply ${describeShape(a.shape)}${transposeA ? 'ᵀ' : ''} by ${describeShape(b.shape)}${transposeB ? 'ᵀ' : ''}`,
    );
  }
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...batch, a.shape.at(rowsA)!, b.shape.at(columnsB)!];
  if (!transposeA && !transposeB && alpha === 1) return emit(graph, 'MatMul', [a, b], shape);
  const attributes = {
    transA: transposeA ? 1 : 0,
    transB: transposeB ? 1 : 0,
    alpha: { float: alpha },
  };
  return emit(graph, 'FusedMatMul', [a, b], shape, attributes, 'float32', MICROSOFT_DOMAIN);
}

// --- moving data -----------------------------------------------------------------------------------------------

export function reshape(graph: Graph, x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const before = fixedCount(x.shape);
  const after = fixedCount(shape);
  if (before !== undefined && after !== undefined && before !== after) {
    throw shapeError(`cannot reshape ${describeShape(x.shape)} to ${describeShape(shape)}`);
  }
  return emit(graph, 'Reshape', [x, shapeTensor(graph, shape)], shape, {}, x.type);
}

/** All axes but the last as one: [..., D] -> [N, D]. */
export function flattenRows(graph: Graph, x: Tensor): Tensor {
  if (x.shape.length === 2) return x;
  const rows = x.shape.slice(0, -1);
  return reshape(graph, x, [fixedCount(rows) ?? rows.join('_by_'), x.shape.at(-1)!]);
}

export function expand(graph: Graph, x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  return emit(graph, 'Expand', [x, shapeTensor(graph, shape, false)], shape, {}, x.type);
}

export function transpose(graph: Graph, x: Tensor, permutation: readonly number[]): Tensor {
  const shape = permutation.map((axis) => x.shape[axis]!);
  return emit(graph, 'Transpose', [x], shape, { perm: permutation }, x.type);
}

/** Elements `start` to `end` (not included) of one axis. */
export function slice(graph: Graph, x: Tensor, axis: number, start: number, end: number): Tensor {
  const at = positiveAxis(axis, x.shape.length);
  if (start < 0 || start > end || end > fixedSize(x, at)) {
    throw shapeError(`slice ${start}..${end} is outside of axis ${axis} of ${describeShape(x.shape)}`);
  }
  const shape = x.shape.map((size, index) => (index === at ? end - start : size));
  const inputs = [x, graph.integers([start]), graph.integers([end]), graph.integers([at])];
  return emit(graph, 'Slice', inputs, shape, {}, x.type);
}

export function concat(graph: Graph, parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0]!;
  const at = positiveAxis(axis, first.shape.length);
  const total = parts.reduce((sum, part) => sum + fixedSize(part, at), 0);
  const shape = first.shape.map((size, index) => (index === at ? total : size));
  return emit(graph, 'Concat', parts, shape, { axis: at }, first.type);
}

export function split(graph: Graph, x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  const at = positiveAxis(axis, x.shape.length);
  if (sizes.reduce((sum, size) => sum + size, 0) !== fixedSize(x, at)) {
    throw shapeError(
      `parts [${sizes.join(', ')}] do not add up to axis ${axis} of ${describeShape(x.shape)}`,
    );
  }
  const outputs = sizes.map((part) => ({
    type: x.type,
    shape: x.shape.map((size, index) => (index === at ? part : size)),
  }));
  return graph.op('Split', [x, graph.integers(sizes)], { axis: at }, { outputs });
}

/** Rows of `table` (its first axis) by index; `indices` may have any shape. */
export function gatherRows(graph: Graph, table: Tensor, indices: Tensor): Tensor {
  const shape = [...indices.shape, ...table.shape.slice(1)];
  return emit(graph, 'Gather', [table, indices], shape, { axis: 0 }, table.type);
}

/** One element a row: `x` [N, V], `indices` [N, 1] -> [N, 1]. */
export function gatherElements(graph: Graph, x: Tensor, indices: Tensor): Tensor {
  return emit(graph, 'GatherElements', [x, indices], indices.shape, { axis: 1 }, x.type);
}

// --- transformer pieces ----------------------------------------------------------------------------------------

/** x / sqrt(mean(x²) + epsilon) · weight over the last axis (arXiv 1910.07467); also the inverse root [..., 1]. */
export function rmsNorm(graph: Graph, x: Tensor, weight: Tensor, epsilon: number) {
  const attributes = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 };
  const [y, inverseRoot] = graph.op('SimplifiedLayerNormalization', [x, weight], attributes, {
    outputs: [
      { type: 'float32', shape: x.shape },
      { type: 'float32', shape: [...x.shape.slice(0, -1), 1] },
    ],
  });
  return { y: y!, inverseRoot: inverseRoot! };
}

/**
 * Rotary position embedding (arXiv 2104.09864) in the half-split layout of Hugging Face's Llama and Qwen2.
 * `x` [N, 1, heads·headSize], `positions` [N, 1] int64, caches [maxPositions, headSize / 2].
 */
export function rotary(graph: Graph, x: Tensor, positions: Tensor, cosine: Tensor, sine: Tensor): Tensor {
  const attributes = { interleaved: 0 };
  return emit(
    graph,
    'RotaryEmbedding',
    [x, positions, cosine, sine],
    x.shape,
    attributes,
    'float32',
    MICROSOFT_DOMAIN,
  );
}
