/**
 * AdamW (arXiv 1711.05101, algorithm 2) over flat arrays, in place, with the same formulas as PyTorch's:
 *   m ← β₁ m + (1−β₁) g;  v ← β₂ v + (1−β₂) g²;  p ← p (1 − η λ) − η/(1−β₁ᵗ) · m / (√v / √(1−β₂ᵗ) + ε).
 * It knows hyperparameters and which ranges decay; the loop itself is in `flat-memory.ts`.
 */
import type { AdamParams } from '../policy.ts';
import { alignUp, type FlatMemory } from './flat-memory.ts';

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

export function createAdamState(memory: FlatMemory, size: number): AdamState {
  return { firstMoment: memory.allocate(size), secondMoment: memory.allocate(size), step: 0 };
}

/** One update. `scale` multiplies every gradient first (clipping). Ranges are rounded up to whole lanes. */
export function adamwUpdate(
  memory: FlatMemory,
  parameters: Float32Array,
  gradient: Float32Array,
  state: AdamState,
  segments: readonly Segment[],
  adam: AdamParams,
  scale: number,
): void {
  state.step += 1;
  const { learningRate, beta1, beta2, eps, weightDecay } = adam;
  const { firstMoment, secondMoment } = state;
  const numbers = {
    scale,
    beta1,
    beta2,
    eps,
    stepSize: learningRate / (1 - beta1 ** state.step),
    rootCorrection: 1 / Math.sqrt(1 - beta2 ** state.step),
  };
  for (const { start, end, decays } of segments) {
    const keep = decays ? 1 - learningRate * weightDecay : 1;
    const arrays = { parameters, gradient, firstMoment, secondMoment };
    memory.adamw(arrays, start, alignUp(end), { ...numbers, keep });
  }
}

/** PyTorch's `clip_grad_norm_`: the factor that brings the norm down to `limit`; 0 = no limit. */
export function clipFactor(norm: number, limit: number): number {
  return limit > 0 && norm > limit ? limit / (norm + 1e-6) : 1;
}
