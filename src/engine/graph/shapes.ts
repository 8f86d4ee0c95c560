/** Shapes with fixed and named sizes: broadcasting, and shape tensors for the sizes that are known only at run time. */
import { QuerentError } from '../../foundation/errors.ts';
import type { Dimension, Graph, Shape, Tensor } from './graph.ts';

export function shapeError(message: string): QuerentError {
  return new QuerentError('engine/shape-mismatch', message, {
    next: 'This is a defect of the model graph: correct the shapes.',
  });
}

export function describeShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** A size that must be fixed. */
export function fixedSize(tensor: Tensor, axis: number): number {
  const size = tensor.shape.at(axis);
  if (typeof size === 'number') return size;
  throw shapeError(`axis ${axis} of ${tensor.name}${describeShape(tensor.shape)} must have a fixed size`);
}

/** Axis counted from the front. */
export function positiveAxis(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank)
    throw shapeError(`axis ${axis} is outside of a tensor of rank ${rank}`);
  return positive;
}

function broadcastDimension(a: Dimension, b: Dimension): Dimension | undefined {
  if (a === b || b === 1) return a;
  return a === 1 ? b : undefined;
}

/** NumPy broadcasting; two different names, or a name and a number above 1, never match. */
export function broadcastShapes(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const result: Dimension[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const size = broadcastDimension(a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1);
    if (size === undefined)
      throw shapeError(`shapes ${describeShape(a)} and ${describeShape(b)} do not broadcast`);
    result.push(size);
  }
  return result;
}

/** Axes of `from` that broadcasting added or widened when `to` became `from`. */
export function broadcastAxes(from: Shape, to: Shape): number[] {
  const missing = from.length - to.length;
  return from.flatMap((size, axis) =>
    axis < missing || (to[axis - missing] === 1 && size !== 1) ? [axis] : [],
  );
}

/** Number of elements, if every size is fixed. */
export function fixedCount(shape: Shape): number | undefined {
  let count = 1;
  for (const size of shape) {
    if (typeof size === 'string') return undefined;
    count *= size;
  }
  return count;
}

/** One-element int64 tensor with the size that a name stands for, read off any graph input that has it. */
function namedSize(graph: Graph, name: string): Tensor {
  const tensorName = `size_of_${name}`;
  const known = graph.find(tensorName);
  if (known !== undefined) return known;
  for (const input of graph.inputs) {
    const axis = input.shape.indexOf(name);
    if (axis < 0) continue;
    const attributes = { start: axis, end: axis + 1 };
    return graph.op('Shape', [input], attributes, {
      outputs: [{ type: 'int64', shape: [1], name: tensorName }],
    })[0]!;
  }
  throw shapeError(`no input of graph "${graph.name}" has a size named "${name}"`);
}

/** An int64 tensor that holds `shape` when the graph runs; at most one named size needs no extra node. */
export function shapeTensor(graph: Graph, shape: Shape, mayInferOne = true): Tensor {
  const names = shape.filter((size) => typeof size === 'string').length;
  if (names === 0 || (mayInferOne && names === 1 && !shape.includes(0))) {
    return graph.integers(shape.map((size) => (typeof size === 'string' ? -1 : size)));
  }
  const key = `shape_of_${shape.join('_')}`;
  const known = graph.find(key);
  if (known !== undefined) return known;
  const parts = shape.map((size) =>
    typeof size === 'string' ? namedSize(graph, size) : graph.integers([size]),
  );
  const outputs = [{ type: 'int64' as const, shape: [shape.length], name: key }];
  return graph.op('Concat', parts, { axis: 0 }, { outputs })[0]!;
}
