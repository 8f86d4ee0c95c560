import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Example } from '../data/example.ts';
import { readTrainerState } from './checkpoint.ts';
import { codeVersion } from './code-version.ts';
import { type ExampleStream, epochStream, generatedStream, mixedStream } from './example-stream.ts';
import { createMetricsLog, type MetricsRecord, readMetricsLog, truncateMetricsLog } from './metrics-log.ts';
import { learningRateAt } from './schedule.ts';
import { budgetFrom, createBudget } from './step-budget.ts';

const examples: Example[] = Array.from({ length: 7 }, (_, i) => ({
  id: `e${i}`,
  question: `q${i}`,
  sql: `s${i}`,
  databaseId: 'test',
  tags: [],
}));

describe('learningRateAt', () => {
  const base = { learningRate: 1, warmupRatio: 0.1, finalLearningRateRatio: 0.1 };
  it.each([
    ['constant', [0.1, 1, 1, 1]],
    ['linear', [0.1, 1, 0.55, 0.11]],
    ['cosine', [0.1, 1, 0.55, 0.1003]],
  ] as const)('%s', (schedule, expected) => {
    const rates = [0, 10, 55, 99].map((step) => learningRateAt(step, 100, { ...base, schedule }));
    for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(expected[i]!, 3);
  });

  it('stays above 0 and at most the peak, also for a run of one step', () => {
    const ratio = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), ratio, fc.nat(), (total, warmupRatio, place) => {
        const rate = learningRateAt(place % total, total, { ...base, warmupRatio, schedule: 'cosine' });
        expect(rate).toBeGreaterThan(0);
        expect(rate).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });
});

describe('a budget in seconds', () => {
  it('becomes a number of steps once, from typical steps; the slow first one does not count as typical', () => {
    const budget = createBudget({ maxSeconds: 100 });
    expect(budget.totalSteps()).toBeNull();
    budget.recordStep(10);
    for (let i = 0; i < 7; i++) budget.recordStep(0.5);
    expect(budget.totalSteps()).toBe(8 + (100 - 13.5) / 0.5);
    budget.recordStep(40);
    expect(budget.totalSteps()).toBe(181);
    expect(budget.isSpent(180)).toBe(false);
    expect(budget.isSpent(181)).toBe(true);
  });

  it('goes on from a saved state, before and after the number is fixed', () => {
    const whole = createBudget({ maxSeconds: 50 });
    let resumed = createBudget({ maxSeconds: 50 });
    for (const seconds of [3, 1, 1.2, 0.9, 1, 1.1, 1, 0.8, 1, 7]) {
      whole.recordStep(seconds);
      resumed.recordStep(seconds);
      resumed = budgetFrom(JSON.parse(JSON.stringify(resumed.state())));
      expect(resumed.plannedSteps()).toBe(whole.plannedSteps());
    }
    expect(resumed.totalSteps()).toBe(whole.totalSteps());
  });

  it('ends when it is used up before anything could be learned about it, and respects a step limit', () => {
    const short = createBudget({ maxSeconds: 1 });
    short.recordStep(2);
    expect(short.isSpent(1)).toBe(true);
    const limited = createBudget({ maxSeconds: 1000, maxSteps: 3 });
    for (let i = 0; i < 3; i++) limited.recordStep(0.1);
    expect(limited.isSpent(3)).toBe(true);
  });
});

