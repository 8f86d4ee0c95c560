import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../foundation/random.ts';
import { floatWeights } from '../model/base-tensor.ts';
import { parseLoraConfig } from '../model/lora.ts';
import type { ModelConfig } from '../model/model-config.ts';
import type { Datum, SampledSequence, SampleRequest } from '../policy.ts';
import { tinyLlamaRaw, tinyRaw, tinyTrainer } from '../runtime/test-models.ts';
import type { Trainer } from '../runtime/trainer.ts';
import { createDecoder, type Decoder, type DecoderOptions } from './decoder.ts';

const closing: { close(): unknown }[] = [];
afterAll(async () => {
  for (const one of closing) await one.close();
});

function opened<T extends { close(): unknown }>(one: T): T {
  closing.push(one);
  return one;
}

const config = (trainer: Trainer): ModelConfig => trainer.options.config;

function decoderOf(trainer: Trainer, options: Partial<DecoderOptions> = {}): Decoder {
  const { weights, lora } = trainer.options;
  const adapter = lora === undefined ? {} : { adapter: { config: lora.config, weights: lora.adapter } };
  return opened(createDecoder({ config: config(trainer), weights, threads: 1, ...adapter, ...options }));
}

const random = createRandom(21);
const prompts = [5, 1, 9, 2, 7, 3, 4].map((length) => Int32Array.from({ length }, () => random.int(29)));
const request: SampleRequest = {
  prompts,
  samplesPerPrompt: 1,
  maxNewTokens: 20,
  temperature: 0.8,
  stopTokens: [0, 1],
  seed: 3,
};

/** Log-probabilities of sampled tokens by the training code, which shares no graph with the decoder. */
async function referenceLogprobs(
  trainer: Trainer,
  prompt: Int32Array,
  tokens: Int32Array,
  temperature: number,
) {
  const all = Int32Array.of(...prompt, ...tokens);
  const datum: Datum = {
    inputTokens_T: all.slice(0, -1),
    targetTokens_T: all.slice(1),
    weights_T: Float32Array.from({ length: all.length - 1 }, (_, i) => (i >= prompt.length - 1 ? 1 : 0)),
  };
  const [logprobs] = await trainer.logprobs([datum], { temperature });
  return logprobs!.slice(prompt.length - 1);
}

const tokensOf = (groups: readonly (readonly SampledSequence[])[]) =>
  groups.map((group) => group.map(({ tokens }) => [...tokens]));

const models = {
  'qwen2, tied, two query heads a key head': { raw: tinyRaw },
  'llama, untied, biases on all projections': { raw: tinyLlamaRaw },
  'matrices large enough for products the other way round': {
    raw: {
      ...tinyRaw,
      hidden_size: 512,
      intermediate_size: 520,
      num_hidden_layers: 1,
      initializer_range: 0.05,
    },
  },
  'one key head, odd head size': { raw: { ...tinyRaw, num_key_value_heads: 1, head_dim: 6 } },
  adapter: {
    raw: tinyRaw,
    lora: { rank: 3, alpha: 5, targetModules: ['q_proj', 'v_proj', 'o_proj', 'up_proj', 'down_proj'] },
  },
} as const;

