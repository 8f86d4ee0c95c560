import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTabularPolicy } from '../../test/support/tabular-policy.ts';
import { wordFormat } from '../../test/support/word-format.ts';
import type { Example } from '../data/example.ts';
import type { Datum, Policy } from '../engine/policy.ts';
import type { RunEvent } from '../foundation/events.ts';
import { generatedStream } from './example-stream.ts';
import { readMetricsLog } from './metrics-log.ts';
import { trainSft } from './sft.ts';

const questions = ['q0', 'q1', 'q2', 'q3', 'q4', 'q5', 'q6', 'q7'];
const answers = ['a b', 'b c', 'c', 'd a b c', 'b', 'c d', 'a', 'd'];
const format = wordFormat([...questions, 'a', 'b', 'c', 'd'], 'please');
const examples: Example[] = questions.map((question, i) => ({
  id: `e${i}`,
  question,
  sql: answers[i]!,
  databaseId: 'test',
  tags: [],
}));
const newPolicy = () => createTabularPolicy({ vocabSize: format.vocabSize });
const quick = { learningRate: 0.1, batchSize: 4, validationShare: 0, weightDecay: 0 } as const;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sft-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A policy that hands what it is given on to `watch`. */
function watched(policy: Policy, watch: (data: readonly Datum[]) => void): Policy {
  return {
    ...policy,
    forwardBackward: (data, loss) => {
      watch(data);
      return policy.forwardBackward(data, loss);
    },
  };
}

