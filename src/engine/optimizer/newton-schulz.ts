/**
 * Matrices made nearly orthogonal: the five Newton–Schulz iterations of Muon, as an ONNX graph over matrices of one shape.
 * It knows matrices; it does not know what they update.
 *
 * Source of the iteration and its coefficients: Jordan et al. 2024, "Muon", https://kellerjordan.github.io/posts/muon/;
 * `torch.optim.Muon` has the same (in bfloat16, here in float32).
 */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { Graph, type Tensor } from '../graph/graph.ts';
import * as ops from '../graph/operations.ts';

const coefficients = [3.4445, -4.775, 2.0315] as const;
const iterations = 5;
const eps = 1e-7;

/** X ← aX + (bA + cA²)X with A = XXᵀ, from X of norm 1; [matrices, rows, columns] with rows ≤ columns. */
function newtonSchulzGraph(rows: number, columns: number): Graph {
  const graph = new Graph('newton-schulz');
  const given = graph.input('matrices', 'float32', ['count', rows, columns]);
  const norms = ops.sqrt(graph, ops.reduceSum(graph, ops.multiply(graph, given, given), [1, 2], true));
  let x: Tensor = ops.divide(graph, given, ops.maximum(graph, norms, graph.scalar(eps)));
  const [a, b, c] = coefficients;
  for (let i = 0; i < iterations; i++) {
    const gram = ops.matMul(graph, x, x, { transposeB: true });
    const square = ops.matMul(graph, gram, gram, { alpha: c });
    const polynomial = ops.add(graph, ops.scale(graph, gram, b), square);
    x = ops.add(graph, ops.scale(graph, x, a), ops.matMul(graph, polynomial, x));
  }
  graph.output('orthogonal', x);
  return graph;
}

export class NewtonSchulz {
  readonly #session: InferenceSession;
  readonly #shape: readonly [number, number];

  private constructor(session: InferenceSession, shape: readonly [number, number]) {
    this.#session = session;
    this.#shape = shape;
  }

  /** `rows` ≤ `columns`: others are given transposed. */
  static async create(rows: number, columns: number, threads: number): Promise<NewtonSchulz> {
    const session = await InferenceSession.create(newtonSchulzGraph(rows, columns).toBytes(), {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      extra: { session: { force_spinning_stop: '1' } },
    });
    return new NewtonSchulz(session, [rows, columns]);
  }

  /** `matrices`: [count, rows, columns]; the result has the same shape, with singular values near 1. */
  async run(matrices: Float32Array, count: number): Promise<Float32Array> {
    const tensor = new OrtTensor('float32', matrices, [count, ...this.#shape]);
    const { orthogonal } = await this.#session.run({ matrices: tensor });
    return orthogonal!.data as Float32Array;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}