describe.each(Object.entries(models))('%s', (_name, { raw, ...rest }) => {
  const trainer = opened(tinyTrainer({ raw, ...(rest as { lora?: never }) }));

  it.each([
    ['embedded', 1, 64],
    ['embedded', 4, 64],
    ['fed', 1, 3],
    ['fed', 3, 7],
  ] as const)(
    'agrees with the training graph on every token: %s, %i samples, %i rows',
    async (weightMode, samplesPerPrompt, rowsMax) => {
      const decoder = decoderOf(trainer, { weightMode, rowsMax });
      const groups = await decoder.sample({ ...request, samplesPerPrompt });
      expect(groups.map((group) => group.length)).toEqual(prompts.map(() => samplesPerPrompt));
      for (const [i, group] of groups.entries()) {
        for (const { tokens, policyLogprobs, logprobs } of group) {
          const expected = await referenceLogprobs(trainer, prompts[i]!, tokens, 0.8);
          expect(policyLogprobs.length).toBe(tokens.length);
          expected.forEach((value, t) => {
            expect(Math.abs(value - policyLogprobs[t]!)).toBeLessThan(1e-4);
            expect(Math.abs(value - logprobs[t]!)).toBeLessThan(1e-4);
          });
        }
      }
    },
  );

  it('draws the same whatever else is in the batch', async () => {
    const all = tokensOf(await decoderOf(trainer).sample({ ...request, samplesPerPrompt: 5 }));
    const inParts = await decoderOf(trainer, { rowsMax: 2 }).sample({ ...request, samplesPerPrompt: 5 });
    expect(tokensOf(inParts)).toEqual(all);
    const first = await decoderOf(trainer, { rowsMax: 1 }).sample(request);
    expect(tokensOf(first)).toEqual(all.map((group) => [group[0]]));
  });

  it('draws samples that begin alike as it draws each alone', async () => {
    const sharp = { ...request, temperature: 0.2, samplesPerPrompt: 7 };
    const together = tokensOf(await decoderOf(trainer).sample(sharp));
    expect(together).toEqual(tokensOf(await decoderOf(trainer, { rowsMax: 1 }).sample(sharp)));
    const inCommon = (a: readonly number[], b: readonly number[]): number => {
      const parted = a.findIndex((token, at) => token !== b[at]);
      return parted < 0 ? a.length : parted;
    };
    const partings = together.flatMap((group) =>
      group.flatMap((a) => group.map((b) => inCommon(a, b)).filter((length) => length < a.length)),
    );
    expect(Math.max(...partings)).toBeGreaterThan(1);
  });

  it('gives up on samples that have become too improbable', async () => {
    const sumOf = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0);
    const wanted = { ...request, samplesPerPrompt: 5 };
    const whole = (await decoderOf(trainer).sample(wanted)).flat();
    const minLogprob = -6;
    const cut = (await decoderOf(trainer).sample({ ...wanted, minLogprob })).flat();
    for (const [i, { tokens, policyLogprobs, stopReason }] of cut.entries()) {
      expect([...tokens]).toEqual([...whole[i]!.tokens.subarray(0, tokens.length)]);
      expect(sumOf(policyLogprobs.subarray(0, -1))).toBeGreaterThanOrEqual(minLogprob);
      if (stopReason === 'improbable') expect(sumOf(policyLogprobs)).toBeLessThan(minLogprob);
      else expect(tokens.length).toBe(whole[i]!.tokens.length);
    }
    expect(new Set(cut.map(({ stopReason }) => stopReason))).toContain('improbable');
  });

  it('is greedy at temperature 0: each token is what the prompt so far gives', async () => {
    const decoder = decoderOf(trainer);
    const greedy = { ...request, temperature: 0, maxNewTokens: 8, stopTokens: [] };
    const groups = await decoder.sample(greedy);
    for (let t = 0; t < 8; t++) {
      const longer = prompts.map((prompt, i) =>
        Int32Array.of(...prompt, ...groups[i]![0]!.tokens.slice(0, t)),
      );
      const next = await decoder.sample({ ...greedy, prompts: longer, maxNewTokens: 1 });
      expect(next.map(([one]) => one!.tokens[0])).toEqual(groups.map(([one]) => one!.tokens[t]));
      expect(next.map(([one]) => one!.logprobs[0])).toEqual(prompts.map(() => 0));
    }
  });
});

