import { describe, expect, it } from 'vitest';
import { gradients, stopGradient } from './autodiff.ts';
import { gradientRules } from './gradient-rules.ts';
import { Graph, type Tensor } from './graph.ts';
import * as op from './operations.ts';
import { type GradientCase, gradientErrors, type Operand } from './test-gradients.ts';

const normal = (...shape: (number | string)[]): Operand => ({ shape });
const integers = (shape: readonly number[], values: readonly number[]): Operand => ({
  shape,
  values,
  type: 'int64',
});
const positive = (graph: Graph, x: Tensor): Tensor =>
  op.add(graph, op.multiply(graph, x, x), graph.scalar(0.7));

const cases: Readonly<Record<string, GradientCase>> = {
  Identity: { operands: [normal(3)], build: (g, [x]) => op.identity(g, x!) },
  Neg: { operands: [normal(3)], build: (g, [x]) => op.negate(g, x!) },
  Exp: { operands: [normal(2, 3)], build: (g, [x]) => op.exp(g, x!) },
  Log: { operands: [normal(2, 3)], build: (g, [x]) => op.log(g, positive(g, x!)) },
  Sqrt: { operands: [normal(2, 3)], build: (g, [x]) => op.sqrt(g, positive(g, x!)) },
  Reciprocal: { operands: [normal(2, 3)], build: (g, [x]) => op.reciprocal(g, positive(g, x!)) },
  Sigmoid: { operands: [normal(2, 3)], build: (g, [x]) => op.sigmoid(g, x!) },
  Add: { operands: [normal(2, 3), normal(3)], build: (g, [a, b]) => op.add(g, a!, b!) },
  'Add of a tensor to itself': { operands: [normal(2, 3)], build: (g, [a]) => op.add(g, a!, a!) },
  Sub: { operands: [normal(2, 1), normal(1, 3)], build: (g, [a, b]) => op.subtract(g, a!, b!) },
  Mul: { operands: [normal(2, 3), normal(2, 1)], build: (g, [a, b]) => op.multiply(g, a!, b!) },
  'Mul by a scalar, named rows': {
    operands: [{ shape: ['rows', 3], concrete: [4, 3] }, normal()],
    build: (g, [a, b]) => op.multiply(g, a!, b!),
  },
  Div: { operands: [normal(2, 3), normal(3)], build: (g, [a, b]) => op.divide(g, a!, positive(g, b!)) },
  Min: { operands: [normal(2, 3), normal(3)], build: (g, [a, b]) => op.minimum(g, a!, b!) },
  Max: { operands: [normal(2, 3), normal(2, 1)], build: (g, [a, b]) => op.maximum(g, a!, b!) },
  Clip: {
    operands: [normal(4, 3)],
    build: (g, [x]) => op.multiply(g, x!, op.clip(g, x!, g.scalar(-0.5), g.scalar(0.4))),
  },
  Where: {
    operands: [{ shape: [2, 3], values: [1, 0, 1, 0, 0, 1], type: 'bool' }, normal(2, 3), normal(3)],
    build: (g, [c, a, b]) => op.where(g, c!, a!, b!),
  },
  ReduceSum: { operands: [normal(2, 3, 2)], build: (g, [x]) => op.reduceSum(g, x!, [1]) },
  'ReduceSum to a scalar': { operands: [normal(2, 3)], build: (g, [x]) => op.sumAll(g, x!) },
  ReduceMean: { operands: [normal(2, 3)], build: (g, [x]) => op.reduceMean(g, x!, [-1], true) },
  // The offsets keep the maxima apart: a difference quotient across a change of maximum means nothing.
  ReduceMax: {
    operands: [normal(2, 3), { shape: [2, 3], values: [9, 0, 0, 0, 0, 9] }],
    build: (g, [x, offset]) => {
      const spread = op.add(g, op.multiply(g, x!, x!), offset!);
      return op.reduceMax(g, spread, [-1]);
    },
  },
  Softmax: { operands: [normal(2, 4)], build: (g, [x]) => op.softmax(g, x!) },
  LogSoftmax: { operands: [normal(2, 4)], build: (g, [x]) => op.logSoftmax(g, x!) },
  MatMul: { operands: [normal(2, 3, 4), normal(4, 2)], build: (g, [a, b]) => op.matMul(g, a!, b!) },
  FusedMatMul: {
    operands: [normal(2, 4, 3), normal(2, 5, 4)],
    build: (g, [a, b]) => op.matMul(g, a!, b!, { transposeA: true, transposeB: true, alpha: 0.5 }),
  },
  'FusedMatMul, first transposed': {
    operands: [normal(4, 3), normal(4, 2)],
    build: (g, [a, b]) => op.matMul(g, a!, b!, { transposeA: true }),
  },
  'FusedMatMul, second transposed': {
    operands: [{ shape: ['rows', 3], concrete: [4, 3] }, normal(2, 3)],
    build: (g, [a, b]) => op.matMul(g, a!, b!, { transposeB: true }),
  },
  Reshape: {
    operands: [{ shape: ['rows', 4], concrete: [3, 4] }],
    build: (g, [x]) => op.sigmoid(g, op.reshape(g, x!, ['rows', 2, 2])),
  },
  Expand: { operands: [normal(2, 1)], build: (g, [x]) => op.expand(g, x!, [3, 2, 4]) },
  Transpose: { operands: [normal(2, 3, 4)], build: (g, [x]) => op.transpose(g, x!, [2, 0, 1]) },
  Slice: { operands: [normal(2, 5)], build: (g, [x]) => op.slice(g, x!, -1, 1, 3) },
  Concat: {
    operands: [normal(2, 3), normal(2, 1)],
    build: (g, [a, b]) => op.sigmoid(g, op.concat(g, [a!, b!], 1)),
  },
  Split: {
    operands: [normal(2, 6)],
    build: (g, [x]) => {
      const [first, , third] = op.split(g, x!, 1, [2, 2, 2]);
      return op.multiply(g, first!, third!);
    },
  },
  Gather: {
    operands: [normal(4, 3), integers([5], [1, 1, 3, 0, 1])],
    build: (g, [table, rows]) => op.gatherRows(g, table!, rows!),
  },
  'Gather with a grid of indices': {
    operands: [normal(4, 3), integers([2, 3], [1, 1, 3, 0, 1, 3])],
    build: (g, [table, rows]) => op.gatherRows(g, table!, rows!),
  },
  GatherElements: {
    operands: [normal(3, 4), integers([3, 1], [2, 0, 2])],
    build: (g, [x, at]) => op.gatherElements(g, x!, at!),
  },
  SimplifiedLayerNormalization: {
    operands: [normal(3, 8), normal(8)],
    build: (g, [x, w]) => op.rmsNorm(g, x!, w!, 1e-6).y,
  },
  RotaryEmbedding: {
    operands: [
      normal(3, 1, 16),
      integers([3, 1], [0, 5, 2]),
      { shape: [6, 4], values: Array.from({ length: 24 }, (_, i) => Math.cos(i)) },
      { shape: [6, 4], values: Array.from({ length: 24 }, (_, i) => Math.sin(i)) },
    ],
    build: (g, [x, positions, cosine, sine]) => op.rotary(g, x!, positions!, cosine!, sine!),
  },
};

