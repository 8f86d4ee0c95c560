/**
 * Matrices of a graph as they are stored (`base-tensor.ts`): declared as inputs, unpacked to float32 where a product needs
 * them, row by row where a token looks one up. Unpacked copies live as long as one product: whoever reads a matrix again
 * unpacks it again, so that a quantised model never lies in memory as a whole.
 */
import type { ElementType } from '../graph/element-type.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import { shapeTensor } from '../graph/shapes.ts';
import type { StorageFormat, StoredPart } from './base-tensor.ts';

export interface StoredMatrix {
  readonly format: StorageFormat;
  readonly rows: number;
  readonly columns: number;
  /** Values, halves or codes. */
  readonly body: Tensor;
  /** Of blocks only. */
  readonly scales?: Tensor | undefined;
}

/** Makes, or finds, the tensor of one part. */
export type DeclarePart = (part: StoredPart, type: ElementType, shape: readonly number[]) => Tensor;

export function partName({ weight, part, rows }: StoredPart): string {
  const whole = part === 'values' ? weight : `${weight}/${part}`;
  return rows === undefined ? whole : `${whole}/${rows[0]}-${rows[1]}`;
}

/** bfloat16 is fed as words of 16 bits: JavaScript's tensors know no such type. */
function bodyType(format: StorageFormat): ElementType {
  if (format.kind !== 'halves') return 'float32';
  return format.type === 'float16' ? 'float16' : 'uint16';
}

/** Exact for either type. */
function widen(graph: Graph, halves: Tensor): Tensor {
  return op.toFloat(graph, halves.type === 'uint16' ? op.asBfloat16(graph, halves) : halves);
}

/** A matrix of the model by its name, or its rows `rows[0]` up to, not including, `rows[1]`. */
export function storedMatrix(
  declare: DeclarePart,
  weight: string,
  shape: readonly number[],
  format: StorageFormat,
  rows?: readonly [number, number],
): StoredMatrix {
  const columns = shape[1]!;
  const count = rows === undefined ? shape[0]! : rows[1] - rows[0];
  const size = { format, rows: count, columns };
  if (format.kind !== 'blocks') {
    return {
      ...size,
      body: declare({ weight, part: format.kind, rows }, bodyType(format), [count, columns]),
    };
  }
  const { bits, blockSize } = format;
  const [type, width] = bits === 8 ? (['int8', columns] as const) : (['uint8', columns / 2] as const);
  return {
    ...size,
    body: declare({ weight, part: 'codes', rows }, type, [count, width]),
    scales: declare({ weight, part: 'scales', rows }, 'float32', [count, columns / blockSize]),
  };
}

/**
 * `x` itself, but not before `others` have been computed: the runtime may run nodes in any order that their inputs allow, and
 * would make copies long before they are needed. No values are moved.
 */
export function after(graph: Graph, x: Tensor, ...others: readonly Tensor[]): Tensor {
  if (others.length === 0) return x;
  const sizes = others.map(
    (other) => graph.op('Size', [other], {}, { outputs: [{ type: 'int64', shape: [] }] })[0]!,
  );
  const total = sizes.reduce((sum, size) => op.add(graph, sum, size));
  const nothing = op.subtract(graph, total, total);
  const shape = graph.op('Shape', [x], {}, { outputs: [{ type: 'int64', shape: [x.shape.length] }] })[0]!;
  const target = op.add(graph, shape, nothing);
  return graph.op('Reshape', [x, target], {}, { outputs: [{ type: x.type, shape: x.shape }] })[0]!;
}

/** 4-bit codes [rows, columns / 2] as one code a byte [rows, columns]. */
function splitNibbles(graph: Graph, codes: Tensor, columns: number): Tensor {
  const spec = { outputs: [{ type: 'uint8', shape: codes.shape }] } as const;
  const low = graph.op('BitwiseAnd', [codes, graph.constant('uint8', [1], [15])], {}, spec)[0]!;
  const shifted = [codes, graph.constant('uint8', [1], [4])];
  const high = graph.op('BitShift', shifted, { direction: 'RIGHT' }, spec)[0]!;
  const outputs = [{ type: 'uint8', shape: [codes.shape[0]!, columns] }] as const;
  return graph.op('Concat', [low, high], { axis: 1 }, { outputs })[0]!;
}

/** The matrix as float32 [rows, columns]; with `later` not before that tensor has been computed. */
export function unpack(graph: Graph, matrix: StoredMatrix, later?: Tensor): Tensor {
  const { format, rows, columns, scales } = matrix;
  if (format.kind === 'values') return matrix.body;
  const body = later === undefined ? matrix.body : after(graph, matrix.body, later);
  if (format.kind === 'halves') return widen(graph, body);
  const { bits, blockSize } = format;
  const blocks = (rows * columns) / blockSize;
  // Blocks as rows of their own: the runtime's kernel for one scale a row is three times faster than that for blocks.
  const codes = bits === 8 ? body : splitNibbles(graph, body, columns);
  const inputs = [op.reshape(graph, codes, [blocks, blockSize]), op.reshape(graph, scales!, [blocks])];
  if (bits === 4) inputs.push(op.expand(graph, graph.constant('uint8', [1], [8]), [blocks]));
  const outputs = [{ type: 'float32', shape: [blocks, blockSize] }] as const;
  const values = graph.op('DequantizeLinear', inputs, { axis: 0 }, { outputs })[0]!;
  return op.reshape(graph, values, [rows, columns]);
}

/** Rows by index as float32 [indices, columns]. */
export function unpackRows(graph: Graph, matrix: StoredMatrix, indices: Tensor): Tensor {
  const { format, columns } = matrix;
  const body = op.gatherRows(graph, matrix.body, indices);
  if (format.kind === 'values') return body;
  if (format.kind === 'halves') return widen(graph, body);
  const { bits, blockSize } = format;
  const codes = op.toFloat(graph, bits === 8 ? body : splitNibbles(graph, body, columns));
  const centred = bits === 8 ? codes : op.subtract(graph, codes, graph.scalar(8));
  const count = indices.shape[0]!;
  const blocks = columns / blockSize;
  const grid = op.reshape(graph, centred, [count, blocks, blockSize]);
  const scales = op.reshape(graph, op.gatherRows(graph, matrix.scales!, indices), [count, blocks, 1]);
  const scaled = op.multiply(graph, grid, scales);
  return graph.op(
    'Reshape',
    [scaled, shapeTensor(graph, [count, columns])],
    {},
    { outputs: [{ type: 'float32', shape: [count, columns] }] },
  )[0]!;
}
