import { describe, expect, it } from 'vitest';
import { createRandom } from '../../foundation/random.ts';
import { relativeError } from '../graph/test-gradients.ts';
import type { Datum } from '../policy.ts';
import { adam, everyLoss, gradientsByName, randomData, tinyTrainer } from './test-models.ts';
import type { Trainer } from './trainer.ts';

const lengths = [9, 4, 12, 1, 7, 20, 3, 15, 6, 6];
const data = randomData(lengths, 29, createRandom(8));

/** Forward and backward in the given parts; everything that should not depend on the parts. */
async function outcome(trainer: Trainer, parts: readonly (readonly Datum[])[], lossName: string) {
  let lossSum = 0;
  const logprobs: Float32Array[] = [];
  const metrics: Record<string, number> = {};
  for (const part of parts) {
    const result = await trainer.forwardBackward(part, everyLoss[lossName]!);
    lossSum += result.lossSum;
    logprobs.push(...result.logprobs);
    for (const [key, value] of Object.entries(result.metrics)) metrics[key] = (metrics[key] ?? 0) + value;
  }
  const gradient = trainer.store.gradient.slice();
  await trainer.optimStep(adam);
  const weights = trainer.store.values.slice();
  await trainer.close();
  return { lossSum, logprobs, metrics, gradient, weights };
}

function expectSame(a: Awaited<ReturnType<typeof outcome>>, b: Awaited<ReturnType<typeof outcome>>): void {
  expect(relativeError([a.lossSum], [b.lossSum])).toBeLessThan(1e-5);
  expect(relativeError(a.gradient, b.gradient)).toBeLessThan(1e-5);
  a.logprobs.forEach((values, index) => {
    expect(relativeError(values, b.logprobs[index]!)).toBeLessThan(1e-5);
  });
  for (const [key, value] of Object.entries(a.metrics)) {
    expect(relativeError([value], [b.metrics[key]!], 1), key).toBeLessThan(1e-5);
  }
}

/** The tokens of `prompt`, unread, and then those of `sample`, all read. */
function joined(prompt: Datum, sample: Datum): Datum {
  const both = <T extends Float32Array | Int32Array>(first: T, second: T): T => {
    const whole = new (first.constructor as new (length: number) => T)(first.length + second.length);
    whole.set(first);
    whole.set(second, first.length);
    return whole;
  };
  const unread = new Float32Array(prompt.inputTokens_T.length);
  const read = new Float32Array(sample.inputTokens_T.length).fill(0.3);
  return {
    inputTokens_T: both(prompt.inputTokens_T, sample.inputTokens_T),
    targetTokens_T: both(prompt.targetTokens_T, sample.targetTokens_T),
    weights_T: both(unread, read),
    advantages_T: both(prompt.advantages_T!, sample.advantages_T!),
    oldLogprobs_T: both(prompt.oldLogprobs_T!, sample.oldLogprobs_T!),
    referenceLogprobs_T: both(prompt.referenceLogprobs_T!, sample.referenceLogprobs_T!),
  };
}

describe.each(Object.keys(everyLoss))('%s', (lossName) => {
  it('does not depend on how sequences are packed and cut into micro-batches', async () => {
    const together = await outcome(tinyTrainer(), [data], lossName);
    expectSame(await outcome(tinyTrainer({ tokenBudget: 25 }), [data], lossName), together);
    expectSame(await outcome(tinyTrainer({ logitBudgetBytes: 29 * 4 * 12 }), [data], lossName), together);
  });

  it('is the same for samples of one prompt, whose prompt is computed once', async () => {
    // Three groups of samples; the same data one by one share nothing.
    const grouped = data
      .slice(5, 8)
      .flatMap((prompt, group) =>
        randomData([8, 3, 6, 8], 29, createRandom(group)).map((sample) => joined(prompt, sample)),
      );
    const apart = await outcome(
      tinyTrainer(),
      grouped.map((datum) => [datum]),
      lossName,
    );
    expectSame(await outcome(tinyTrainer(), [grouped], lossName), apart);
    expectSame(await outcome(tinyTrainer({ tokenBudget: 60 }), [grouped], lossName), apart);
  });

  it('adds up over calls as if the data had come in one', async () => {
    const together = await outcome(tinyTrainer(), [data], lossName);
    const parts = [data.slice(0, 1), data.slice(1, 6), data.slice(6)];
    expectSame(await outcome(tinyTrainer(), parts, lossName), together);
  });

  it('repeats exactly', async () => {
    const first = await outcome(tinyTrainer({ dropout: 0.3 }), [data], lossName);
    expect(await outcome(tinyTrainer({ dropout: 0.3 }), [data], lossName)).toEqual(first);
  });
});

