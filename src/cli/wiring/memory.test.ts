import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../engine/index.ts';
import { estimateMemory } from '../../engine/runtime/memory-estimate.ts';
import { isQuerentError } from '../../foundation/errors.ts';
import type { PromptFormat } from '../../prompts/prompt-format.ts';
import { fitRequestOf, frozenBaseOf, type PlannedTraining, refuseIfTooLarge } from './memory.ts';

/** Prompts of as many tokens as the question has letters, statements of 10. */
const formatOf = (id: string): PromptFormat => ({
  id,
  stopTokens: [0],
  constraint: undefined,
  prepare: (question) => ({ question, promptTokens: new Int32Array(question.length), bindings: {} }),
  completionTokens: () => new Int32Array(10),
  parseCompletion: () => ({ sql: '', isComplete: false }),
});

const example = (length: number) => ({
  id: String(length),
  question: 'x'.repeat(length),
  sql: 'SELECT 1',
  databaseId: 'erp',
  tags: [],
});

const small: PlannedTraining = {
  policy: { parameterCount: 6.9e6, trainableCount: 6.9e6, maxLength: 256 },
  config: parseModelConfig(
    {
      ...{ model_type: 'qwen2', vocab_size: 2048, hidden_size: 256, intermediate_size: 688 },
      ...{ num_hidden_layers: 8, num_attention_heads: 4, num_key_value_heads: 4 },
    },
    'test',
  ),
  format: formatOf('compact'),
  examples: [example(40), example(118), example(70)],
  tokenBudget: 8192,
  baseWeights: undefined,
  storedBase: undefined,
  rank: undefined,
};

/** The shape of Qwen2.5-Coder-1.5B. */
const large: PlannedTraining = {
  ...small,
  policy: { parameterCount: 1.5437e9, trainableCount: 18.5e6, maxLength: 4096 },
  config: parseModelConfig(
    {
      ...{ model_type: 'qwen2', vocab_size: 151_936, hidden_size: 1536, intermediate_size: 8960 },
      ...{ num_hidden_layers: 28, num_attention_heads: 12, num_key_value_heads: 2 },
      ...{ tie_word_embeddings: true },
    },
    'test',
  ),
  format: formatOf('chat'),
  examples: [example(1014)],
  tokenBudget: 2048,
  rank: 16,
};

function refusalOf(planned: PlannedTraining, memory: number) {
  try {
    refuseIfTooLarge(planned, memory);
    return undefined;
  } catch (thrown) {
    if (!isQuerentError(thrown)) throw thrown;
    return { message: thrown.message, next: thrown.next ?? '' };
  }
}

const peakOf = (planned: PlannedTraining): number => estimateMemory(fitRequestOf(planned)).peak;

describe('what is asked of the estimate', () => {
  it('is the longest example, and as many of them as run at once', () => {
    expect(fitRequestOf(small)).toMatchObject({ method: 'full', length: 128, batch: 64 });
    expect(fitRequestOf(large)).toMatchObject({ method: 'lora', length: 1024, batch: 2, rank: 16 });
  });

  it('knows how frozen weights lie in memory', () => {
    const weights = (changed: Partial<PlannedTraining>): number =>
      estimateMemory(fitRequestOf({ ...large, ...changed })).parts.weights / 1.5437e9;
    expect(weights({})).toBeCloseTo(2, 0);
    expect(weights({ baseWeights: 'fp32' })).toBeCloseTo(4, 1);
    expect(weights({ storedBase: frozenBaseOf({ torch_dtype: 'float32' }) })).toBeCloseTo(4, 1);
    expect(weights({ storedBase: frozenBaseOf({ dtype: 'bfloat16' }) })).toBeCloseTo(2, 0);
    expect(weights({ baseWeights: 'int8' })).toBeLessThan(1.2);
    expect(weights({ baseWeights: 'int4' })).toBeLessThan(0.8);
  });
});

describe('refuseIfTooLarge', () => {
  it('lets a run pass that fits, to the byte', () => {
    for (const planned of [small, large]) {
      expect(refusalOf(planned, peakOf(planned))).toBeUndefined();
      expect(refusalOf(planned, peakOf(planned) - 1)).toBeDefined();
    }
  });

  it('names a token budget that fits, the largest by halves, and what it saves', () => {
    const memory = 0.7 * peakOf(small);
    const { next } = refusalOf(small, memory)!;
    const [, budget, peak, saved] =
      /--set model\.tokenBudget=(\d+) \(now 8192\) needs ([\d.]+) GB, ([\d.]+) GB less/.exec(next)!;
    expect(peakOf({ ...small, tokenBudget: Number(budget) })).toBeLessThanOrEqual(memory);
    expect(peakOf({ ...small, tokenBudget: 2 * Number(budget) })).toBeGreaterThan(memory);
    expect(Number(peak) + Number(saved)).toBeCloseTo(peakOf(small) / 1e9, 0);
  });

  it('offers a language model 4 bits besides, with settings that fit', () => {
    const memory = 0.85 * peakOf(large);
    const { next } = refusalOf(large, memory)!;
    expect(next).toMatch(/--set model\.baseWeights=int4 needs/);
    expect(peakOf({ ...large, baseWeights: 'int4' })).toBeLessThanOrEqual(memory);
  });

  it('says how far away a run is that nothing makes fit', () => {
    expect(refusalOf(small, 0.2e9)!.next).toMatch(/smaller model .* machine with 0\.\d GB more memory/);
    const { message, next } = refusalOf(large, 1e9)!;
    expect(message).toMatch(/needs about \d+\.\d GB, and 1\.0 GB are left/);
    expect(next).toMatch(/^The most that settings save is too little: .*int4.*smaller model/);
  });
});
