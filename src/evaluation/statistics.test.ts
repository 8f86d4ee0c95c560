import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../foundation/random.ts';
import { mcnemar, pairedTest, percentile, proportion, wilsonInterval } from './statistics.ts';

describe('wilsonInterval', () => {
  // Reference: the roots of (share - p)^2 = z^2 p (1 - p) / n, found by bisection.
  it.each([
    [0, 10, 0, 0.2775],
    [5, 10, 0.2366, 0.7634],
    [10, 10, 0.7225, 1],
    [13, 15, 0.6212, 0.9626],
    [84, 100, 0.7558, 0.899],
  ])('%d of %d', (passed, total, low, high) => {
    const interval = wilsonInterval(passed, total);
    expect(interval.low).toBeCloseTo(low, 3);
    expect(interval.high).toBeCloseTo(high, 3);
  });

  it('holds the share and stays inside [0, 1]', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), (a, b) => {
        const { share, interval } = proportion(Math.min(a, b), Math.max(a, b));
        return interval.low >= 0 && interval.high <= 1 && interval.low <= share && share <= interval.high;
      }),
    );
  });
});

describe('percentile', () => {
  it.each([
    [[1, 2, 3, 4], 0.5, 2.5],
    [[4, 1], 0.95, 3.85],
    [[7], 0.95, 7],
    [[], 0.5, 0],
  ])('of %j at %d is %d', (values, q, expected) => {
    expect(percentile(values, q)).toBeCloseTo(expected, 10);
  });
});

describe('mcnemar', () => {
  // Reference: twice the lower binomial tail, summed in exact integers.
  it.each([
    [0, 0, 1],
    [5, 5, 1],
    [1, 9, 0.021484375],
    [0, 6, 0.03125],
    [10, 25, 0.0166738],
  ])('%d against %d', (a, b, expected) => {
    expect(mcnemar(a, b)).toBeCloseTo(expected, 5);
    expect(mcnemar(b, a)).toBeCloseTo(expected, 5);
  });
});

describe('pairedTest', () => {
  it('finds a clear gain and its interval', () => {
    const a = Array.from({ length: 100 }, (_, i) => i < 60);
    const b = Array.from({ length: 100 }, (_, i) => i < 80);
    const test = pairedTest(a, b, createRandom(1));
    expect(test.difference).toBeCloseTo(0.2);
    expect(test.onlyB).toBe(20);
    expect(test.interval.low).toBeGreaterThan(0.1);
    expect(test.interval.high).toBeLessThan(0.3);
    expect(test.pValue).toBeLessThan(0.001);
  });

  it('sees no difference between equals', () => {
    const verdicts = [true, false, true];
    expect(pairedTest(verdicts, verdicts, createRandom(1))).toMatchObject({ difference: 0, pValue: 1 });
  });

  it('refuses sets of different length', () => {
    expect(() => pairedTest([true], [], createRandom(1))).toThrow(/1 verdicts against 0/);
  });
});