describe('gradients agree with finite differences', () => {
  it.each(Object.keys(cases))('%s', async (name) => {
    for (const error of await gradientErrors(cases[name]!)) expect(error).toBeLessThan(1e-3);
  });

  it('has a case for every rule', () => {
    expect(Object.keys(gradientRules).filter((rule) => !(rule in cases))).toEqual([]);
  });

  it('would notice a wrong rule', async () => {
    // d(x·stop(x)) is stop(x), half of the derivative of x².
    const wrong: GradientCase = {
      operands: [normal(3)],
      build: (g, [x]) => op.multiply(g, x!, stopGradient(g, x!)),
    };
    expect((await gradientErrors(wrong))[0]).toBeCloseTo(0.5, 3);
  });
});

describe('gradients', () => {
  it('adds no node for what is not asked for, and says so of what cannot be reached', () => {
    const graph = new Graph('pruned');
    const x = graph.input('x', 'float32', [2, 3]);
    const w = graph.input('w', 'float32', [3, 3]);
    const unused = graph.input('unused', 'float32', [1]);
    const loss = op.sumAll(graph, op.matMul(graph, x, w));
    const before = graph.nodes.length;
    const [gradient, none] = gradients(graph, loss, [w, unused]);
    expect(gradient!.shape).toEqual([3, 3]);
    expect(none).toBeUndefined();
    expect(graph.nodes.slice(before).filter((node) => node.type.endsWith('MatMul'))).toHaveLength(1);
  });

  it('refuses an operator without a rule and a loss that is not a scalar', () => {
    const graph = new Graph('refused');
    const x = graph.input('x', 'float32', [2]);
    const [y] = graph.op('Erf', [x], {}, { outputs: [{ type: 'float32', shape: [2] }] });
    expect(() => gradients(graph, op.sumAll(graph, y!), [x])).toThrow(/Erf/);
    expect(() => gradients(graph, y!, [x])).toThrow(/shape \[2\]/);
  });
});
