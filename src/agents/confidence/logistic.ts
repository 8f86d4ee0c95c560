/**
 * Logistic regression: a few features to a probability. Fitted by Newton's method with a ridge penalty (Hastie, Tibshirani &
 * Friedman 2009, "The Elements of Statistical Learning", eq. 4.26 with the penalty of 4.31); pure, for small sets.
 */

export interface Logistic {
  readonly bias: number;
  readonly weights: readonly number[];
}

export interface Labelled {
  readonly features: readonly number[];
  readonly isRight: boolean;
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-Math.min(40, Math.max(-40, x))));

export function predictLogistic({ bias, weights }: Logistic, features: readonly number[]): number {
  return sigmoid(weights.reduce((sum, weight, at) => sum + weight * features[at]!, bias));
}

/** Solves a x = b for a small positive definite matrix, by elimination with pivots. */
function solve(a: number[][], b: number[]): number[] {
  const size = b.length;
  const rows = a.map((row, at) => [...row, b[at]!]);
  for (let at = 0; at < size; at++) {
    let pivot = at;
    for (let row = at + 1; row < size; row++)
      if (Math.abs(rows[row]![at]!) > Math.abs(rows[pivot]![at]!)) pivot = row;
    [rows[at], rows[pivot]] = [rows[pivot]!, rows[at]!];
    for (let row = at + 1; row < size; row++) {
      const factor = rows[row]![at]! / rows[at]![at]!;
      for (let column = at; column <= size; column++) rows[row]![column]! -= factor * rows[at]![column]!;
    }
  }
  const x = new Array<number>(size).fill(0);
  for (let at = size - 1; at >= 0; at--) {
    let sum = rows[at]![size]!;
    for (let column = at + 1; column < size; column++) sum -= rows[at]![column]! * x[column]!;
    x[at] = sum / rows[at]![at]!;
  }
  return x;
}

/**
 * `ridge` pulls the weights (not the bias) towards `prior`, 0 unless told; with few examples it keeps them honest, and a
 * feature that no example has keeps its prior.
 */
export function fitLogistic(
  examples: readonly Labelled[],
  ridge = 1,
  prior: readonly number[] = [],
): Logistic {
  const size = (examples[0]?.features.length ?? 0) + 1;
  let parameters = new Array<number>(size).fill(0);
  for (let round = 0; round < 50; round++) {
    const gradient = parameters.map((value, at) => (at === 0 ? 0 : -ridge * (value - (prior[at - 1] ?? 0))));
    const hessian = parameters.map((_, row) =>
      parameters.map((__, column) => (row === column ? (row === 0 ? 1e-6 : ridge) : 0)),
    );
    for (const { features, isRight } of examples) {
      const x = [1, ...features];
      const p = sigmoid(x.reduce((sum, value, at) => sum + value * parameters[at]!, 0));
      for (let row = 0; row < size; row++) {
        gradient[row]! += (Number(isRight) - p) * x[row]!;
        for (let column = 0; column < size; column++)
          hessian[row]![column]! += p * (1 - p) * x[row]! * x[column]!;
      }
    }
    const step = solve(hessian, gradient);
    parameters = parameters.map((value, at) => value + step[at]!);
    if (Math.max(...step.map(Math.abs)) < 1e-8) break;
  }
  return { bias: parameters[0]!, weights: parameters.slice(1) };
}
