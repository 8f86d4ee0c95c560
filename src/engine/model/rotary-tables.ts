/**
 * Cosines and sines of rotary position embedding (arXiv 2104.09864 eq. 34), as in Hugging Face's models. Python keeps
 * frequencies in float32, step by step; angles of late positions would differ visibly if we did not.
 */
import type { ModelConfig } from './model-config.ts';
import type { RopeScaling } from './rope-config.ts';

export interface RotaryTables {
  /** [positions, headSize / 2]. */
  readonly shape: readonly [number, number];
  readonly cosine: Float32Array;
  readonly sine: Float32Array;
}

const { fround } = Math;

/**
 * One frequency after scaling. `llama3` follows transformers' `_compute_llama3_parameters`: waves longer than the original
 * context divided by `lowFrequencyFactor` are slowed by `factor`, those shorter than it divided by
 * `highFrequencyFactor` stay, and between both the two are blended.
 */
function scaled(frequency: number, scaling: RopeScaling | undefined): number {
  if (scaling === undefined) return frequency;
  const slowed = fround(frequency / scaling.factor);
  if (scaling.type === 'linear') return slowed;
  const { lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions } = scaling;
  const wave = fround((2 * Math.PI) / frequency);
  if (wave > originalPositions / low) return slowed;
  if (wave < originalPositions / high) return frequency;
  const share = fround(fround(fround(originalPositions / wave) - low) / (high - low));
  return fround(fround(fround(fround(1 - share) * frequency) / scaling.factor) + fround(share * frequency));
}

export function rotaryTables(config: ModelConfig, positions: number): RotaryTables {
  const half = config.headSize / 2;
  const cosine = new Float32Array(positions * half);
  const sine = new Float32Array(positions * half);
  for (let i = 0; i < half; i++) {
    const plain = fround(1 / fround(config.ropeTheta ** fround((2 * i) / config.headSize)));
    const frequency = scaled(plain, config.ropeScaling);
    for (let position = 0; position < positions; position++) {
      const angle = fround(position * frequency);
      cosine[position * half + i] = Math.cos(angle);
      sine[position * half + i] = Math.sin(angle);
    }
  }
  return { shape: [positions, half], cosine, sine };
}
