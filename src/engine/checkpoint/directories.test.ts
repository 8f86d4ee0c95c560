import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { isQuerentError } from '../../foundation/errors.ts';
import { createRandom } from '../../foundation/random.ts';
import { adapterNames, initializeAdapter, parseLoraConfig } from '../model/lora.ts';
import { parseModelConfig } from '../model/model-config.ts';
import { initializeWeights, OUTPUT_NAME } from '../model/weights.ts';
import { trainWordTokenizer } from '../tokenizer/train-word-tokenizer.ts';
import { loadAdapter, saveAdapter, saveMergedModel } from './adapter-directory.ts';
import { fingerprintOf } from './base-model.ts';
import { loadModel, saveModel } from './model-directory.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

const root = mkdtempSync(join(tmpdir(), 'querent-directories-'));
afterAll(() => rmSync(root, { recursive: true }));

const raw = {
  model_type: 'llama',
  vocab_size: 11,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 32,
  tie_word_embeddings: true,
  bos_token_id: 1,
  eos_token_id: 2,
  pad_token_id: 0,
};
const config = parseModelConfig(raw, 'test');
const weights = initializeWeights(config, createRandom(1));
const lora = parseLoraConfig({ rank: 2, alpha: 4, targetModules: ['q_proj', 'up_proj'] }, 'test');
const adapter = initializeAdapter(config, lora, createRandom(2));

let directory: string;
let count = 0;
beforeEach(() => {
  directory = join(root, `d${count++}`);
});

async function edit(name: string, change: (value: Record<string, unknown>) => void): Promise<void> {
  const path = join(directory, name);
  const value = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  change(value);
  await writeFile(path, JSON.stringify(value));
}