describe('decoder', () => {
  const trainer = opened(tinyTrainer());

  it('ends at a stop token, at maxNewTokens, and where the model ends', async () => {
    const decoder = decoderOf(trainer);
    const groups = await decoder.sample({ ...request, samplesPerPrompt: 16 });
    for (const { tokens, stopReason } of groups.flat()) {
      const stops = [...tokens].map((token) => token < 2);
      expect(stops.indexOf(true)).toBe(stopReason === 'stop' ? tokens.length - 1 : -1);
      if (stopReason === 'length') expect(tokens.length).toBe(20);
    }
    expect(new Set(groups.flat().map((one) => one.stopReason)).size).toBe(2);
    const long = Int32Array.from({ length: 60 }, (_, i) => i % 29);
    const [[sequence]] = (await decoder.sample({ ...request, prompts: [long], stopTokens: [] })) as [
      [SampledSequence],
    ];
    expect([sequence.tokens.length, sequence.stopReason]).toEqual([4, 'length']);
  });

  it('gives the same for the same seed, and something else for another', async () => {
    const decoder = decoderOf(trainer);
    const once = await decoder.sample({ ...request, samplesPerPrompt: 3 });
    expect(await decoder.sample({ ...request, samplesPerPrompt: 3 })).toEqual(once);
    expect(tokensOf(await decoder.sample({ ...request, samplesPerPrompt: 3, seed: 4 }))).not.toEqual(
      tokensOf(once),
    );
    expect(tokensOf(once)[0]![0]).not.toEqual(tokensOf(once)[0]![1]);
  });

  it('reports filtered and unfiltered log-probabilities apart', async () => {
    const decoder = decoderOf(trainer);
    const groups = await decoder.sample({ ...request, topK: 3, samplesPerPrompt: 2 });
    const sequences = groups.flat();
    const differences = sequences.flatMap(({ logprobs, policyLogprobs }) =>
      [...logprobs].map((p, t) => p - policyLogprobs[t]!),
    );
    expect(Math.min(...differences)).toBeGreaterThanOrEqual(-1e-6);
    expect(Math.max(...differences)).toBeGreaterThan(0.1);
    const [sequence] = groups[0]!;
    const expected = await referenceLogprobs(trainer, prompts[0]!, sequence!.tokens, 0.8);
    expected.forEach((value, t) => {
      expect(Math.abs(value - sequence!.policyLogprobs[t]!)).toBeLessThan(1e-4);
    });
  });

  it('follows new weights and a new adapter', async () => {
    const weights = floatWeights(trainer.options.weights);
    for (const weightMode of ['embedded', 'fed'] as const) {
      const decoder = opened(createDecoder({ config: config(trainer), weights, threads: 1, weightMode }));
      const before = tokensOf(await decoder.sample(request));
      const other = opened(tinyTrainer({ lora: { rank: 2, alpha: 4 } }));
      const { lora } = other.options;
      decoder.updateWeights({ adapter: { config: lora!.config, weights: lora!.adapter } });
      const after = tokensOf(await decoder.sample(request));
      expect(after).not.toEqual(before);
      const whole = decoderOf(other);
      expect(tokensOf(await whole.sample(request))).toEqual(after);
      const silent = new Map(
        [...lora!.adapter].map(([name, { shape, data }]) => [name, { shape, data: data.map(() => 0) }]),
      );
      decoder.updateWeights({
        adapter: { config: parseLoraConfig({ rank: 2, alpha: 4 }, 'test'), weights: silent },
      });
      expect(tokensOf(await decoder.sample(request))).toEqual(before);
    }
  });

  it.each(['embedded', 'fed'] as const)('follows new values in the same arrays: %s', async (weightMode) => {
    const copy = new Map(
      [...floatWeights(trainer.options.weights)].map(([name, { shape, data }]) => [
        name,
        { shape, data: data.slice() },
      ]),
    );
    const decoder = opened(createDecoder({ config: config(trainer), weights: copy, threads: 1, weightMode }));
    const before = tokensOf(await decoder.sample(request));
    const { data } = copy.get('model.layers.0.mlp.down_proj.weight')!;
    const old = data.slice();
    for (let i = 0; i < data.length; i++) data[i] = -data[i]!;
    decoder.updateWeights();
    expect(tokensOf(await decoder.sample(request))).not.toEqual(before);
    data.set(old);
    decoder.updateWeights();
    expect(tokensOf(await decoder.sample(request))).toEqual(before);
  });

  it('never writes to the weights it was given', async () => {
    const copies = new Map(
      [...floatWeights(trainer.options.weights)].map(([name, { data }]) => [name, data.slice()]),
    );
    for (const weightMode of ['embedded', 'fed'] as const)
      await decoderOf(trainer, { weightMode }).sample({ ...request, samplesPerPrompt: 2 });
    for (const [name, { data }] of floatWeights(trainer.options.weights))
      expect(data).toEqual(copies.get(name));
  });
});

it('says that a model has diverged, and samples again once it has weights', async () => {
  const trainer = opened(tinyTrainer());
  const weights = floatWeights(trainer.options.weights);
  const decoder = opened(createDecoder({ config: config(trainer), weights, threads: 1 }));
  const before = tokensOf(await decoder.sample(request));
  const { shape, data } = weights.get('model.layers.1.self_attn.v_proj.weight')!;
  const broken = new Map(weights).set('model.layers.1.self_attn.v_proj.weight', {
    shape,
    data: data.map(() => Number.NaN),
  });
  decoder.updateWeights({ weights: broken });
  await expect(decoder.sample(request)).rejects.toMatchObject({ code: 'engine/not-finite' });
  decoder.updateWeights({ weights });
  expect(tokensOf(await decoder.sample(request))).toEqual(before);
});

