import { describe, expect, it } from 'vitest';
import { knownModel, knownModelNames } from './known-models.ts';
import { parameterCount } from './weights.ts';

describe('known models', () => {
  // As the hub counts them in the safetensors of each repository.
  it.each([
    ['Qwen/Qwen2.5-Coder-0.5B', 494_032_768],
    ['Qwen/Qwen2.5-Coder-1.5B-Instruct', 1_543_714_304],
    ['Qwen/Qwen2.5-Coder-3B', 3_085_938_688],
    ['qwen2.5-coder-7b-instruct', 7_615_616_512],
    ['Qwen/Qwen2.5-Coder-14B', 14_770_033_664],
    ['Qwen/Qwen2.5-Coder-32B-Instruct', 32_763_876_352],
    ['meta-llama/Llama-3.2-1B-Instruct', 1_235_814_400],
    ['meta-llama/Llama-3.2-3B', 3_212_749_824],
    ['meta-llama/Llama-3.1-8B-Instruct', 8_030_261_248],
    ['meta-llama/Llama-3.1-70B', 70_553_706_496],
    ['mistralai/Mistral-7B-v0.1', 7_241_732_096],
    ['mistralai/Mistral-7B-Instruct-v0.3', 7_248_023_552],
  ])('%s has %i parameters', (name, parameters) => {
    expect(parameterCount(knownModel(name)!.config)).toBe(parameters);
  });

  it('knows no other name, and says where each shape is from', () => {
    expect(knownModel('Qwen/Qwen2.5-Coder-9B')).toBeUndefined();
    for (const name of knownModelNames) expect(knownModel(name)!.source).toContain(`huggingface.co/${name}/`);
  });
});
