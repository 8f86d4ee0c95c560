import { describe, expect, it } from 'vitest';
import { createRandom } from '../../foundation/random.ts';
import type { AdamParams } from '../policy.ts';
import { adamwUpdate, clipFactor, createAdamState } from './adamw.ts';
import { createFlatMemory, createPlainMemory, type FlatMemory } from './flat-memory.ts';

const adam: AdamParams = {
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.1,
  gradientClip: 0,
};

const memories: Readonly<Record<string, () => FlatMemory>> = {
  WebAssembly: () => createFlatMemory(16, 5),
  JavaScript: createPlainMemory,
};

function filled(memory: FlatMemory, values: readonly number[]): Float32Array {
  const array = memory.allocate(values.length);
  array.set(values);
  return array;
}

describe.each(Object.keys(memories))('AdamW in %s', (name) => {
  it('gives the values of torch.optim.AdamW', () => {
    const memory = memories[name]!();
    const parameters = filled(memory, [1, -2, 0.5, 3]);
    const gradient = filled(memory, [0.3, -0.1, 0, 2]);
    const state = createAdamState(memory, 4);
    const segments = [{ start: 0, end: 4, decays: true }];
    for (let step = 0; step < 3; step++) {
      adamwUpdate(memory, parameters, gradient, state, segments, adam, 1);
      for (let i = 0; i < 4; i++) gradient[i] = gradient[i]! * -0.5;
    }
    // torch.optim.AdamW([p], lr=0.01, betas=(0.9, 0.95), weight_decay=0.1), p.grad = g, -g/2, g/4
    const expected = [0.9808752, -1.9778783, 0.4985015, 2.9748814];
    parameters.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 6);
    });
  });

  it('decays matrices only, and leaves the rest of a lane alone', () => {
    const memory = memories[name]!();
    const parameters = filled(memory, [1, 1, 1, 0, 1, 1, 0, 0]);
    const gradient = filled(memory, new Array(8).fill(0));
    const state = createAdamState(memory, 8);
    const segments = [
      { start: 0, end: 3, decays: true },
      { start: 4, end: 6, decays: false },
    ];
    adamwUpdate(memory, parameters, gradient, state, segments, adam, 1);
    expect(Array.from(parameters)).toEqual([0.999, 0.999, 0.999, 0, 1, 1, 0, 0].map(Math.fround));
  });

  it('sums squares and adds', () => {
    const memory = memories[name]!();
    const random = createRandom(1);
    const values = Array.from({ length: 16 }, () => Math.fround(random.normal()));
    const a = filled(memory, values);
    expect(memory.sumOfSquares(a)).toBeCloseTo(
      values.reduce((sum, value) => sum + value * value, 0),
      12,
    );
    const b = filled(memory, values);
    memory.add(b, a);
    expect(Array.from(b)).toEqual(values.map((value) => Math.fround(2 * value)));
  });
});

describe('clipFactor', () => {
  it('shrinks what is longer than the limit, and nothing else', () => {
    expect(clipFactor(4, 1)).toBeCloseTo(0.25, 6);
    expect(clipFactor(0.5, 1)).toBe(1);
    expect(clipFactor(100, 0)).toBe(1);
  });
});
