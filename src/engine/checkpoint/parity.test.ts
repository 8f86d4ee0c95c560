import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../foundation/files.ts';
import { createRandom } from '../../foundation/random.ts';
import { floatWeights } from '../model/base-tensor.ts';
import { initializeAdapter, parseLoraConfig } from '../model/lora.ts';
import { parseModelConfig } from '../model/model-config.ts';
import { initializeWeights } from '../model/weights.ts';
import { DecodeSession } from '../sampling/decode-session.ts';
import { type Adapter, type DecodeWeights, mergeAdapter } from '../sampling/decode-weights.ts';
import { createDecoder } from '../sampling/decoder.ts';
import { prefillFeeds, prefillGraph } from '../sampling/prefill-graph.ts';
import { loadTokenizer } from '../tokenizer/tokenizer.ts';
import { trainWordTokenizer } from '../tokenizer/train-word-tokenizer.ts';
import { loadAdapter, saveAdapter, saveMergedModel } from './adapter-directory.ts';
import { loadModel, saveModel } from './model-directory.ts';

const python = join(packageRoot(), process.env.QUERENT_PYTHON ?? join('.venv', 'bin', 'python'));
const directory = mkdtempSync(join(tmpdir(), 'querent-parity-'));
afterAll(() => rmSync(directory, { recursive: true }));
const at = (name: string) => join(directory, name);

