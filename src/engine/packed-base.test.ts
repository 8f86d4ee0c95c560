import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../foundation/random.ts';
import { loadModelAs, saveModel } from './checkpoint/model-directory.ts';
import { encodeHeader } from './checkpoint/safetensors-header.ts';
import { Engine } from './engine.ts';
import { encodeElements } from './export/element-encoding.ts';
import { relativeError } from './graph/test-gradients.ts';
import { chosenFormat, floatWeights } from './model/base-tensor.ts';
import { parseModelConfig } from './model/model-config.ts';
import { adam, randomData, tinyLlamaRaw, tinyQwen3Raw, tinyRaw, tinyTrainer } from './runtime/test-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-packed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const raw = { ...tinyRaw, hidden_size: 32, intermediate_size: 48 };
const data = randomData([9, 4, 12], 29, createRandom(8));
const shared = { seed: 1, threads: 1, maxLength: 64 } as const;

const flat = (all: readonly Float32Array[]) => all.flatMap((values) => [...values]);

async function savedBase(): Promise<string> {
  const directory = join(folder, 'base');
  const trainer = tinyTrainer({ raw });
  await saveModel(directory, {
    config: trainer.options.config,
    weights: floatWeights(trainer.options.weights),
  });
  await trainer.close();
  return directory;
}

describe('baseWeights', () => {
  it.each(['fp16', 'int8', 'int4'] as const)(
    '%s: an adapter fits the same base in float32',
    async (format) => {
      const directory = await savedBase();
      const packed = await Engine.create({
        ...shared,
        directory,
        lora: { rank: 2, alpha: 4 },
        baseWeights: format,
        checkpointing: 'layers',
        vocabularyChunk: 10,
      });
      const first = await packed.forwardBackward(data, { name: 'cross_entropy' });
      await packed.optimStep(adam);
      const second = await packed.forwardBackward(data, { name: 'cross_entropy' });
      expect(second.lossSum).toBeLessThan(first.lossSum);
      await packed.optimStep(adam);
      const adapterDirectory = join(folder, format);
      await packed.save(adapterDirectory);
      const expected = await packed.logprobs(data);
      await packed.close();

      const plain = await Engine.create({ ...shared, directory, adapterDirectory });
      const found = await plain.logprobs(data);
      // A rounding step is 1/2048, 1/254 and 1/16 of a weight; a few layers make ten times that of it.
      const limits = { fp16: 0.005, int8: 0.04, int4: 0.6 };
      expect(relativeError(flat(found), flat(expected))).toBeLessThan(limits[format]);
      await plain.close();
    },
  );

  it('is chosen by size unless told', () => {
    const config = (hidden_size: number) => parseModelConfig({ ...raw, hidden_size }, 'test');
    expect(chosenFormat('auto', config(32))).toBe('fp32');
    expect(chosenFormat('auto', config(8192))).toBe('stored');
    expect(chosenFormat('fp32', config(8192))).toBe('fp32');
  });

  it('is refused where all weights train', async () => {
    const directory = await savedBase();
    await expect(Engine.create({ ...shared, directory, baseWeights: 'int4' })).rejects.toMatchObject({
      code: 'engine/invalid-option',
    });
  });
});

const models = {
  'Qwen2, tied': raw,
  'Llama, untied': { ...raw, ...tinyLlamaRaw, hidden_size: 32 },
  'Qwen3, norms of heads': { ...raw, ...tinyQwen3Raw, hidden_size: 32 },
} as const;

/** A model directory whose tensors are all of one type, as checkpoints on the hub are. */
function writeHalves(model: unknown, dtype: 'F16' | 'BF16', change?: (bytes: Uint8Array) => void): string {
  const trainer = tinyTrainer({ raw: model as typeof raw });
  const directory = mkdtempSync(join(folder, 'halves-'));
  const weights = [...floatWeights(trainer.options.weights)];
  const tensors = weights.map(([name, { shape }]) => ({ name, shape, dtype }));
  const bodies = weights.map(([, { data: values }]) => encodeElements(values, dtype).slice());
  change?.(bodies[0]!);
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, 'model.safetensors'),
    Buffer.concat([encodeHeader(tensors, { format: 'pt' }), ...bodies]),
  );
  writeFileSync(join(directory, 'config.json'), JSON.stringify(model));
  return directory;
}

