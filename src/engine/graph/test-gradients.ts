/**
 * Test support: gradients by finite differences, the oracle that knows nothing of our rules.
 * The graph runs in float32; the loss is summed in float64 and differenced with a four-point stencil, so that
 * rounding stays well under the 1e-3 that the tests allow.
 */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { createRandom } from '../../foundation/random.ts';
import { gradients } from './autodiff.ts';
import type { TensorData } from './element-type.ts';
import { Graph, type Shape, type Tensor } from './graph.ts';
import * as op from './operations.ts';

export interface Operand {
  /** May use named sizes, which `concrete` then fixes. */
  readonly shape: Shape;
  readonly concrete?: readonly number[];
  /** Values to use; left out: standard normal and differentiated. */
  readonly values?: readonly number[];
  readonly type?: 'float32' | 'int64' | 'bool';
}

export interface GradientCase {
  readonly operands: readonly Operand[];
  readonly build: (graph: Graph, inputs: readonly Tensor[]) => Tensor;
}

const countOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
const concreteShape = (operand: Operand): readonly number[] =>
  operand.concrete ?? (operand.shape as readonly number[]);

function toData(operand: Operand, random: () => number): TensorData {
  const values = operand.values ?? Array.from({ length: countOf(concreteShape(operand)) }, random);
  if (operand.type === 'int64') return BigInt64Array.from(values.map(BigInt));
  if (operand.type === 'bool') return Uint8Array.from(values);
  return Float32Array.from(values);
}

type Feeds = Record<string, OrtTensor>;

/** Σ coefficient ∘ y in float64. */
async function lossOf(session: InferenceSession, feeds: Feeds, coefficients: Float32Array): Promise<number> {
  const { y } = await session.run(feeds, ['y']);
  return (y!.data as Float32Array).reduce((sum, value, index) => sum + value * coefficients[index]!, 0);
}

async function differences(
  session: InferenceSession,
  feeds: Feeds,
  data: Float32Array,
  coefficients: Float32Array,
): Promise<Float64Array> {
  const step = 2 ** -6;
  const result = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const original = data[i]!;
    const at = async (offset: number): Promise<number> => {
      data[i] = original + offset * step;
      return lossOf(session, feeds, coefficients);
    };
    const near = (await at(1)) - (await at(-1));
    const far = (await at(2)) - (await at(-2));
    data[i] = original;
    result[i] = (8 * near - far) / (12 * step);
  }
  return result;
}

/** ‖a − b‖ / max(‖b‖, floor). */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>, floor = 1e-6): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  return Math.sqrt(difference) / Math.max(Math.sqrt(norm), floor);
}

/** Relative error of our gradient for each operand that is differentiated. */
export async function gradientErrors({ operands, build }: GradientCase): Promise<number[]> {
  const random = createRandom(7);
  const graph = new Graph('gradient-case');
  const inputs = operands.map((operand, index) =>
    graph.input(`input_${index}`, operand.type ?? 'float32', operand.shape),
  );
  const y = build(graph, inputs);
  const coefficientInput = graph.input('coefficients', 'float32', y.shape);
  const loss = op.sumAll(graph, op.multiply(graph, y, coefficientInput));
  const wanted = inputs.filter((_, index) => operands[index]!.values === undefined);
  gradients(graph, loss, wanted).forEach((gradient, index) => {
    graph.output(`gradient_${index}`, gradient!);
  });
  graph.output('y', y);

  const session = await InferenceSession.create(graph.toBytes(), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const datas = operands.map((operand) => toData(operand, () => random.normal()));
  const feeds: Feeds = Object.fromEntries(
    operands.map((operand, index) => [
      `input_${index}`,
      new OrtTensor(operand.type ?? 'float32', datas[index] as Float32Array, concreteShape(operand)),
    ]),
  );
  const shape = concreteShapeOf(y, operands);
  const coefficients = Float32Array.from({ length: countOf(shape) }, () => random.normal());
  feeds.coefficients = new OrtTensor('float32', coefficients, shape);

  const computed = await session.run(feeds);
  const differentiated = operands.flatMap((operand, index) => (operand.values === undefined ? [index] : []));
  const errors: number[] = [];
  for (const [position, index] of differentiated.entries()) {
    const numeric = await differences(session, feeds, datas[index] as Float32Array, coefficients);
    errors.push(relativeError(computed[`gradient_${position}`]!.data as Float32Array, numeric));
  }
  return errors;
}

/** Fixed sizes are known, named ones are those of the operands. */
function concreteShapeOf(y: Tensor, operands: readonly Operand[]): number[] {
  const named = new Map<string, number>();
  for (const operand of operands) {
    operand.shape.forEach((size, axis) => {
      if (typeof size === 'string') named.set(size, concreteShape(operand)[axis]!);
    });
  }
  return y.shape.map((size) => (typeof size === 'string' ? named.get(size)! : size));
}
