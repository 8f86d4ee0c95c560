/** Beside the commands' own tests: progress, and a database of which no neighbours can be built. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAgreementJudge } from '../../data/neighbours/agreement.ts';
import { writeConcertDatabase } from '../../data/neighbours/neighbours.fixture.ts';
import { buildNeighbours } from '../../data/neighbours/neighbours.ts';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { evaluatePredictions } from './evaluate-predictions.ts';

const GOLD = "SELECT name FROM singer WHERE country = 'France' AND age > 30";
const OTHERWISE = "SELECT T1.name FROM singer T1 WHERE T1.age > 30 AND T1.country = 'France'";
const LISTED = "VALUES ('Rose White'), ('John Nizinik'), ('Eve Stone')";

let folder: string;
let sandbox: Sandbox;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ask-neighbours-'));
  for (const id of ['one', 'two']) await writeConcertDatabase(join(folder, `${id}.sqlite`));
  sandbox = createSandbox({ workers: 1 });
});
afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

const pairsOf = (...rows: readonly (readonly [databaseId: string, predicted: string])[]) => ({
  goldFile: 'gold.sql',
  predictionFile: 'predict.sql',
  problems: [],
  pairs: rows.map(([databaseId, predicted], row) => ({
    ...{ row, line: row + 1, databaseId, gold: GOLD, predicted, isUsable: true },
  })),
});

it('asks each database once with all its golds, and names the rows whose neighbours cannot be asked', async () => {
  const asked: [path: string, golds: number][] = [];
  const progress: string[] = [];
  const { verdicts, problems } = await evaluatePredictions({
    files: pairsOf(['one', OTHERWISE], ['two', OTHERWISE], ['one', LISTED], ['one', 'SELECT 0']),
    protocol: 'strict',
    schemas: undefined,
    databasePathOf: (id) => join(folder, `${id}.sqlite`),
    neighbours: {
      judgeOf: async (databasePath, queries) => {
        asked.push([databasePath, queries.length]);
        if (databasePath.endsWith('two.sqlite')) throw new QuerentError('files/write-failed', 'no room left');
        const directory = join(folder, 'neighbours');
        const neighbours = await buildNeighbours({ databasePath, queries, count: 2, directory });
        return createAgreementJudge({ sandbox, neighbours });
      },
    },
    sandbox,
    observe: (event) => {
      if (event.type === 'progress' && event.label === 'ask neighbours')
        progress.push(`${event.done}/${event.total}`);
    },
  });
  expect(verdicts.map(({ isExecutionMatch }) => isExecutionMatch)).toEqual([true, false, false, false]);
  expect(verdicts.map(({ agreement }) => agreement?.match)).toEqual([true, undefined, false, undefined]);
  expect(problems).toEqual([
    {
      ...{ kind: 'no-neighbours', file: 'gold.sql', line: 2 },
      message: 'its neighbours cannot be asked: no room left',
    },
  ]);
  expect(asked).toEqual([
    [join(folder, 'one.sqlite'), 3],
    [join(folder, 'two.sqlite'), 1],
  ]);
  expect(progress).toEqual(['0/3', '2/3']);
});

it('stops where it is interrupted', async () => {
  const controller = new AbortController();
  const evaluating = evaluatePredictions({
    files: pairsOf(['one', OTHERWISE]),
    protocol: 'strict',
    schemas: undefined,
    databasePathOf: (id) => join(folder, `${id}.sqlite`),
    neighbours: {
      judgeOf: () => {
        controller.abort();
        return new Promise(() => {});
      },
    },
    sandbox,
    signal: controller.signal,
  });
  await expect(evaluating).rejects.toThrow('while asking neighbours of the predictions');
});
