import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../foundation/random.ts';
import { relativeError } from '../graph/test-gradients.ts';
import type { Datum, LossSpec } from '../policy.ts';
import {
  everyLoss,
  gradientsByName,
  randomData,
  type TinyOptions,
  tinyLlamaRaw,
  tinyTrainer,
} from './test-models.ts';
import type { Trainer } from './trainer.ts';

const models: Readonly<Record<string, TinyOptions>> = {
  'full, tied, grouped heads, biases': {},
  'full, Llama, untied': { raw: tinyLlamaRaw },
  'LoRA on all linears': { lora: { rank: 3, alpha: 6 } },
  // A dropout that drops nothing keeps adapters apart from the weights.
  'LoRA, adapters apart': { lora: { rank: 3, alpha: 6, dropout: 1e-12 } },
  'LoRA on q and down': {
    raw: tinyLlamaRaw,
    lora: { rank: 2, alpha: 4, targetModules: ['q_proj', 'down_proj'] },
  },
};

const opened: Trainer[] = [];
afterAll(async () => {
  for (const trainer of opened) await trainer.close();
});

/** Loss differences along a random direction of one weight, by a four-point stencil, against gradient · direction. */
async function directionError(
  trainer: Trainer,
  data: readonly Datum[],
  loss: LossSpec,
  name: string,
  gradient: Float32Array,
): Promise<number> {
  const random = createRandom(3).fork(name);
  const { start, end } = trainer.store.slot(name)!;
  // Half along the gradient, so that the expected difference stands clear of rounding; half random.
  const norm = Math.hypot(...gradient);
  const direction = gradient.map((g) => g / norm + random.normal() / Math.sqrt(gradient.length));
  const values = trainer.store.values.subarray(start, end);
  const original = values.slice();
  const step = 1 / 128;
  const at = async (offset: number): Promise<number> => {
    for (let i = 0; i < values.length; i++) values[i] = original[i]! + offset * step * direction[i]!;
    return (await trainer.forwardBackward(data, loss)).lossSum;
  };
  const near = (await at(1)) - (await at(-1));
  const far = (await at(2)) - (await at(-2));
  values.set(original);
  const expected = gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0);
  return relativeError([expected], [(8 * near - far) / (12 * step)]);
}

/**
 * Clipping makes the loss kinked, and a difference across a kink means nothing: ratios here are exactly 1 and the
 * bounds far away. The comparison with PyTorch covers tokens beyond the bounds.
 */
const unkinked = (loss: LossSpec): LossSpec =>
  loss.name === 'cross_entropy' ? loss : { ...loss, clipLow: 0.9, clipHigh: 9 };

async function onPolicy(trainer: Trainer, data: readonly Datum[], loss: LossSpec): Promise<Datum[]> {
  const temperature = loss.name === 'cross_entropy' ? 1 : loss.temperature;
  const logprobs = await trainer.logprobs(data, { temperature });
  return data.map((datum, index) => ({ ...datum, oldLogprobs_T: logprobs[index]! }));
}

describe.each(Object.keys(models))('%s', (modelName) => {
  // CISPO's weight is a stop-gradient: its loss is not the function whose gradient it takes.
  it.each(Object.keys(everyLoss).filter((name) => name !== 'cispo'))('%s', async (lossName) => {
    const trainer = tinyTrainer(models[modelName]!);
    opened.push(trainer);
    const loss = unkinked(everyLoss[lossName]!);
    const random = createRandom(2);
    const data = await onPolicy(trainer, randomData([9, 4, 12], 29, random), loss);
    await trainer.forwardBackward(data, loss);
    const found = gradientsByName(trainer);
    expect(found.size).toBe(trainer.store.slots.length);
    for (const [name, gradient] of found) {
      // A key's bias adds the same to every score of a query, which the softmax cancels: its gradient is rounding.
      if (Math.hypot(...gradient) < 1e-4) continue;
      expect(await directionError(trainer, data, loss, name, gradient), name).toBeLessThan(1e-3);
    }
  });
});
