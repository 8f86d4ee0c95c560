import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupAdvantages, isZeroVariance, standardDeviation } from './advantages.ts';

const std = { advantage: 'std', advantageClip: 5 } as const;
const list = (groups: readonly Float64Array[]) => groups.map((group) => [...group]);

describe('groupAdvantages', () => {
  it('is the distance to the mean of the group, by its std, by the batch’s, or as it is', () => {
    const groups = [
      [1, 0, 0, 0],
      [1, 1, 0.1, 0.1],
    ];
    const [hard, even] = list(groupAdvantages(groups, { ...std, advantage: 'none' }));
    expect(hard).toEqual([0.75, -0.25, -0.25, -0.25]);
    for (const [i, value] of [0.45, 0.45, -0.45, -0.45].entries()) expect(even![i]).toBeCloseTo(value);
    const [byStd] = list(groupAdvantages(groups, std));
    expect(byStd![0]).toBeCloseTo(0.75 / 0.5, 3); // std of (1, 0, 0, 0) with n - 1 is 0.5
    const byBatch = list(groupAdvantages(groups, { ...std, advantage: 'batch' }));
    const batchStd = standardDeviation(groups.flat());
    expect(byBatch[0]![0]).toBeCloseTo(0.75 / batchStd, 3);
    expect(byBatch[1]![0]).toBeCloseTo(0.45 / batchStd, 3);
  });

  it('leaves null out of the mean and gives it no advantage', () => {
    const [group] = list(groupAdvantages([[1, null, 0, null]], { ...std, advantage: 'none' }));
    expect(group).toEqual([0.5, 0, -0.5, 0]);
    expect(
      list(
        groupAdvantages(
          [
            [null, null],
            [null, 1],
          ],
          std,
        ),
      ),
    ).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it('is exactly 0 for equal rewards whose float std is not', () => {
    const equal = Array.from({ length: 7 }, () => 0.1 + 0.2);
    const mean = equal.reduce((sum, value) => sum + value, 0) / equal.length;
    expect(mean).not.toBe(equal[0]); // the reason for the test on the rewards themselves
    expect(isZeroVariance(equal)).toBe(true);
    expect(list(groupAdvantages([equal], std))).toEqual([equal.map(() => 0)]);
  });

  it('is clipped', () => {
    const lonely = [1, ...Array.from({ length: 99 }, () => 0)];
    expect(groupAdvantages([lonely], std)[0]![0]).toBe(5);
    expect(groupAdvantages([lonely], { ...std, advantageClip: 20 })[0]![0]).toBeGreaterThan(9);
  });

  it('keeps the order of the rewards, and sums to 0 before clipping', () => {
    const scores = fc.array(fc.option(fc.constantFrom(0, 0.1, 0.3, 1, -0.8)), {
      minLength: 2,
      maxLength: 16,
    });
    const mode = fc.constantFrom('std', 'batch', 'none');
    fc.assert(
      fc.property(fc.array(scores, { minLength: 1, maxLength: 5 }), mode, (groups, advantage) => {
        const result = groupAdvantages(groups, { advantage, advantageClip: 1e9 });
        groups.forEach((group, g) => {
          expect(result[g]!.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 6);
          group.forEach((a, i) => {
            group.forEach((b, j) => {
              if (a !== null && b !== null && a > b) expect(result[g]![i]!).toBeGreaterThan(result[g]![j]!);
            });
          });
        });
      }),
    );
  });
});
