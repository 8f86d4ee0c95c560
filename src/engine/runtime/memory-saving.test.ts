/** What saves memory must change nothing: checkpointing, chunks of the vocabulary, packed weights. */
import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../foundation/random.ts';
import { relativeError } from '../graph/test-gradients.ts';
import { type BaseFormatOptions, storageOf } from '../model/base-tensor.ts';
import type { LossSpec } from '../policy.ts';
import {
  everyLoss,
  gradientsByName,
  randomData,
  type TinyOptions,
  tinyLlamaRaw,
  tinyQwen3Raw,
  tinyRaw,
  tinyTrainer,
} from './test-models.ts';
import type { Trainer } from './trainer.ts';

const data = randomData([9, 4, 12, 1, 7, 20], 29, createRandom(8));

const opened: Trainer[] = [];
afterAll(async () => {
  for (const trainer of opened) await trainer.close();
});

function open(options: TinyOptions): Trainer {
  const trainer = tinyTrainer(options);
  opened.push(trainer);
  return trainer;
}

async function outcome(trainer: Trainer, loss: LossSpec) {
  const result = await trainer.forwardBackward(data, loss);
  const gradients = gradientsByName(trainer);
  const logprobs = await trainer.logprobs(data, { temperature: 0.7 });
  return { ...result, gradients, forward: logprobs };
}

type Outcome = Awaited<ReturnType<typeof outcome>>;

function expectSame(a: Outcome, b: Outcome, limit: number): void {
  expect(relativeError([a.lossSum], [b.lossSum])).toBeLessThan(limit);
  expect(relativeError([a.metrics.entropy!], [b.metrics.entropy!])).toBeLessThan(limit);
  for (const kind of ['logprobs', 'forward'] as const) {
    a[kind].forEach((values, index) => {
      expect(relativeError(values, b[kind][index]!), kind).toBeLessThan(limit);
    });
  }
  expect([...a.gradients.keys()]).toEqual([...b.gradients.keys()]);
  for (const [name, gradient] of a.gradients) {
    // A key's bias has no gradient but rounding: see trainer-gradients.test.ts.
    if (Math.hypot(...b.gradients.get(name)!) < 1e-4) continue;
    expect(relativeError(gradient, b.gradients.get(name)!), name).toBeLessThan(limit);
  }
}

const models: Readonly<Record<string, TinyOptions>> = {
  'Qwen2, all weights': {},
  'Llama, all weights, untied': { raw: tinyLlamaRaw },
  'Qwen3, LoRA apart, with dropout': {
    raw: tinyQwen3Raw,
    lora: { rank: 3, alpha: 6, dropout: 0.2 },
    dropout: 0.1,
  },
  'Qwen2, LoRA merged': { lora: { rank: 3, alpha: 6 } },
};

const savings: Readonly<Record<string, TinyOptions>> = {
  'keeping products only': { checkpointing: 'activations' },
  'keeping the inputs of layers only': { checkpointing: 'layers' },
  'chunks of the vocabulary': { vocabularyChunk: 7 },
  'one chunk beside a rest of one row': { vocabularyChunk: 28 },
  'all at once': { checkpointing: 'layers', vocabularyChunk: 10 },
};

describe.each(Object.keys(models))('%s', (modelName) => {
  const lossNames = ['smoothed cross-entropy', 'cross-entropy', 'ppo by sequence'];
  it.each(lossNames)('computes the same: %s', async (lossName) => {
    const loss = everyLoss[lossName]!;
    const plain = await outcome(open(models[modelName]!), loss);
    for (const saving of Object.values(savings)) {
      expectSame(await outcome(open({ ...models[modelName]!, ...saving }), loss), plain, 1e-5);
    }
  });
});

/** Rows of 32 and 48 columns: blocks of 32 and 16. */
const wide = { hidden_size: 32, intermediate_size: 48 };
const formats: Readonly<Record<string, BaseFormatOptions>> = {
  fp16: { format: 'fp16', blockSize: 32 },
  int8: { format: 'int8', blockSize: 32 },
  int4: { format: 'int4', blockSize: 16 },
  'int4 in blocks of 64': { format: 'int4', blockSize: 64 },
};

describe.each(['bfloat16', 'float16'] as const)('base weights as %s', (halves) => {
  it.each([
    ['tied', { ...tinyRaw, ...wide }],
    ['untied', { ...tinyLlamaRaw, ...wide }],
  ])('are those that they widen to: %s', async (_, raw) => {
    const lora = { rank: 3, alpha: 6 };
    const loss = everyLoss['ppo with KL']!;
    const stored = open({ raw, lora, halves });
    const kinds = new Set([...stored.options.weights.values()].map((tensor) => storageOf(tensor).kind));
    expect(kinds).toEqual(new Set(['values', 'halves']));
    const plain = await outcome(open({ raw, lora, halves, unpacked: true }), loss);
    expectSame(await outcome(stored, loss), plain, 1e-5);
    const saving = { checkpointing: 'layers', vocabularyChunk: 10 } as const;
    expectSame(await outcome(open({ raw, lora, halves, ...saving }), loss), plain, 1e-5);
    // Halves round: the weights that they were made from must show.
    const exact = await outcome(open({ raw, lora }), loss);
    expect(relativeError([plain.lossSum], [exact.lossSum], 1e-6)).toBeGreaterThan(1e-7);
  });
});

describe.each(Object.keys(formats))('base weights as %s', (formatName) => {
  const base = formats[formatName]!;
  it.each([
    ['tied', { ...tinyRaw, ...wide }],
    ['untied', { ...tinyLlamaRaw, ...wide }],
  ])('are those that the codes stand for: %s', async (_, raw) => {
    const lora = { rank: 3, alpha: 6 };
    const loss = everyLoss['ppo with KL']!;
    const packed = open({ raw, lora, base });
    const kinds = new Set([...packed.options.weights.values()].map((tensor) => storageOf(tensor).kind));
    expect(kinds).toEqual(new Set(['values', base.format === 'fp16' ? 'halves' : 'blocks']));
    const plain = await outcome(open({ raw, lora, base, unpacked: true }), loss);
    expectSame(await outcome(packed, loss), plain, 1e-4);
    const saving = { checkpointing: 'layers', vocabularyChunk: 10 } as const;
    expectSame(await outcome(open({ raw, lora, base, ...saving }), loss), plain, 1e-4);
    // The codes are not the weights: other values must show.
    const exact = await outcome(open({ raw, lora }), loss);
    expect(relativeError([plain.lossSum], [exact.lossSum], 1e-6)).toBeGreaterThan(1e-7);
  });

  it('cannot train themselves', () => {
    expect(() => tinyTrainer({ raw: { ...tinyRaw, ...wide }, base })).toThrow(/packed/);
  });
});