describe('a checkpoint of halves', () => {
  const prompts = [3, 7].map((length) => Int32Array.from({ length }, (_, i) => (5 * i + 2) % 29));
  const request = {
    prompts,
    samplesPerPrompt: 2,
    maxNewTokens: 8,
    temperature: 0.9,
    stopTokens: [],
    seed: 4,
  };

  it.each(Object.keys(models).flatMap((name) => [[name, 'BF16'] as const, [name, 'F16'] as const]))(
    '%s: kept as %s it says what it says widened',
    async (name, dtype) => {
      const directory = writeHalves(models[name as keyof typeof models], dtype);
      const stored = await loadModelAs(directory, async (weight, source) => source.readStored(weight));
      expect([...stored.weights.values()].every((tensor) => 'halves' in tensor)).toBe(true);
      const open = (baseWeights: 'stored' | 'fp32') =>
        Engine.create({ ...shared, directory, frozen: true, baseWeights });
      const kept = await open('stored');
      const widened = await open('fp32');
      const found = flat(await kept.logprobs(data));
      flat(await widened.logprobs(data)).forEach((value, i) => {
        expect(Math.abs(found[i]! - value)).toBeLessThan(1e-5);
      });
      const drawn = (await kept.sample(request)).flat();
      (await widened.sample(request)).flat().forEach(({ tokens, policyLogprobs }, i) => {
        expect([...drawn[i]!.tokens]).toEqual([...tokens]);
        policyLogprobs.forEach((value, t) => {
          expect(Math.abs(value - drawn[i]!.policyLogprobs[t]!)).toBeLessThan(1e-5);
        });
      });
      // The reference of weights that never change is themselves.
      const reference = await kept.logprobs(data, { useReference: true });
      expect(flat(reference)).toEqual(found);
      await kept.close();
      await widened.close();
    },
  );

  it('has the same identity for adapters however it is kept', async () => {
    const directory = writeHalves(raw, 'BF16');
    const lora = { rank: 2, alpha: 4 };
    const kept = await Engine.create({ ...shared, directory, lora, baseWeights: 'stored' });
    await kept.forwardBackward(data, { name: 'cross_entropy' });
    await kept.optimStep(adam);
    const adapterDirectory = join(folder, 'of-halves');
    await kept.save(adapterDirectory);
    const expected = flat(await kept.logprobs(data));
    await kept.close();
    const widened = await Engine.create({ ...shared, directory, adapterDirectory, baseWeights: 'fp32' });
    expect(relativeError(flat(await widened.logprobs(data)), expected)).toBeLessThan(1e-5);
    await widened.close();
  });

  it.each([
    ['BF16', [0xc0, 0x7f], 'NaN'],
    ['BF16', [0x80, 0xff], '-Infinity'],
    ['F16', [0x00, 0x7c], 'Infinity'],
  ] as const)('is refused with a value of %s that is no number', async (dtype, bytes, said) => {
    const directory = writeHalves(raw, dtype, (body) => body.set(bytes, 2 * 5));
    await expect(
      Engine.create({ ...shared, directory, frozen: true, baseWeights: 'stored' }),
    ).rejects.toThrow(new RegExp(`holds ${said} at place 5`));
  });
});

describe('a frozen policy', () => {
  it('samples, and refuses what would change or save it', async () => {
    const engine = await Engine.create({ ...shared, config: raw, frozen: true });
    expect(engine.facts().trainableCount).toBe(0);
    await engine.freezeReference();
    expect(flat(await engine.logprobs(data, { useReference: true }))).toEqual(
      flat(await engine.logprobs(data)),
    );
    const refused = { code: 'engine/frozen' };
    await expect(engine.forwardBackward(data, { name: 'cross_entropy' })).rejects.toMatchObject(refused);
    await expect(engine.optimStep(adam)).rejects.toMatchObject(refused);
    await expect(engine.save(join(folder, 'never'))).rejects.toMatchObject(refused);
    await expect(engine.load(await savedBase())).rejects.toMatchObject(refused);
    await engine.close();
  });
});
