import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../foundation/random.ts';
import { saveAdapter } from '../checkpoint/adapter-directory.ts';
import { saveModel } from '../checkpoint/model-directory.ts';
import { Engine } from '../engine.ts';
import { initializeAdapter, parseLoraConfig } from '../model/lora.ts';
import { parseModelConfig } from '../model/model-config.ts';
import type { NamedWeights } from '../model/weights.ts';
import { randomData, randomWeights, tinyQwen3Raw } from './test-models.ts';

const root = mkdtempSync(join(tmpdir(), 'querent-adapters-'));
afterAll(() => rmSync(root, { recursive: true }));
const at = (name: string) => join(root, name);

const config = parseModelConfig(tinyQwen3Raw, 'test');
const lora = parseLoraConfig(
  { rank: 2, alpha: 6, targetModules: ['q_proj', 'gate_proj'], useRslora: true },
  'test',
);
const data = randomData([9, 5], config.vocabSize, createRandom(3));

function filledAdapter(seed: number): NamedWeights {
  const adapter = initializeAdapter(config, lora, createRandom(seed));
  for (const [name, { data: values }] of adapter) {
    const own = createRandom(seed).fork(name);
    for (let i = 0; i < values.length; i++) values[i] = 0.5 * own.normal();
  }
  return adapter;
}

describe('several adapters on one base', () => {
  it('take turns, each as it was; adapter off is the base', async () => {
    await saveModel(at('base'), { config, weights: randomWeights(config, createRandom(1)) });
    for (const [name, seed] of [
      ['one', 11],
      ['two', 12],
    ] as const)
      await saveAdapter(at(name), { config: lora, weights: filledAdapter(seed), baseModel: at('base') });
    const options = { directory: at('base'), seed: 0, threads: 1 };
    const bare = await Engine.create(options);
    const base = await bare.logprobs(data);
    await bare.close();

    const engine = await Engine.create({ ...options, adapterDirectory: at('one') });
    const one = await engine.logprobs(data);
    expect(await engine.logprobs(data, { useReference: true })).toEqual(base);
    await engine.load(at('two'));
    const two = await engine.logprobs(data);
    expect(two).not.toEqual(one);
    expect(one).not.toEqual(base);
    expect(await engine.logprobs(data, { useReference: true })).toEqual(base);
    await engine.load(at('one'));
    expect(await engine.logprobs(data)).toEqual(one);
    await engine.close();
  });

  it('are refused where they belong to other weights, or to sequences beyond a window', async () => {
    await saveModel(at('other'), { config, weights: randomWeights(config, createRandom(2)) });
    const engine = await Engine.create({ directory: at('base'), seed: 0, threads: 1, lora });
    await engine.save(at('ours'));
    await engine.close();
    const onOther = Engine.create({
      directory: at('other'),
      adapterDirectory: at('ours'),
      seed: 0,
      threads: 1,
    });
    await expect(onOther).rejects.toMatchObject({ code: 'checkpoint/adapter-of-another-base' });
    const windowed = { ...tinyQwen3Raw, model_type: 'mistral', sliding_window: 16 };
    const short = await Engine.create({ config: windowed, seed: 0, threads: 1 });
    expect(short.facts().maxLength).toBe(16);
    await short.close();
    const long = Engine.create({ config: windowed, seed: 0, threads: 1, maxLength: 17 });
    await expect(long).rejects.toThrow(/"sliding_window" is 16/);
  });
});