function runPython(jobs: readonly object[]): unknown[] {
  const script = join(packageRoot(), 'python', 'testing', 'parity_models.py');
  const options = { input: JSON.stringify(jobs), encoding: 'utf8', maxBuffer: 1e9 } as const;
  const { status, stdout, stderr } = spawnSync(python, [script], options);
  if (status !== 0) throw new Error(`Python failed:\n${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as unknown[];
}

const shape = {
  vocab_size: 67,
  hidden_size: 32,
  intermediate_size: 56,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  max_position_embeddings: 96,
  rms_norm_eps: 1e-5,
  bos_token_id: 1,
  eos_token_id: 2,
  pad_token_id: 0,
};
const models = {
  'qwen2, tied': { ...shape, model_type: 'qwen2', tie_word_embeddings: true },
  'qwen2, grouped heads, untied': {
    ...shape,
    model_type: 'qwen2',
    num_key_value_heads: 2,
    rope_theta: 1e6,
    tie_word_embeddings: false,
  },
  'llama, untied, no bias': { ...shape, model_type: 'llama', tie_word_embeddings: false },
  'llama, one key head, head size of its own': {
    ...shape,
    model_type: 'llama',
    num_key_value_heads: 1,
    head_dim: 12,
    attention_bias: true,
    tie_word_embeddings: true,
  },
  // Waves of all three kinds: with 16 original positions, 5 to 2,000 tokens long.
  'llama, rope scaled as in Llama 3, bf16 shards': {
    ...shape,
    model_type: 'llama',
    num_key_value_heads: 2,
    rope_theta: 500_000,
    rope_scaling: {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 16,
    },
    tie_word_embeddings: true,
  },
  'qwen2, linear rope scaling, fp16': {
    ...shape,
    model_type: 'qwen2',
    num_key_value_heads: 2,
    rope_scaling: { type: 'linear', factor: 3 },
    tie_word_embeddings: true,
  },
  'qwen3, head size of its own, tied': {
    ...shape,
    model_type: 'qwen3',
    num_key_value_heads: 2,
    head_dim: 12,
    rope_theta: 1e6,
    tie_word_embeddings: true,
  },
  'qwen3, biases, untied': {
    ...shape,
    model_type: 'qwen3',
    num_key_value_heads: 1,
    head_dim: 8,
    attention_bias: true,
    tie_word_embeddings: false,
  },
  'mistral, untied, with a window': {
    ...shape,
    model_type: 'mistral',
    num_key_value_heads: 2,
    head_dim: 10,
    sliding_window: 64,
    tie_word_embeddings: false,
  },
  'mistral, tied': {
    ...shape,
    model_type: 'mistral',
    num_key_value_heads: 4,
    sliding_window: null,
    tie_word_embeddings: true,
  },
};
/** How Python stores some of them; the others in fp32, in one file. */
const storage: Readonly<Record<string, object>> = {
  // Shards of 20 kB make several files of these models.
  'qwen2, grouped heads, untied': { shardBytes: '20kB' },
  'llama, rope scaled as in Llama 3, bf16 shards': { dtype: 'bfloat16', shardBytes: '20kB' },
  'qwen2, linear rope scaling, fp16': { dtype: 'float16' },
  'mistral, tied': { dtype: 'bfloat16' },
};
const lora = {
  r: 3,
  lora_alpha: 7,
  target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
};
const someLora = { r: 2, lora_alpha: 4, target_modules: ['q_proj', 'down_proj'], use_rslora: true };
const newTokens = 12;
const random = createRandom(8);
const prompts = [1, 2, 5, 17, 40].map((length) => Int32Array.from({ length }, () => random.int(67)));
const promptLists = prompts.map((prompt) => [...prompt]);

interface Reading {
  readonly logits: number[][];
  readonly greedy: number[][];
}

async function ourReading(source: Omit<DecodeWeights, 'mode'>): Promise<Reading> {
  const { config, weights, adapter } = source;
  const merged = adapter === undefined ? weights : mergeAdapter(config, floatWeights(weights), adapter);
  const graph = prefillGraph({ mode: 'embedded', config, weights: merged, adapter: undefined });
  const session = await DecodeSession.create(graph, 1);
  const output = await session.run(prefillFeeds(config, prompts, Float32Array.of(1)), [
    'probabilities',
    'logits',
  ]);
  const all = output('logits');
  const logits = prompts.map((_, i) => [...all.subarray(i * config.vocabSize, (i + 1) * config.vocabSize)]);
  await session.close();
  const decoder = createDecoder({ ...source, threads: 1 });
  const groups = await decoder.sample({
    prompts,
    samplesPerPrompt: 1,
    maxNewTokens: newTokens,
    temperature: 0,
    stopTokens: [],
    seed: 0,
  });
  await decoder.close();
  return { logits, greedy: groups.map(([one]) => [...one!.tokens]) };
}

function expectSame(ours: Reading, theirs: Reading): void {
  theirs.logits.forEach((row, i) => {
    const difference = Math.max(...row.map((value, v) => Math.abs(value - ours.logits[i]![v]!)));
    expect(difference).toBeLessThan(1e-4);
    // A model whose logits are all alike would agree by accident.
    expect(Math.max(...row) - Math.min(...row)).toBeGreaterThan(1);
  });
  expect(ours.greedy).toEqual(theirs.greedy);
}

function ourModel(raw: object): {
  config: ReturnType<typeof parseModelConfig>;
  weights: ReturnType<typeof initializeWeights>;
} {
  const config = parseModelConfig({ ...raw, initializer_range: 0.15 }, 'test');
  const weights = initializeWeights(config, createRandom(4));
  for (const [name, { data }] of weights) {
    const own = createRandom(5).fork(name);
    for (let i = 0; i < data.length; i++) data[i] = data[i]! + 0.1 * own.normal();
  }
  return { config, weights };
}

/** Rank-stabilised where the model has biases of its own, so that PEFT reads both kinds. */
function ourAdapter(config: ReturnType<typeof parseModelConfig>): Adapter {
  const loraConfig = parseLoraConfig(
    { rank: 4, alpha: 6, targetModules: ['v_proj', 'o_proj', 'up_proj'], useRslora: config.outputBias },
    'test',
  );
  const weights = initializeAdapter(config, loraConfig, createRandom(6));
  for (const [name, { data }] of weights) {
    const own = createRandom(7).fork(name);
    for (let i = 0; i < data.length; i++) data[i] = 0.3 * own.normal();
  }
  return { config: loraConfig, weights };
}

describe.skipIf(!existsSync(python))('with Python (skipped where there is no transformers)', () => {
  const names = Object.keys(models) as (keyof typeof models)[];
  let answers: Map<string, Reading>;

  beforeAll(async () => {
    const jobs: { key?: string; [more: string]: unknown }[] = [];
    for (const [i, name] of names.entries()) {
      const theirs = at(`theirs-${i}`);
      const ours = at(`ours-${i}`);
      const { config, weights } = ourModel(models[name]);
      await saveModel(ours, { config, weights });
      const adapter = ourAdapter(config);
      await saveAdapter(`${ours}-adapter`, { ...adapter, baseModel: ours });
      const reading = { do: 'logits', prompts: promptLists, newTokens };
      jobs.push(
        { do: 'make', directory: theirs, config: models[name], seed: i, ...storage[name] },
        {
          do: 'make-adapter',
          directory: `${theirs}-adapter`,
          base: theirs,
          lora: i === 2 ? someLora : lora,
          seed: 9,
        },
        { ...reading, directory: theirs, key: `${name}: theirs` },
        { ...reading, directory: theirs, adapter: `${theirs}-adapter`, key: `${name}: their adapter` },
        { ...reading, directory: ours, key: `${name}: ours` },
        { ...reading, directory: ours, adapter: `${ours}-adapter`, key: `${name}: our adapter` },
      );
    }
    const results = runPython(jobs);
    answers = new Map(
      jobs.flatMap(({ key }, i) => (key === undefined ? [] : [[key, results[i] as Reading] as const])),
    );
  }, 300_000);

  describe.each(names)('%s', (name) => {
    const i = names.indexOf(name);

    it('their model gives the same logits and greedy tokens here', async () => {
      const loaded = await loadModel(at(`theirs-${i}`));
      expectSame(await ourReading({ ...loaded, adapter: undefined }), answers.get(`${name}: theirs`)!);
    });

    it('their adapter too', async () => {
      const loaded = await loadModel(at(`theirs-${i}`));
      const adapter = await loadAdapter(at(`theirs-${i}-adapter`), loaded.config);
      const theirs = answers.get(`${name}: their adapter`)!;
      expectSame(await ourReading({ ...loaded, adapter }), theirs);
      expect(theirs.logits).not.toEqual(answers.get(`${name}: theirs`)!.logits);
    });

    it('our model gives the same logits and greedy tokens there', async () => {
      expectSame(
        await ourReading({ ...ourModel(models[name]), adapter: undefined }),
        answers.get(`${name}: ours`)!,
      );
    });

    it('their adapter, merged here, gives the logits that it gives there', async () => {
      const parts = { base: at(`theirs-${i}`), adapter: at(`theirs-${i}-adapter`) };
      await saveMergedModel(at(`merged-${i}`), parts);
      const merged = await loadModel(at(`merged-${i}`));
      expectSame(await ourReading({ ...merged, adapter: undefined }), answers.get(`${name}: their adapter`)!);
    });

    it('our adapter too', async () => {
      const model = ourModel(models[name]);
      expectSame(
        await ourReading({ ...model, adapter: ourAdapter(model.config) }),
        answers.get(`${name}: our adapter`)!,
      );
    });
  });

  it('their AutoTokenizer reads our model directory', async () => {
    const corpus = [
      'how many employees earn more than <v0> ?',
      'SELECT COUNT(*) FROM employees WHERE salary > <v0>',
    ];
    const tokenizerJson = trainWordTokenizer({ corpus, minCount: 1, specialTokens: ['<v0>'] });
    const tokenizer = loadTokenizer(tokenizerJson);
    const { config, weights } = ourModel({
      ...models['llama, untied, no bias'],
      vocab_size: tokenizer.vocabSize,
    });
    await saveModel(at('with-tokenizer'), { config, weights, tokenizerJson });
    const texts = [...corpus, 'Zürich employers’ wages', 'a<s>b ##c  \n d', ...randomTexts()];
    const [answer] = runPython([{ do: 'tokenize', directory: at('with-tokenizer'), texts }]) as [
      { ids: number[][]; decoded: string[]; special: string[]; size: number },
    ];
    expect(answer.special).toEqual(['<s>', '</s>', '<pad>', '<unk>']);
    expect(answer.size).toBe(tokenizer.vocabSize);
    texts.forEach((text, i) => {
      const ids = tokenizer.encode(text);
      expect([...ids], text).toEqual(answer.ids[i]);
      expect(tokenizer.decode(ids), text).toBe(answer.decoded[i]);
    });
    expect((await loadModel(at('with-tokenizer'))).tokenizerJson).toEqual(tokenizerJson);
  }, 120_000);
});

/** Thousands of odd strings: ASCII, Latin-1, other scripts, white space of every kind, special tokens inside words. */
function randomTexts(): string[] {
  const random = createRandom(99);
  const parts = [
    'employees',
    'SELECT',
    '<v0>',
    '<s>',
    '</s>',
    '##',
    '#',
    ' ',
    '\u00a0',
    '\u2003',
    '\u0085',
    '\ufeff',
    '語',
    '😀',
    'é',
    '\n',
  ];
  const piece = () =>
    random.chance(0.5) ? random.pick(parts) : String.fromCharCode(0x21 + random.int(0xde));
  return Array.from({ length: 3000 }, () =>
    Array.from({ length: random.int(12) }, piece).join(random.chance(0.5) ? ' ' : ''),
  );
}
