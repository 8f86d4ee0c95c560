import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../foundation/random.ts';
import { saveModel } from './checkpoint/model-directory.ts';
import { Engine } from './engine.ts';
import { relativeError } from './graph/test-gradients.ts';
import { floatWeights } from './model/base-tensor.ts';
import { adam, randomData, tinyRaw, tinyTrainer } from './runtime/test-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-packed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const raw = { ...tinyRaw, hidden_size: 32, intermediate_size: 48 };
const data = randomData([9, 4, 12], 29, createRandom(8));
const shared = { seed: 1, threads: 1, maxLength: 64 } as const;

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
      packed.optimStep(adam);
      const second = await packed.forwardBackward(data, { name: 'cross_entropy' });
      expect(second.lossSum).toBeLessThan(first.lossSum);
      packed.optimStep(adam);
      const adapterDirectory = join(folder, format);
      await packed.save(adapterDirectory);
      const expected = await packed.logprobs(data);
      await packed.close();

      const plain = await Engine.create({ ...shared, directory, adapterDirectory });
      const found = await plain.logprobs(data);
      // A rounding step is 1/2048, 1/254 and 1/16 of a weight; a few layers make ten times that of it.
      const limits = { fp16: 0.005, int8: 0.04, int4: 0.6 };
      const flat = (all: readonly Float32Array[]) => all.flatMap((values) => [...values]);
      expect(relativeError(flat(found), flat(expected))).toBeLessThan(limits[format]);
      await plain.close();
    },
  );

  it('is refused where all weights train', async () => {
    const directory = await savedBase();
    await expect(Engine.create({ ...shared, directory, baseWeights: 'int4' })).rejects.toMatchObject({
      code: 'engine/invalid-option',
    });
  });
});