describe('token constraints', () => {
  /** Even tokens after the first; the state counts. Token 28 stops and is always allowed. */
  const source = `
    export const evens = ({ vocab }) => ({
      start: (prompt) => ({ count: 0, first: prompt[0] }),
      mask: (state, allowed) => {
        if (allowed.length !== vocab || allowed.some((one) => one !== 1)) throw new Error('not fresh');
        for (let v = 0; v < allowed.length; v++) if (v % 2 !== 0 || state.count < 3 && v === 28) allowed[v] = 0;
      },
      advance: (state, token) => ({ ...state, count: state.count + 1, last: token }),
    });
    export const nothing = () => ({ start: () => 0, mask: (_, allowed) => allowed.fill(0), advance: (s) => s });
    export const made = [];
    export const counted = (options) => {
      made.push(options.name);
      return { start: () => 0, mask: () => {}, advance: (s) => s };
    };
    export const noFunction = 3;`;
  const moduleUrl = `data:text/javascript,${encodeURIComponent(source)}`;
  const trainer = opened(tinyTrainer());
  const spec = (exportName: string) => ({ moduleUrl, exportName, options: { vocab: 29 } });

  it.each([0, 1])('keeps to what is allowed, at temperature %d', async (temperature) => {
    const decoder = decoderOf(trainer, { rowsMax: 6 });
    const constrained = {
      ...request,
      temperature,
      samplesPerPrompt: 3,
      stopTokens: [28],
      constraint: spec('evens'),
    };
    for (const group of await decoder.sample(constrained)) {
      for (const { tokens, stopReason, logprobs, policyLogprobs } of group) {
        expect([...tokens].every((token) => token % 2 === 0)).toBe(true);
        expect([...tokens.slice(0, 3)]).not.toContain(28);
        if (stopReason === 'stop') expect(tokens.at(-1)).toBe(28);
        logprobs.forEach((p, t) => {
          expect(p).toBeGreaterThanOrEqual(policyLogprobs[t]! - 1e-6);
        });
      }
    }
  });

  it('makes a constraint once for each key, and for each call without one', async () => {
    const decoder = decoderOf(trainer);
    const sample = (name: string, key?: string) =>
      decoder.sample({
        ...request,
        constraint: {
          moduleUrl,
          exportName: 'counted',
          options: { name },
          ...(key === undefined ? {} : { key }),
        },
      });
    for (const [name, key] of [['a', '1'], ['b', '2'], ['a again', '1'], ['c'], ['c']] as const)
      await sample(name, key);
    const { made } = (await import(moduleUrl)) as { made: readonly string[] };
    expect(made).toEqual(['a', 'b', 'c', 'c']);
  });

  it.each([
    ['nothing', 'engine/constraint-dead-end'],
    ['noFunction', 'engine/constraint-unavailable'],
    ['absent', 'engine/constraint-unavailable'],
  ])('says what is wrong with %s', async (name, code) => {
    const decoder = decoderOf(trainer);
    await expect(decoder.sample({ ...request, constraint: spec(name) })).rejects.toMatchObject({ code });
    expect((await decoder.sample(request)).length).toBe(prompts.length);
  });
});

it.each([
  [{ prompts: [Int32Array.of()] }, /prompt 0 is empty/],
  [{ prompts: [Int32Array.of(1), Int32Array.of(29)] }, /prompt 1 holds the token 29/],
  [{ prompts: [new Int32Array(64)] }, /prompt 0 has 64 tokens/],
  [{ samplesPerPrompt: 0 }, /samplesPerPrompt is 0/],
  [{ maxNewTokens: 1.5 }, /maxNewTokens is 1.5/],
  [{ temperature: -1 }, /temperature is -1/],
  [{ topK: 0 }, /topK is 0/],
  [{ topP: 0 }, /topP is 0/],
  [{ minProbability: 1 }, /minProbability is 1/],
  [{ seed: Number.NaN }, /seed is NaN/],
])('refuses %j', (change, message) => {
  const decoder = decoderOf(opened(tinyTrainer()));
  expect(() => decoder.sample({ ...request, ...change })).toThrow(message);
});

it('answers no prompts with no groups', async () => {
  const decoder = decoderOf(opened(tinyTrainer()));
  expect(await decoder.sample({ ...request, prompts: [] })).toEqual([]);
});
