import { describe, expect, it } from 'vitest';
import { longestSequence, parseModelConfig, toHuggingFaceConfig } from './model-config.ts';

const base = {
  vocab_size: 50,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  max_position_embeddings: 8192,
};
const llama3Rope = {
  rope_type: 'llama3',
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};
const parse = (raw: object) => parseModelConfig({ ...base, ...raw }, 'test');

describe('what is not computed is refused by name', () => {
  it.each<[object, RegExp]>([
    [
      { model_type: 'gemma2' },
      /"model_type" is "gemma2", supported are "qwen2", "qwen3", "llama", "mistral"/,
    ],
    [{ model_type: 'qwen2_moe' }, /"qwen2_moe"/],
    [{ model_type: 'constructor' }, /"constructor"/],
    [
      { model_type: 'llama', rope_scaling: { rope_type: 'yarn', factor: 4 } },
      /"rope_scaling\.rope_type" is "yarn"/,
    ],
    [{ model_type: 'qwen2', rope_scaling: { type: 'dynamic', factor: 2 } }, /"dynamic"/],
    [
      { model_type: 'llama', rope_parameters: { rope_type: 'longrope', rope_theta: 1e4 } },
      /rope_parameters.*"longrope"/,
    ],
    [{ model_type: 'llama', rope_scaling: { rope_type: 'linear' } }, /"rope_scaling\.factor" is missing/],
    [{ model_type: 'llama', rope_scaling: { ...llama3Rope, low_freq_factor: 'x' } }, /low_freq_factor/],
    [
      { model_type: 'llama', rope_parameters: { full_attention: { rope_theta: 1 } } },
      /differs by kind of layer/,
    ],
    [{ model_type: 'llama', partial_rotary_factor: 0.5 }, /"partial_rotary_factor" is 0\.5/],
    [{ model_type: 'llama', hidden_act: 'gelu' }, /"hidden_act" is "gelu"/],
    [{ model_type: 'llama', mlp_bias: true }, /"mlp_bias"/],
    [{ model_type: 'qwen2', quantization_config: { bits: 4 } }, /"quantization_config"/],
    [{ model_type: 'qwen2', num_attention_heads: 6 }, /"num_key_value_heads"|"head_dim"/],
    [{ model_type: 'qwen3', layer_types: ['full_attention', 'chunked_attention'] }, /"chunked_attention"/],
    [
      {
        model_type: 'qwen2',
        use_sliding_window: true,
        sliding_window: 16,
        layer_types: ['sliding_attention', 'full_attention', 'sliding_attention', 'full_attention'],
      },
      /"layer_types" alternates/,
    ],
    [{ model_type: 'mistral', sliding_window: 'wide' }, /"sliding_window" is "wide"/],
  ])('%j', (raw, message) => {
    expect(() => parse(raw)).toThrowError(
      expect.objectContaining({ code: 'engine/unsupported-model', message: expect.stringMatching(message) }),
    );
  });
});

describe('what a config leaves out is what Python takes', () => {
  it.each<[object, object]>([
    [
      { model_type: 'qwen3', attention_bias: false },
      { headSize: 128, queryKeyNorm: true, outputBias: false },
    ],
    [
      { model_type: 'qwen2' },
      { headSize: 8, queryKeyNorm: false, queryKeyValueBias: true, outputBias: false },
    ],
    [
      { model_type: 'mistral', num_key_value_heads: undefined, max_position_embeddings: undefined },
      { keyValueHeadCount: 8, maxPositions: 131072, slidingWindow: { size: 4096, firstLayer: 0 } },
    ],
    [{ model_type: 'llama', num_key_value_heads: undefined }, { keyValueHeadCount: 8 }],
    [{ model_type: 'qwen2', num_key_value_heads: null }, { keyValueHeadCount: 8 }],
    // Both spellings, of which the newer one goes first.
    [
      { model_type: 'llama', rope_theta: 5e5 },
      { ropeTheta: 5e5, ropeScaling: undefined },
    ],
    [{ model_type: 'llama', rope_parameters: { rope_type: 'default', rope_theta: 7 } }, { ropeTheta: 7 }],
    [
      { model_type: 'llama', rope_scaling: { type: 'linear', factor: 2 }, rope_theta: 9 },
      { ropeTheta: 9, ropeScaling: { type: 'linear', factor: 2 } },
    ],
  ])('%j', (raw, expected) => {
    expect(parse(raw)).toMatchObject(expected);
  });
});

describe('sliding windows', () => {
  it.each<[object, number]>([
    [{ model_type: 'mistral', sliding_window: 1024 }, 1024],
    [{ model_type: 'mistral', sliding_window: null }, 8192],
    [{ model_type: 'mistral', sliding_window: 32768 }, 8192],
    [{ model_type: 'qwen2', use_sliding_window: true, sliding_window: 512, max_window_layers: 2 }, 512],
    // No layer has it, or it is switched off.
    [{ model_type: 'qwen2', use_sliding_window: true, sliding_window: 512, max_window_layers: 4 }, 8192],
    [{ model_type: 'qwen2', use_sliding_window: false, sliding_window: 512 }, 8192],
  ])('%j: sequences up to %i', (raw, longest) => {
    expect(longestSequence(parse(raw))).toBe(longest);
  });
});

it.each([
  { model_type: 'qwen2', use_sliding_window: true, sliding_window: 512, max_window_layers: 2 },
  { model_type: 'qwen3', head_dim: 16, attention_bias: true, tie_word_embeddings: true },
  { model_type: 'llama', rope_theta: 5e5, rope_scaling: llama3Rope },
  { model_type: 'llama', rope_scaling: { rope_type: 'linear', factor: 3 } },
  { model_type: 'mistral', sliding_window: null },
  { model_type: 'mistral', sliding_window: 64, head_dim: 10 },
])('comes back from what is written: %j', (raw) => {
  const config = parse(raw);
  expect(parseModelConfig(JSON.parse(JSON.stringify(toHuggingFaceConfig(config))), 'test')).toEqual(config);
});
