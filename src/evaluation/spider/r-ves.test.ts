/** R-VES from times that are given: ratios, outliers, steps. */
import { expect, test } from 'vitest';
import { rewardOf, rVesOf, timeRatioOf } from './r-ves.ts';

const repeat = (value: number, count: number): number[] => Array.from({ length: count }, () => value);

test('the ratio is the mean of the ratios, not the ratio of the means', () => {
  // 4/1, 1/4 and 1/1.
  expect(timeRatioOf([4, 1, 1], [1, 4, 1])).toBeCloseTo(1.75, 12);
});

test('a ratio three deviations away is left out, of the whole population', () => {
  // Mean 1.0909, deviation 0.2875, three of them 0.8624: 2 is 0.9091 away. A sample’s deviation of 0.3015 would keep it.
  expect(timeRatioOf([...repeat(1, 10), 2], repeat(1, 11))).toBe(1);
  // Of ten ratios none can be three deviations away: (n - 1) / √n is exactly 2.846.
  expect(timeRatioOf([...repeat(1, 9), 1_000], repeat(1, 10))).toBeCloseTo(100.9, 12);
});

test('a mean in whose reach nothing lies keeps all of them', () => {
  expect(timeRatioOf([3], [2])).toBe(1.5);
  expect(timeRatioOf([3, 3], [2, 2])).toBe(1.5);
});

test.each([
  [1_000, 1.25],
  [2, 1.25],
  [1.999, 1],
  [1, 1],
  [0.999, 0.75],
  [0.5, 0.75],
  [0.499, 0.5],
  [0.25, 0.5],
  [0.249, 0.25],
  [1e-9, 0.25],
])('a ratio of %d earns %d', (ratio, reward) => {
  expect(rewardOf(ratio)).toBe(reward);
});

test('the score is 100 times the root', () => {
  expect([1.25, 1, 0.75, 0.5, 0.25, 0].map((reward) => rVesOf(reward).toFixed(2))).toEqual([
    '111.80',
    '100.00',
    '86.60',
    '70.71',
    '50.00',
    '0.00',
  ]);
});
