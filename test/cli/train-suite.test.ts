/** `querent train suite` as a user runs it: a published set with its own split, with a database and without. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeConcertDatabase } from '../../src/data/neighbours/neighbours.fixture.ts';
import { runQuerent } from './fake-io.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-train-suite-'));
const inFolder = { workingDirectory: folder };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const partOf = (i: number): string => (i < 8 ? 'train' : i < 10 ? 'dev' : 'test');

/** Twelve ways to ask for one thing, and twelve for another. */
const entries = (['name', 'country_code'] as const).map((column, at) => ({
  'query-split': 'train',
  sql: [`SELECT singeralias0.${column} FROM singer AS singeralias0 WHERE singeralias0.name = "name0" ;`],
  variables: [{ name: 'name0', example: 'Joe', type: 'name', location: 'both' }],
  sentences: Array.from({ length: 12 }, (_, i) => ({
    'question-split': partOf(i),
    text: `${['what is', 'tell me', 'show', 'give'][i % 4]} the ${column} of name0 ${'please '.repeat(i % 3)}${at}`,
    variables: { name0: ['Joe', 'Rose', 'Justin'][i % 3] },
  })),
}));

const tiny = [
  'model: { hiddenSize: 32, intermediateSize: 64, layerCount: 1, headCount: 2, keyValueHeadCount: 2, dropout: 0 }',
  'prompt: { wordMerges: 10, linkedColumns: compared }',
  'suite: { lookups: 20, repeats: 2 }',
  'sft: { maxSteps: 60, batchSize: 16, learningRate: 0.01 }',
  'grpo: { maxSteps: 1, groupSize: 2, promptsPerStep: 2 }',
  'evaluation: { maxNewTokens: 40 }',
].join('\n');

beforeAll(async () => {
  await writeConcertDatabase(join(folder, 'concerts.sqlite'));
  for (const name of ['concerts', 'nowhere'])
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(entries));
  writeFileSync(join(folder, 'tiny.yaml'), tiny);
});

const train = (...args: string[]) => runQuerent(['train', 'suite', ...args, '--quiet', '--json'], inFolder);

describe('a set with a database', () => {
  it('is trained on, and judged by execution on the part kept apart', async () => {
    const run = await train('concerts.json#question/test', '--config', 'tiny.yaml', '--run', 'with');
    expect(run.stderr).toBe('');
    const result = run.json() as Record<string, unknown>;
    // The train and the dev part.
    expect(result).toMatchObject({ suite: 'concerts-question-test', isExecuted: true, trainingCount: 20 });
    expect(result).toMatchObject({ sft: { ex: { total: 4 }, em: { total: 4 } }, grpo: { ex: { total: 4 } } });
  });

  it('keeps dev apart where dev is judged', async () => {
    const run = await train(
      'concerts.json#question/dev',
      '--config',
      'tiny.yaml',
      '--set',
      'sft.maxSteps=1',
      '--run',
      'dev',
    );
    expect(run.json()).toMatchObject({ trainingCount: 16, sft: { em: { total: 4 } } });
  });
});

describe('a set without a database', () => {
  it('is judged by exact match, over a database of what its statements name', async () => {
    const run = await train(
      'nowhere.json#question/test',
      '--config',
      'tiny.yaml',
      '--set',
      'suite.lookups=0',
      '--run',
      'without',
    );
    const result = run.json() as { sft: { ex: { passed: number }; em: { passed: number; total: number } } };
    expect(result).toMatchObject({ isExecuted: false, trainingCount: 20 });
    expect(result.sft.em.total).toBe(4);
    expect(result.sft.ex.passed).toBe(result.sft.em.passed);
  });
});

it('asks which part to judge', async () => {
  const run = await train('concerts.json', '--config', 'tiny.yaml');
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain('names no part to judge');
  expect(run.stderr).toContain('FILE#question/dev');
});