describe('trainSft', () => {
  it('teaches the gold answers', async () => {
    const policy = newPolicy();
    const events: RunEvent[] = [];
    const result = await trainSft({
      policy,
      format,
      examples,
      config: { ...quick, maxSteps: 150 },
      observe: (event) => events.push(event),
    });
    expect(result).toMatchObject({ steps: 150, stopReason: 'finished' });
    const losses = events.flatMap((event) => (event.type === 'step-end' ? [event.metrics.loss!] : []));
    expect(losses).toHaveLength(150);
    expect(losses.at(-1)!).toBeLessThan(0.05 * losses[0]!);
    const samples = await policy.sample({
      prompts: examples.map((example) => format.prepare(example.question).promptTokens),
      samplesPerPrompt: 1,
      maxNewTokens: 8,
      temperature: 0,
      stopTokens: format.stopTokens,
      seed: 0,
    });
    const written = samples.map(
      (group, i) => format.parseCompletion(group[0]!.tokens, format.prepare(questions[i]!)).sql,
    );
    expect(written).toEqual(answers);
  });

  it('reads the completion only, each token of the accumulated batch with the same weight', async () => {
    const seen: Datum[] = [];
    const policy = watched(newPolicy(), (data) => seen.push(...data));
    await trainSft({ policy, format, examples, config: { ...quick, accumulation: 2, maxSteps: 1 } });
    expect(seen).toHaveLength(8);
    const weights = seen.flatMap((datum) => Array.from(datum.weights_T));
    const nonZero = weights.filter((weight) => weight !== 0);
    expect(new Set(nonZero).size).toBe(1);
    expect(nonZero.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    for (const datum of seen) {
      const firstRead = datum.weights_T.findIndex((weight) => weight !== 0);
      const questionLength =
        datum.inputTokens_T.length - datum.weights_T.filter((weight) => weight !== 0).length + 1;
      expect(firstRead).toBe(questionLength - 1);
      expect(datum.targetTokens_T.at(-1)).toBe(0);
    }
  });

  it('gives the same gradients with accumulation as in one pass', async () => {
    const whole = newPolicy();
    const parts = newPolicy();
    await trainSft({ policy: whole, format, examples, config: { ...quick, batchSize: 8, maxSteps: 3 } });
    await trainSft({
      policy: parts,
      format,
      examples,
      config: { ...quick, batchSize: 2, accumulation: 4, maxSteps: 3 },
    });
    const a = whole.weights();
    const b = parts.weights();
    expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThan(1e-9);
  });

  it('augments anew in each epoch, and not without `augment`', async () => {
    for (const [augment, lengths] of [
      [true, 2],
      [false, 1],
    ] as const) {
      const seen = new Map<number, Set<number>>();
      const policy = watched(newPolicy(), (data) => {
        for (const datum of data) {
          const set = seen.get(datum.inputTokens_T[0]!) ?? new Set();
          seen.set(datum.inputTokens_T[0]!, set.add(datum.inputTokens_T.length));
        }
      });
      await trainSft({ policy, format, examples, config: { ...quick, augment, epochs: 20 } });
      expect(Array.from(seen.values(), (set) => set.size)).toEqual(questions.map(() => lengths));
    }
  });

  it('stops early and ends with the best weights', async () => {
    const wrong = examples.map((example, i) => ({ ...example, sql: answers[(i + 1) % answers.length]! }));
    const policy = newPolicy();
    const result = await trainSft({
      policy,
      format,
      examples,
      validation: wrong,
      runDirectory: join(directory, 'run'),
      config: {
        ...quick,
        maxSteps: 200,
        validateEverySteps: 2,
        validateAtStart: true,
        earlyStoppingPatience: 3,
      },
    });
    expect(result.stopReason).toBe('stopped-early');
    expect(result.steps).toBeLessThan(200);
    const curve = (await readMetricsLog(join(directory, 'run', 'metrics.jsonl'))).filter(
      (record) => record.type === 'evaluation',
    );
    const lowest = curve.reduce((a, b) => (b.metrics.loss! < a.metrics.loss! ? b : a));
    expect(result.best).toEqual({ step: lowest.step, value: lowest.metrics.loss });
    const again = newPolicy();
    await again.load(join(directory, 'run', 'best'));
    expect(again.weights()).toEqual(policy.weights());
    expect(existsSync(join(directory, 'run', 'final', 'weights.bin'))).toBe(true);
  });

  it('holds examples out for validation where none are given', async () => {
    const trained = new Set<number>();
    const policy = watched(newPolicy(), (data) => {
      for (const datum of data) trained.add(datum.inputTokens_T[0]!);
    });
    const events: RunEvent[] = [];
    await trainSft({
      policy,
      format,
      examples,
      config: { ...quick, validationShare: 0.25, epochs: 4 },
      observe: (event) => events.push(event),
    });
    expect(trained.size).toBe(6);
    expect(events.filter((event) => event.type === 'evaluation-end')).toHaveLength(1);
  });

  it('skips what cannot be expressed, and says so when nothing can', async () => {
    const mixed = [...examples, { ...examples[0]!, id: 'odd', sql: 'unknown words' }];
    const skips: number[] = [];
    await trainSft({
      policy: newPolicy(),
      format,
      examples: mixed,
      config: { ...quick, epochs: 2 },
      observe: (event) => {
        if (event.type === 'step-end') skips.push(event.metrics.skippedExamples!);
      },
    });
    expect(skips.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    const hopeless = trainSft({ policy: newPolicy(), format, examples: [mixed.at(-1)!], config: quick });
    await expect(hopeless).rejects.toMatchObject({ code: 'training/unusable-examples' });
  });

  it('turns a budget in seconds into steps once, and trains from a generator', async () => {
    const totals: number[] = [];
    const stream = generatedStream((random) => random.pick(examples), 7);
    const result = await trainSft({
      policy: newPolicy(),
      format,
      examples: stream,
      config: { ...quick, maxSeconds: 0.2, maxSteps: 500 },
      observe: (event) => {
        if (event.type === 'step-end') totals.push(event.total);
      },
    });
    expect(result.stopReason).toBe('finished');
    expect(result.steps).toBe(totals.at(-1));
    expect(new Set(totals.slice(Math.min(totals.length - 1, 400))).size).toBe(1);
  });

  it.each([
    [{ learningrate: 1 }, 'config/unknown-key', /learningrate/],
    [{ batchSize: 0 }, 'config/invalid', /batchSize/],
    [{ schedule: 'square' }, 'config/invalid', /schedule/],
  ])('refuses %j', async (config, code, message) => {
    const run = trainSft({ policy: newPolicy(), format, examples, config: config as never });
    await expect(run).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('needs an end when examples are generated', async () => {
    const stream = generatedStream((random) => random.pick(examples), 7);
    const run = trainSft({ policy: newPolicy(), format, examples: stream });
    await expect(run).rejects.toMatchObject({ code: 'training/no-end' });
  });

  it('stops with the reason when the loss is not a number', async () => {
    const policy = newPolicy();
    const broken: Policy = { ...policy, optimStep: async () => ({ gradientNorm: Number.NaN }) };
    const run = trainSft({
      policy: broken,
      format,
      examples,
      runDirectory: join(directory, 'run'),
      config: quick,
    });
    await expect(run).rejects.toMatchObject({ code: 'training/diverged' });
    expect(await readdir(join(directory, 'run', 'checkpoints'))).toEqual([]);
  });
});
