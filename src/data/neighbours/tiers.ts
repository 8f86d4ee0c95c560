/** One time the first value, two times the second, … and from the first again: counts that tell every value from the others. */
export function inTiers<T>(values: readonly T[]): () => T {
  let tier = 0;
  let left = 1;
  return () => {
    if (left === 0) {
      tier += 1;
      left = tier + 1;
    }
    left -= 1;
    return values[tier % values.length]!;
  };
}
