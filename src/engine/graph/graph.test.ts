import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Graph, MICROSOFT_DOMAIN } from './graph.ts';

const float = (shape: readonly number[]) => ({ type: 'float32' as const, shape });

describe('Graph', () => {
  it('runs in ONNX Runtime, with a contrib operator, symbolic dimensions and named outputs', async () => {
    const graph = new Graph('small');
    const x = graph.input('x', 'float32', ['rows', 2]);
    const w = graph.initializer('w', 'float32', [3, 2], Float32Array.from([1, 2, 3, 4, 5, 6]));
    const [y] = graph.op(
      'FusedMatMul',
      [x, w],
      { transB: 1, alpha: { float: 2 } },
      {
        domain: MICROSOFT_DOMAIN,
        outputs: [{ type: 'float32', shape: ['rows', 3] }],
      },
    );
    const [sum] = graph.op(
      'ReduceSum',
      [y, graph.integers([1])],
      { keepdims: 0 },
      {
        outputs: [{ type: 'float32', shape: ['rows'] }],
      },
    );
    graph.output('y', y!);
    graph.output('sum', sum!);
    graph.output('weight', w);
    graph.output('y_again', y!);
    const session = await InferenceSession.create(graph.toBytes());
    const result = await session.run({
      x: new OrtTensor('float32', Float32Array.from([1, 0, 0, 1]), [2, 2]),
    });
    expect(Array.from(result.y!.data as Float32Array)).toEqual([2, 6, 10, 4, 8, 12]);
    expect(Array.from(result.sum!.data as Float32Array)).toEqual([18, 24]);
    expect(Array.from(result.weight!.data as Float32Array)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(Array.from(result.y_again!.data as Float32Array)).toEqual([2, 6, 10, 4, 8, 12]);
  });

  it('refuses a second tensor of the same name, wherever the first came from', () => {
    const graph = new Graph('names');
    const x = graph.input('x', 'float32', [2]);
    expect(() => graph.input('x', 'float32', [2])).toThrow(/already has a tensor or output named "x"/);
    expect(() => graph.initializer('x', 'float32', [1], new Float32Array(1))).toThrow(/"x"/);
    expect(() => graph.op('Neg', [x], {}, { outputs: [{ ...float([2]), name: 'x' }] })).toThrow(/"x"/);
    const [y] = graph.op('Neg', [x], {}, { outputs: [float([2])] });
    graph.output('y', y!);
    expect(() => graph.output('y', y!)).toThrow(/"y"/);
    expect(() => graph.output('x', y!)).toThrow(/"x"/);
    expect(() => graph.input('y', 'float32', [2])).toThrow(/"y"/);
  });

  it('refuses tensors of another graph, wrong data and impossible shapes', () => {
    const other = new Graph('other').input('x', 'float32', [2]);
    const graph = new Graph('mine');
    graph.input('x', 'float32', [2]);
    expect(() => graph.op('Neg', [other], {}, { outputs: [float([2])] })).toThrow(/did not make/);
    expect(() => graph.initializer('w', 'float32', [3], new Float32Array(2))).toThrow(/3 elements/);
    expect(() => graph.initializer('w', 'int64', [2], new Float32Array(2))).toThrow(/Float32Array/);
    expect(() => graph.input('bad', 'float32', [-1])).toThrow(/whole numbers/);
  });

  it('stores equal constants once', () => {
    const graph = new Graph('constants');
    expect(graph.scalar(0.5)).toBe(graph.scalar(0.5));
    expect(graph.integers([1])).not.toBe(graph.integers([2]));
    expect(graph.initializers).toHaveLength(3);
  });
});