describe('example streams', () => {
  const streams: readonly (readonly [string, () => ExampleStream])[] = [
    ['epochs', () => epochStream(examples, 4)],
    ['generated', () => generatedStream((random) => random.pick(examples), 4)],
    [
      'mixed',
      () =>
        mixedStream(
          [
            { stream: epochStream(examples.slice(0, 3), 4), weight: 1 },
            { stream: generatedStream((random) => random.pick(examples), 4), weight: 2 },
          ],
          4,
        ),
    ],
  ];

  it.each(streams)('%s go on from a saved place', async (_, create) => {
    for (const taken of [0, 1, 6, 7, 8, 30]) {
      const stream = create();
      for (let i = 0; i < taken; i++) await stream.next();
      const saved = JSON.parse(JSON.stringify(stream.state())) as unknown;
      const rest = await Promise.all(Array.from({ length: 20 }, () => stream.next()));
      const resumed = create();
      resumed.restore(saved);
      expect(await Promise.all(Array.from({ length: 20 }, () => resumed.next()))).toEqual(rest);
      expect(() => create().restore({ nonsense: true })).toThrow(
        expect.objectContaining({ code: 'training/bad-checkpoint' }),
      );
    }
  });

  it('epochs hold each example once, in another order each time', () => {
    const stream = epochStream(examples, 4);
    const epochs = [0, 1, 2].map(() => examples.map(() => (stream.next() as Example).id));
    for (const epoch of epochs) expect([...epoch].sort()).toEqual(examples.map(({ id }) => id));
    expect(new Set(epochs.map((epoch) => epoch.join())).size).toBe(3);
    expect(() => epochStream([], 1)).toThrow(expect.objectContaining({ code: 'training/no-examples' }));
  });
});

describe('metrics log', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'metrics-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  const record = (step: number): MetricsRecord => ({
    type: 'step',
    stage: 'sft',
    step,
    total: 9,
    metrics: { loss: 1 / step },
    timing: { stepMs: 3 },
  });

  it('is read back, cut at a step, and forgives a line that a kill cut off', async () => {
    const path = join(directory, 'a.jsonl');
    const log = createMetricsLog(path);
    const evaluation: MetricsRecord = {
      type: 'evaluation',
      stage: 'sft',
      set: 'dev',
      step: 2,
      metrics: { ex: 0.5 },
    };
    for (const entry of [record(1), record(2), evaluation, record(3)]) await log.append(entry);
    await writeFile(path, '{"type":"step","stage"', { flag: 'a' });
    expect(await readMetricsLog(path)).toEqual([record(1), record(2), evaluation, record(3)]);
    await truncateMetricsLog(path, 2);
    expect(await readMetricsLog(path)).toEqual([record(1), record(2), evaluation]);
  });

  it('names the row of a damaged line', async () => {
    const path = join(directory, 'b.jsonl');
    for (const line of ['{"type":', '[]', '{"type":"step"}', 'null', '{"type":"other","step":1}']) {
      await writeFile(path, `${JSON.stringify(record(1))}\n${line}\n`);
      await expect(readMetricsLog(path)).rejects.toMatchObject({
        code: 'training/metrics-corrupt',
        message: expect.stringMatching(/line 2/),
      });
    }
  });

  it('never throws anything but its own errors, whatever the file holds', async () => {
    const path = join(directory, 'c.jsonl');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.string(), fc.json(), fc.constant(JSON.stringify(record(1))))),
        async (lines) => {
          await writeFile(path, lines.map((line) => `${line}\n`).join(''));
          try {
            await readMetricsLog(path);
          } catch (thrown) {
            expect(thrown).toMatchObject({ code: 'training/metrics-corrupt' });
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('trainer state', () => {
  it('that is not one is refused by name, whatever the file holds', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'state-'));
    const junk = fc.oneof(fc.string(), fc.json(), fc.constant('{"formatVersion":1,"stage":"sft","step":-1}'));
    await fc.assert(
      fc.asyncProperty(junk, async (content) => {
        await writeFile(join(directory, 'trainer-state.json'), content);
        await expect(readTrainerState(directory)).rejects.toMatchObject({ code: 'training/bad-checkpoint' });
      }),
      { numRuns: 50 },
    );
    await rm(directory, { recursive: true });
    await expect(readTrainerState(directory)).rejects.toMatchObject({ code: 'files/read-failed' });
  });
});

describe('codeVersion', () => {
  it('starts with the package’s version', async () => {
    expect(await codeVersion()).toMatch(/^\d+\.\d+\.\d+/);
  });
});
