/** The shape of Qwen2.5-Coder-0.5B, and random weights of it as a checkpoint, made by Python once for both sides. */
import { join } from 'node:path';
import { type BenchOptions, startPython } from '../harness.ts';

export const halfBillion = {
  model_type: 'qwen2',
  architectures: ['Qwen2ForCausalLM'],
  vocab_size: 151936,
  hidden_size: 896,
  intermediate_size: 4864,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  max_position_embeddings: 32768,
  rope_theta: 1000000,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
};

/** As deep and wide as `--quick` needs to show that the suite runs. */
const tiny = {
  ...halfBillion,
  vocab_size: 20000,
  hidden_size: 64,
  intermediate_size: 192,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 1024,
};

export type ModelShape = typeof halfBillion;

export function shapeOf(options: BenchOptions): ModelShape {
  return options.quick ? tiny : halfBillion;
}

/** A directory under `folder` with random weights in bfloat16. */
export async function randomCheckpoint(python: string, shape: ModelShape, folder: string): Promise<string> {
  const directory = join(folder, 'model');
  const maker = startPython(python, 'llm_lora.py');
  try {
    await maker.call('make', { directory, config: shape });
    return directory;
  } finally {
    await maker.close();
  }
}
