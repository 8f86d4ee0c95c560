/** The estimate against peaks that were measured (docs/experiments.md, "memory of a training pass" and "halves"). */
import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../model/model-config.ts';
import { estimateMemory, type FitRequest } from './memory-estimate.ts';

function config(sizes: readonly [number, number, number, number, number, number]) {
  const [hidden, intermediate, layers, vocabulary, heads, keyValueHeads] = sizes;
  return parseModelConfig(
    {
      ...{
        model_type: 'qwen2',
        hidden_size: hidden,
        intermediate_size: intermediate,
        vocab_size: vocabulary,
      },
      ...{ num_hidden_layers: layers, num_attention_heads: heads, num_key_value_heads: keyValueHeads },
      tie_word_embeddings: true,
    },
    'test',
  );
}

const base = { device: 'in-process', rank: 16 } as const;
const wide = config([896, 4864, 6, 32_000, 14, 2]);

/** Megabytes. */
const measured: readonly (readonly [name: string, request: FitRequest, peak: number])[] = [
  [
    '128 wide, 20 x 96',
    { ...base, config: config([128, 336, 4, 600, 4, 4]), method: 'full', batch: 20, length: 96 },
    311,
  ],
  [
    '128 wide, 80 x 96',
    { ...base, config: config([128, 336, 4, 600, 4, 4]), method: 'full', batch: 80, length: 96 },
    640,
  ],
  [
    '256 wide, 32 x 96',
    { ...base, config: config([256, 688, 4, 2048, 4, 4]), method: 'full', batch: 32, length: 96 },
    631,
  ],
  [
    '256 wide, 8 layers',
    { ...base, config: config([256, 688, 8, 2048, 4, 4]), method: 'full', batch: 32, length: 96 },
    970,
  ],
  [
    '512 wide, 8 x 256',
    { ...base, config: config([512, 1376, 4, 2048, 8, 8]), method: 'full', batch: 8, length: 256 },
    987,
  ],
  ['LoRA over float32', { ...base, config: wide, method: 'lora', base: 'fp32', batch: 2, length: 128 }, 803],
  [
    'LoRA over bfloat16',
    { ...base, config: wide, method: 'lora', base: 'halves', batch: 2, length: 128 },
    608,
  ],
];

describe('estimateMemory', () => {
  it.each(measured)('%s: within 15%% of the measured peak', (_, request, peak) => {
    const ratio = estimateMemory(request).peak / 1e6 / peak;
    expect(ratio).toBeGreaterThan(0.85);
    expect(ratio).toBeLessThan(1.15);
  });

  it('counts logits no further than micro-batches let them grow', () => {
    const request = { ...base, config: wide, method: 'lora', length: 256 } as const;
    const logits = (batch: number): number => estimateMemory({ ...request, batch }).parts.logits;
    expect(logits(8)).toBeGreaterThan(logits(4));
    expect(logits(640)).toBe(logits(320));
  });
});
