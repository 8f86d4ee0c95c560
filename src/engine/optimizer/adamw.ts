/**
 * AdamW (arXiv 1711.05101, algorithm 2) over flat arrays, in place, with the same formulas as PyTorch's. It knows
 * arrays and hyperparameters; which parameters decay is told to it in segments.
 */
import type { AdamParams } from '../policy.ts';

export interface AdamState {
  /** First and second moments, as long as the parameters. */
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  /** Number of updates so far. */
  step: number;
}

/** A range of the flat arrays. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  /** Matrices decay; norms and biases do not. */
  readonly decays: boolean;
}

export function createAdamState(size: number): AdamState {
  return { firstMoment: new Float32Array(size), secondMoment: new Float32Array(size), step: 0 };
}

/** Euclidean norm, summed in float64. */
export function globalNorm(gradient: Float32Array): number {
  // Four sums: one alone would wait for each addition to finish.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = gradient.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    a += gradient[i]! * gradient[i]!;
    b += gradient[i + 1]! * gradient[i + 1]!;
    c += gradient[i + 2]! * gradient[i + 2]!;
    d += gradient[i + 3]! * gradient[i + 3]!;
  }
  for (let i = whole; i < gradient.length; i++) a += gradient[i]! * gradient[i]!;
  return Math.sqrt(a + b + c + d);
}

/** One update. `scale` multiplies every gradient first (clipping). */
export function adamwUpdate(
  parameters: Float32Array,
  gradient: Float32Array,
  state: AdamState,
  segments: readonly Segment[],
  adam: AdamParams,
  scale: number,
): void {
  state.step += 1;
  const { learningRate, beta1, beta2, eps } = adam;
  const stepSize = learningRate / (1 - beta1 ** state.step);
  const rootCorrection = 1 / Math.sqrt(1 - beta2 ** state.step);
  const { firstMoment, secondMoment } = state;
  for (const { start, end, decays } of segments) {
    const keep = decays ? 1 - learningRate * adam.weightDecay : 1;
    for (let i = start; i < end; i++) {
      const g = gradient[i]! * scale;
      const m = beta1 * firstMoment[i]! + (1 - beta1) * g;
      const v = beta2 * secondMoment[i]! + (1 - beta2) * g * g;
      firstMoment[i] = m;
      secondMoment[i] = v;
      parameters[i] = parameters[i]! * keep - (stepSize * m) / (Math.sqrt(v) * rootCorrection + eps);
    }
  }
}

/** PyTorch's `clip_grad_norm_`: the factor that brings the norm down to `limit`; 0 = no limit. */
export function clipFactor(norm: number, limit: number): number {
  return limit > 0 && norm > limit ? limit / (norm + 1e-6) : 1;
}
