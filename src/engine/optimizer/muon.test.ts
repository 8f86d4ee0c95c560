import { describe, expect, it } from 'vitest';
import { createRandom } from '../../foundation/random.ts';
import { Muon } from './muon.ts';
import { NewtonSchulz } from './newton-schulz.ts';

describe('NewtonSchulz', () => {
  it('brings the singular values of every matrix near 1, whatever its size', async () => {
    const [rows, columns, count] = [12, 20, 3];
    const random = createRandom(5);
    const matrices = Float32Array.from({ length: count * rows * columns }, () => random.normal());
    matrices.subarray(0, rows * columns).forEach((value, i) => {
      matrices[i] = value * 1e-4;
    });
    const iteration = await NewtonSchulz.create(rows, columns, 1);
    const orthogonal = await iteration.run(matrices, count);
    for (let matrix = 0; matrix < count; matrix++) {
      const row = (i: number): Float32Array =>
        orthogonal.subarray((matrix * rows + i) * columns, (matrix * rows + i + 1) * columns);
      const dot = (i: number, j: number): number =>
        row(i).reduce((sum, value, k) => sum + value * row(j)[k]!, 0);
      for (let i = 0; i < rows; i++) {
        // The squares of singular values lie between 0.5 and 1.5 (torch's own words), so a row's norm does too.
        expect(dot(i, i)).toBeGreaterThan(0.4);
        expect(dot(i, i)).toBeLessThan(1.5);
        for (let j = 0; j < i; j++) expect(Math.abs(dot(i, j))).toBeLessThan(0.4);
      }
    }
    await iteration.release();
  });
});

describe('Muon', () => {
  it('gives the values of torch.optim.Muon, of wide matrices and of tall ones', async () => {
    const wide = { start: 0, rows: 2, columns: 3 };
    const tall = { start: 8, rows: 3, columns: 2 };
    const parameters = Float32Array.from([1, -2, 0.5, 3, 0.25, -1, 7, 7, 1, -2, 0.5, 3, 0.25, -1]);
    const gradient = Float32Array.from([0.3, -0.1, 0, 2, 0.5, -0.25, 7, 7, 0.3, -0.1, 0, 2, 0.5, -0.25]);
    const momentum = new Float32Array(parameters.length);
    const muon = await Muon.create([wide, tall], 1);
    const numbers = { learningRate: 0.01, momentum: 0.9, weightDecay: 0.1, scale: 1 };
    for (let step = 0; step < 3; step++) {
      await muon.update({ parameters, gradient, momentum }, numbers);
      for (let i = 0; i < gradient.length; i++) gradient[i] = gradient[i]! * -0.5;
    }
    await muon.release();
    // torch.optim.Muon([p], lr=0.01, weight_decay=0.1, momentum=0.9, adjust_lr_fn='match_rms_adamw') in float32, p.grad = g, -g/2, g/4
    const expected = [
      0.9959313, -1.9911345, 0.4979628, 2.9887877, 0.2483183, -0.9966446, 7, 7, 0.9956367, -1.9939189,
      0.4982263, 2.9884367, 0.2469849, -0.9967503,
    ];
    parameters.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 5);
    });
  });
});
