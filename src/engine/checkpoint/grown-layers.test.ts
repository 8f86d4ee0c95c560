import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../foundation/random.ts';
import type { EngineOptions } from '../engine.ts';
import { createLocalPolicy } from '../local-policy.ts';
import type { Policy } from '../policy.ts';
import { adam, everyLoss, randomData, tinyRaw } from '../runtime/test-models.ts';
import { grownLayers } from './grown-layers.ts';
import { loadModel } from './model-directory.ts';

const root = mkdtempSync(join(tmpdir(), 'querent-grown-'));
afterAll(() => rmSync(root, { recursive: true }));

const directory = join(root, 'small');
const own = tinyRaw.num_hidden_layers;
const grownTo = own + 1;
const data = randomData([7, 12], tinyRaw.vocab_size, createRandom(1));

async function withPolicy<T>(
  options: Partial<EngineOptions>,
  use: (policy: Policy) => Promise<T>,
): Promise<T> {
  const policy = await createLocalPolicy({ seed: 4, threads: 1, maxLength: 32, ...options });
  try {
    return await use(policy);
  } finally {
    await policy.close();
  }
}

const step = async (policy: Policy): Promise<void> => {
  await policy.forwardBackward(data, everyLoss['cross-entropy']!);
  await policy.optimStep(adam);
};

beforeAll(() =>
  withPolicy({ config: tinyRaw }, async (policy) => {
    await step(policy);
    await policy.save(directory);
  }),
);

describe('a grown model', () => {
  it('answers as the model that it was made from, to the last bit, and all of it learns', async () => {
    const before = await withPolicy({ directory }, (policy) => policy.logprobs(data));
    const trained = join(root, 'trained');
    await withPolicy({ directory, layers: grownTo }, async (policy) => {
      expect(await policy.logprobs(data)).toEqual(before);
      for (let i = 0; i < 2; i++) await step(policy);
      await policy.save(trained);
    });
    const { config, weights } = await loadModel(trained);
    expect(config.layerCount).toBe(grownTo);
    const added = grownLayers(own, grownTo).findIndex(({ isAdded }) => isAdded);
    const ofAdded = [...weights].filter(([name]) => name.startsWith(`model.layers.${added}.`));
    expect(ofAdded).toHaveLength(12);
    for (const [name, { data: values }] of ofAdded) {
      const original = (await loadModel(directory)).weights.get(
        name.replace(`layers.${added}.`, `layers.${added - 1}.`),
      )!;
      expect([...values], name).not.toEqual([...original.data]);
      expect(
        values.some((value) => value !== 0),
        name,
      ).toBe(true);
    }
  });

  it.each([
    [4, 4, '0 1 2 3'],
    [4, 6, '0 1 +1 2 3 +3'],
    [3, 4, '0 1 2 +2'],
    [2, 7, '0 +0 +0 1 +1 +1 +1'],
  ])('of %i layers and %i has its copies behind their originals: %s', (from, to, order) => {
    const shown = grownLayers(from, to).map((layer) => (layer.isAdded ? `+${layer.from}` : `${layer.from}`));
    expect(shown.join(' ')).toBe(order);
  });

  it('is refused with fewer layers, and where its weights do not train', async () => {
    const refused = (options: Partial<EngineOptions>) =>
      withPolicy({ directory, ...options }, async () => undefined);
    await expect(refused({ layers: own - 1 })).rejects.toThrow(`has ${own} layers`);
    await expect(refused({ layers: grownTo, frozen: true })).rejects.toThrow('do not train');
    await expect(withPolicy({ config: tinyRaw, layers: grownTo }, async () => undefined)).rejects.toThrow(
      'no model',
    );
    await expect(refused({ layers: grownTo, lora: { rank: 2, alpha: 4 } })).rejects.toThrow('do not train');
  });
});