describe('a model directory', () => {
  it('gives back what was saved, with the files that Python expects', async () => {
    const tokenizerJson = trainWordTokenizer({ corpus: ['a b'] });
    await saveModel(directory, { config, weights, tokenizerJson });
    expect((await readdir(directory)).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const loaded = await loadModel(directory);
    expect(loaded.config).toEqual(config);
    expect([...loaded.weights.keys()]).toEqual([...weights.keys()]);
    expect(loaded.weights).toEqual(
      new Map([...weights].map(([name, { shape, data }]) => [name, { shape: [...shape], data }])),
    );
    expect(loaded.tokenizerJson).toEqual(JSON.parse(JSON.stringify(tokenizerJson)));
  });

  it('replaces an older model as a whole, and nothing that is no model', async () => {
    await saveModel(directory, { config, weights, tokenizerJson: trainWordTokenizer({ corpus: [] }) });
    await saveModel(directory, { config, weights, dtype: 'F16' });
    expect(await readdir(directory)).not.toContain('tokenizer.json');
    const half = (await loadModel(directory)).weights.get('model.norm.weight')!.data;
    expect([...half]).toEqual([...weights.get('model.norm.weight')!.data]);
    const foreign = join(root, 'foreign');
    mkdirSync(foreign);
    await writeFile(join(foreign, 'thesis.txt'), 'two years of work');
    await expect(saveModel(foreign, { config, weights })).rejects.toMatchObject({
      code: 'checkpoint/not-a-model-directory',
    });
    expect(await readdir(foreign)).toEqual(['thesis.txt']);
  });

  it('keeps the previous model where saving fails', async () => {
    await saveModel(directory, { config, weights });
    const wrong = new Map(weights).set('model.norm.weight', { shape: [3], data: new Float32Array(3) });
    await expect(saveModel(directory, { config, weights: wrong })).rejects.toMatchObject({
      code: 'engine/weights-mismatch',
    });
    expect((await loadModel(directory)).weights.size).toBe(weights.size);
    expect((await readdir(root)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('leaves out what older exporters stored twice', async () => {
    await saveModel(directory, { config, weights });
    const more = new Map(weights)
      .set(OUTPUT_NAME, weights.get('model.embed_tokens.weight')!)
      .set('model.layers.0.self_attn.rotary_emb.inv_freq', { shape: [2], data: Float32Array.of(1, 2) });
    await writeSafetensors(join(directory, 'model.safetensors'), more);
    expect((await loadModel(directory)).weights.size).toBe(weights.size);
  });

  it('says what is wrong with a directory that is not whole', async () => {
    await expect(loadModel(directory)).rejects.toMatchObject({ code: 'files/read-failed' });
    await saveModel(directory, { config, weights });
    await edit('config.json', (value) => {
      value.num_hidden_layers = 3;
    });
    await expect(loadModel(directory)).rejects.toMatchObject({ code: 'engine/weights-mismatch' });
    await writeFile(join(directory, 'config.json'), '{"model_type":');
    await expect(loadModel(directory)).rejects.toMatchObject({ code: 'checkpoint/invalid-json' });
    await writeFile(join(directory, 'config.json'), '[]');
    await expect(loadModel(directory)).rejects.toMatchObject({ code: 'checkpoint/invalid-json' });
    await saveModel(directory, { config, weights });
    await truncate(join(directory, 'model.safetensors'), 1000);
    await expect(loadModel(directory)).rejects.toMatchObject({ code: 'checkpoint/corrupt' });
    rmSync(join(directory, 'model.safetensors'));
    await expect(loadModel(directory)).rejects.toMatchObject({ code: 'checkpoint/missing' });
  });
});

describe('weights that cannot be meant', () => {
  it.each([
    ['NaN', Number.NaN],
    ['an infinity', Number.NEGATIVE_INFINITY],
  ])('%s in a tensor, by its name and place', async (_, value) => {
    const data = weights.get('model.layers.1.mlp.up_proj.weight')!.data.slice();
    data[7] = value;
    const damaged = new Map(weights).set('model.layers.1.mlp.up_proj.weight', { shape: [12, 8], data });
    await saveModel(directory, { config, weights: damaged });
    const failure = loadModel(directory);
    await expect(failure).rejects.toMatchObject({ code: 'checkpoint/not-finite', details: { place: 7 } });
    await expect(failure).rejects.toThrow(/layers\.1\.mlp\.up_proj\.weight/);
  });

  it('a missing shard, by its name; a wrong shape, before anything is read', async () => {
    await saveModel(directory, { config, weights });
    const names = [...weights.keys()];
    const shards = {
      'model-00001-of-00002.safetensors': names.slice(0, 5),
      'model-00002-of-00002.safetensors': names.slice(5),
    };
    const map: Record<string, string> = {};
    for (const [file, own] of Object.entries(shards)) {
      await writeSafetensors(join(directory, file), new Map(own.map((name) => [name, weights.get(name)!])));
      for (const name of own) map[name] = file;
    }
    rmSync(join(directory, 'model.safetensors'));
    await writeFile(join(directory, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    expect([...(await loadModel(directory)).weights.keys()]).toEqual(names);
    rmSync(join(directory, 'model-00002-of-00002.safetensors'));
    const failure = loadModel(directory);
    await expect(failure).rejects.toMatchObject({ code: 'checkpoint/missing' });
    await expect(failure).rejects.toThrow(/model-00002-of-00002/);
    await saveModel(directory, { config, weights });
    await edit('config.json', (value) => {
      value.intermediate_size = 14;
    });
    await expect(loadModel(directory)).rejects.toThrow(
      /gate_proj\.weight has the shape \[12, 8\], expected \[14, 8\]/,
    );
  });
});

describe('an adapter directory', () => {
  it('gives back what was saved', async () => {
    await saveAdapter(directory, { config: lora, weights: adapter, baseModel: 'base' });
    const loaded = await loadAdapter(directory, config);
    expect(loaded.config).toEqual(lora);
    expect(loaded.weights).toEqual(await readSafetensors(join(directory, 'adapter_model.safetensors')));
    expect([...loaded.weights.keys()]).toEqual([...adapter.keys()]);
    expect([...loaded.weights.keys()][0]).toBe(
      'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight',
    );
  });

  it.each([
    ['use_dora', true],
    ['bias', 'all'],
    ['peft_type', 'IA3'],
    ['modules_to_save', ['lm_head']],
    ['rank_pattern', { q_proj: 4 }],
  ])('refuses "%s": %j', async (key, value) => {
    await saveAdapter(directory, { config: lora, weights: adapter });
    await edit('adapter_config.json', (raw) => {
      raw[key] = value;
    });
    const failure = loadAdapter(directory, config);
    await expect(failure).rejects.toMatchObject({ code: 'checkpoint/unsupported-adapter' });
    await expect(failure).rejects.toThrow(key);
  });

  it('refuses an adapter of another model or another rank', async () => {
    await saveAdapter(directory, { config: lora, weights: adapter });
    const deeper = parseModelConfig({ ...raw, num_hidden_layers: 3 }, 'test');
    await expect(loadAdapter(directory, deeper)).rejects.toMatchObject({
      code: 'checkpoint/adapter-mismatch',
    });
    await edit('adapter_config.json', (value) => {
      value.r = 3;
    });
    await expect(loadAdapter(directory, config)).rejects.toMatchObject({
      code: 'checkpoint/adapter-mismatch',
    });
  });

  it('refuses adapters of embeddings and of the output matrix by name', async () => {
    for (const name of ['model.embed_tokens.lora_embedding_A', 'lm_head.lora_A.weight']) {
      const more = new Map(adapter).set(`base_model.model.${name}`, {
        shape: [2, 3],
        data: new Float32Array(6),
      });
      await saveAdapter(directory, { config: lora, weights: more });
      const failure = loadAdapter(directory, config);
      await expect(failure).rejects.toMatchObject({ code: 'checkpoint/unsupported-adapter' });
      await expect(failure).rejects.toThrow(name);
    }
  });

  it('refuses an adapter of a model of the same shape with other weights, and one of another name', async () => {
    const other = initializeWeights(config, createRandom(77));
    const fingerprint = fingerprintOf(weights);
    await saveAdapter(directory, {
      config: lora,
      weights: adapter,
      baseModel: 'own',
      baseFingerprint: fingerprint,
    });
    const own = { directory: '/models/a', fingerprint };
    expect((await loadAdapter(directory, config, own)).config).toEqual(lora);
    const failure = loadAdapter(directory, config, {
      directory: '/models/b',
      fingerprint: fingerprintOf(other),
    });
    await expect(failure).rejects.toMatchObject({ code: 'checkpoint/adapter-of-another-base' });
    await expect(failure).rejects.toThrow(/"own".*\/models\/b/);
    // PEFT's own adapters carry a name only.
    await saveAdapter(directory, { config: lora, weights: adapter, baseModel: 'Qwen/Qwen2.5-0.5B' });
    const copy = (name: string) => ({ directory: `/cache/models--Qwen--${name}/snapshots/1`, fingerprint });
    await expect(loadAdapter(directory, config, copy('Qwen2.5-1.5B'))).rejects.toThrow(/Qwen2\.5-0\.5B/);
    for (const base of [copy('Qwen2.5-0.5B'), own])
      expect((await loadAdapter(directory, config, base)).config).toEqual(lora);
  });

  it('merges into a model that needs no adapter', async () => {
    const changed = new Map(
      [...adapter].map(([name, { shape, data }]) => [
        name,
        { shape, data: data.map((_, i) => 0.01 * (i + 1)) },
      ]),
    );
    const base = join(root, 'merge-base');
    await saveModel(base, { config, weights });
    await saveAdapter(directory, { config: { ...lora, useRslora: true }, weights: changed, baseModel: base });
    const merged = join(root, 'merged');
    await saveMergedModel(merged, { base, adapter: directory });
    const found = (await loadModel(merged)).weights;
    const name = 'model.layers.1.mlp.up_proj';
    const { a, b } = adapterNames(name);
    const [row, column] = [5, 3];
    const product = [0, 1].reduce(
      (sum, r) => sum + changed.get(b)!.data[row * 2 + r]! * changed.get(a)!.data[r * 8 + column]!,
      0,
    );
    // Rank-stabilised: alpha / √rank = 4 / √2.
    const expected = weights.get(`${name}.weight`)!.data[row * 8 + column]! + (4 / Math.SQRT2) * product;
    expect(found.get(`${name}.weight`)!.data[row * 8 + column]).toBeCloseTo(expected, 5);
    expect(found.get('model.norm.weight')!.data).toEqual(weights.get('model.norm.weight')!.data);
  });

  it('reads or refuses with a QuerentError whatever the config says', async () => {
    await saveAdapter(directory, { config: lora, weights: adapter });
    const anything = fc.record({ r: fc.jsonValue(), lora_alpha: fc.jsonValue() }, { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(fc.oneof(anything, fc.jsonValue()), async (value) => {
        await writeFile(join(directory, 'adapter_config.json'), JSON.stringify(value));
        await loadAdapter(directory, config).catch((thrown: unknown) =>
          expect(isQuerentError(thrown)).toBe(true),
        );
      }),
      { numRuns: 100 },
    );
  });
});
