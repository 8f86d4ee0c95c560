import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { isQuerentError } from '../../foundation/errors.ts';
import { createRandom } from '../../foundation/random.ts';
import { initializeAdapter, parseLoraConfig } from '../model/lora.ts';
import { parseModelConfig } from '../model/model-config.ts';
import { initializeWeights, OUTPUT_NAME } from '../model/weights.ts';
import { trainWordTokenizer } from '../tokenizer/train-word-tokenizer.ts';
import { loadAdapter, saveAdapter } from './adapter-directory.ts';
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