describe('Trainer', () => {
  it('draws the same dropout for a datum however it is packed, another one at the next call', async () => {
    const together = await outcome(tinyTrainer({ dropout: 0.3 }), [data], 'cross-entropy');
    expectSame(
      await outcome(tinyTrainer({ dropout: 0.3, tokenBudget: 25 }), [data], 'cross-entropy'),
      together,
    );
    const twice = tinyTrainer({ dropout: 0.3 });
    const [one, two] = [
      await twice.forwardBackward(data, everyLoss['cross-entropy']!),
      await twice.forwardBackward(data, everyLoss['cross-entropy']!),
    ];
    expect(two.lossSum).not.toBe(one.lossSum);
    const plain = await outcome(tinyTrainer(), [data], 'cross-entropy');
    expect(plain.lossSum).not.toBeCloseTo(together.lossSum, 3);
    await twice.close();
  });

  it('has a gradient where every ratio is 1, that of the plain policy gradient', async () => {
    const trainer = tinyTrainer();
    const loss = { ...everyLoss.ppo!, temperature: 0.8 } as const;
    const old = await trainer.logprobs(data, { temperature: 0.8 });
    const onPolicy = data.map((datum, index) => ({ ...datum, oldLogprobs_T: old[index]! }));
    const result = await trainer.forwardBackward(onPolicy, loss);
    expect(result.metrics.ratio! / result.metrics.tokens!).toBeCloseTo(1, 5);
    expect(result.metrics.clippedLow! + result.metrics.clippedHigh!).toBe(0);
    const ppo = gradientsByName(trainer);
    trainer.store.hasGradient = false;

    // Cross-entropy weighted by advantages, at temperature 1 of logits that the temperature divides, is REINFORCE.
    const cispo = { name: 'cispo', clipLow: 1, clipHigh: 1, klBeta: 0, temperature: 0.8 } as const;
    await trainer.forwardBackward(onPolicy, cispo);
    for (const [name, gradient] of gradientsByName(trainer)) {
      expect(Math.hypot(...ppo.get(name)!)).toBeGreaterThan(0);
      expect(relativeError(gradient, ppo.get(name)!, 1e-4)).toBeLessThan(1e-4);
    }
    await trainer.close();
  });

  it('answers with nothing where nothing is read, and an update without gradients only decays', async () => {
    const trainer = tinyTrainer();
    const silent = data.map((datum) => ({ ...datum, weights_T: new Float32Array(datum.weights_T.length) }));
    const result = await trainer.forwardBackward(silent, everyLoss['cross-entropy']!);
    expect(result.lossSum).toBe(0);
    expect(result.metrics.tokens).toBe(0);
    const before = trainer.store.values.slice();
    expect((await trainer.optimStep({ ...adam, weightDecay: 0 })).gradientNorm).toBe(0);
    expect(trainer.store.values).toEqual(before);
    await trainer.close();
  });

  it.each([
    ['AdamW', {}],
    ['Muon', { muonMomentum: 0.95 }],
  ])('learns a sequence by heart with %s', async (_, how) => {
    const trainer = tinyTrainer();
    const one = [{ ...data[5]!, weights_T: new Float32Array(20).fill(1 / 20) }];
    for (let step = 0; step < 60; step++) {
      await trainer.forwardBackward(one, { name: 'cross_entropy' });
      await trainer.optimStep({ ...adam, ...how, weightDecay: 0 });
    }
    expect((await trainer.forwardBackward(one, { name: 'cross_entropy' })).lossSum).toBeLessThan(0.02);
    await trainer.close();
  });

  it('updates the matrices of layers by Muon, and the rest as AdamW does', async () => {
    const [plain, other] = [tinyTrainer(), tinyTrainer()];
    for (const [trainer, how] of [[plain, {}] as const, [other, { muonMomentum: 0.95 }] as const]) {
      await trainer.forwardBackward(data, everyLoss['cross-entropy']!);
      await trainer.optimStep({ ...adam, ...how });
    }
    const changed = plain.store.slots
      .filter(({ start, end }) =>
        plain.store.values.subarray(start, end).some((value, i) => value !== other.store.values[start + i]),
      )
      .map(({ name }) => name);
    const matrices = plain.store.slots
      .filter(({ name, shape }) => name.includes('.layers.') && shape.length === 2)
      .map(({ name }) => name);
    expect(changed).toEqual(matrices);
    await Promise.all([plain.close(), other.close()]);
  });

  it('refuses Muon where an adapter trains', async () => {
    const trainer = tinyTrainer({ lora: { rank: 2, alpha: 4 } });
    await trainer.forwardBackward(data, everyLoss['cross-entropy']!);
    await expect(trainer.optimStep({ ...adam, muonMomentum: 0.95 })).rejects.toMatchObject({
      code: 'engine/muon-with-adapter',
    });
    await trainer.close();
  });

  it('counts clipped tokens as the loss clips them', async () => {
    const trainer = tinyTrainer();
    const current = await trainer.logprobs(data, { temperature: 0.8 });
    // Every ratio is e^0.5 = 1.65: beyond the upper bound, which matters where the advantage is positive.
    const stale = data.map((datum, index) => ({
      ...datum,
      oldLogprobs_T: current[index]!.map((x) => x - 0.5),
    }));
    const { metrics } = await trainer.forwardBackward(stale, everyLoss.ppo!);
    const positive = stale.flatMap(({ weights_T, advantages_T }) =>
      Array.from(advantages_T!).filter((advantage, i) => weights_T[i] !== 0 && advantage > 0),
    );
    expect(metrics.clippedHigh).toBe(positive.length);
    expect(metrics.clippedLow).toBe(0);
    expect(metrics.ratio! / metrics.tokens!).toBeCloseTo(Math.exp(0.5), 4);
    await trainer.close();
  });
});
