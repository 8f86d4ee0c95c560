/** Cosines and sines of rotary position embedding (arXiv 2104.09864 eq. 34), as in Hugging Face's Llama and Qwen2. */
import type { ModelConfig } from './model-config.ts';

export interface RotaryTables {
  /** [positions, headSize / 2]. */
  readonly shape: readonly [number, number];
  readonly cosine: Float32Array;
  readonly sine: Float32Array;
}

export function rotaryTables(config: ModelConfig, positions: number): RotaryTables {
  const half = config.headSize / 2;
  const cosine = new Float32Array(positions * half);
  const sine = new Float32Array(positions * half);
  for (let i = 0; i < half; i++) {
    // Python keeps inverse frequencies in float32; angles of late positions differ visibly if we did not.
    const frequency = Math.fround(1 / Math.fround(config.ropeTheta ** ((2 * i) / config.headSize)));
    for (let position = 0; position < positions; position++) {
      const angle = Math.fround(position * frequency);
      cosine[position * half + i] = Math.cos(angle);
      sine[position * half + i] = Math.sin(angle);
    }
  }
  return { shape: [positions, half], cosine, sine };
}
