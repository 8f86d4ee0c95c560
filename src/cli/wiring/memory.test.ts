import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../engine/index.ts';
import { isQuerentError } from '../../foundation/errors.ts';
import { estimateTrainingBytes, refuseIfTooLarge, type TrainingSizes } from './memory.ts';

const sizes: TrainingSizes = {
  parameterCount: 6.9e6,
  trainableCount: 6.9e6,
  config: parseModelConfig(
    {
      ...{ model_type: 'qwen2', vocab_size: 2048, hidden_size: 256, intermediate_size: 688 },
      ...{ num_hidden_layers: 8, num_attention_heads: 4, num_key_value_heads: 4 },
    },
    'test',
  ),
  tokenBudget: 8192,
};

function nextOf(memoryBytes: number): string | undefined {
  try {
    refuseIfTooLarge(sizes, memoryBytes);
    return undefined;
  } catch (thrown) {
    return isQuerentError(thrown) ? thrown.next : String(thrown);
  }
}

describe('refuseIfTooLarge', () => {
  it('lets a run pass that fits', () => {
    expect(nextOf(estimateTrainingBytes(sizes))).toBeUndefined();
  });

  it('names a token budget that fits', () => {
    const next = nextOf(1.5e9);
    const budget = Number(/model\.tokenBudget=(\d+)/.exec(next ?? '')?.[1]);
    expect(budget).toBeLessThan(sizes.tokenBudget);
    expect(estimateTrainingBytes({ ...sizes, tokenBudget: budget })).toBeLessThanOrEqual(1.5e9);
    expect(estimateTrainingBytes({ ...sizes, tokenBudget: budget * 2 })).toBeGreaterThan(1.5e9);
  });

  it('says when the weights alone are too much', () => {
    expect(nextOf(0.5e9)).toMatch(/smaller model/);
  });
});
