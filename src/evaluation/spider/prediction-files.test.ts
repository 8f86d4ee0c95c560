/** Gold and prediction files as people write them, and as they come out of a broken script. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readPredictionPairs } from './prediction-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-prediction-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [goldPath, predictionPath] = [join(folder, 'gold.sql'), join(folder, 'predict.sql')];

function read(gold: string | Uint8Array, predictions: string | Uint8Array) {
  writeFileSync(goldPath, gold);
  writeFileSync(predictionPath, predictions);
  return readPredictionPairs(goldPath, predictionPath);
}

const found = async (gold: string | Uint8Array, predictions: string | Uint8Array): Promise<string[]> =>
  (await read(gold, predictions)).problems.map(({ kind, file, line }) => `${file} ${line} ${kind}`);

test('rows in order, whatever ends the lines, without a mark at the start and what follows a tab', async () => {
  const { pairs, problems } = await read('\uFEFFSELECT 1\ta\r\nSELECT 2\tb\r\n\r\n', 'select 1\ta\nselect 2');
  expect(problems).toEqual([]);
  expect(pairs).toEqual([
    { row: 0, line: 1, databaseId: 'a', gold: 'SELECT 1', predicted: 'select 1', isUsable: true },
    { row: 1, line: 2, databaseId: 'b', gold: 'SELECT 2', predicted: 'select 2', isUsable: true },
  ]);
});

test('BIRD’s object of predictions: by row, with breaks in a statement, and gaps where there is none', async () => {
  const gold = ['SELECT 1', 'SELECT 2', 'SELECT 3', 'SELECT 4'].map((sql) => `${sql}\ta\n`).join('');
  const tail = '\t----- bird -----\ta';
  const object = { 0: `SELECT 1${tail}`, 1: `SELECT\n\t2${tail}`, 3: null };
  const { pairs, problems } = await read(gold, JSON.stringify(object, undefined, 4));
  expect(pairs.map(({ predicted }) => predicted)).toEqual(['SELECT 1', 'SELECT\n\t2', '', '']);
  expect(problems.map(({ line, kind }) => `${line} ${kind}`)).toEqual([
    '3 empty-prediction',
    '4 empty-prediction',
  ]);
  const few = await read(gold, '{"0": "SELECT 1"}');
  expect(few.problems[0]).toMatchObject({ kind: 'row-count', line: 2 });
  for (const broken of [
    '{"0": "SELECT 1"',
    '{"0": "SELECT 1", "id": "SELECT 2"}',
    '{"0": "x", "9999999": "y"}',
  ])
    await expect(read(gold, broken), broken).rejects.toMatchObject({ code: 'evaluation/bad-predictions' });
});

test('lines that are blank in both files part dialogues; in one alone they are empty', async () => {
  const gold = 'SELECT 1\ta\n\nSELECT 2\ta\nSELECT 3\ta\n';
  expect((await read(gold, 'x\n\ny\nz\n')).pairs.map(({ row }) => row)).toEqual([0, 2, 3]);
  expect(await found(gold, 'x\n\n\nz\n')).toEqual(['predict.sql 3 empty-prediction']);
  expect(await found(gold, 'x\ny\ny\nz\n')).toEqual(['gold.sql 2 bad-gold-line']);
});

test('blank predictions at the end are empty ones; blank lines beyond the golds are nothing', async () => {
  const gold = 'SELECT 1\ta\nSELECT 2\ta\n';
  expect(await found(gold, 'x\n\n')).toEqual(['predict.sql 2 empty-prediction']);
  expect(await found(gold, '\n\n\n\n')).toEqual([
    'predict.sql 1 empty-prediction',
    'predict.sql 2 empty-prediction',
  ]);
  expect(await found(`${gold}\n\n`, 'x\ny')).toEqual([]);
});

test('names the first line that one of the files lacks', async () => {
  const few = await read('SELECT 1\ta\nSELECT 2\ta\n', 'x\n');
  expect(few.pairs.map(({ predicted }) => predicted)).toEqual(['x', '']);
  expect(few.problems).toMatchObject([{ kind: 'row-count', file: 'predict.sql', line: 2 }]);
  expect(few.problems[0]!.message).toContain('1 prediction for 2 gold statements');
  const many = await read('SELECT 1\ta\n', 'x\ny\n');
  expect(many.pairs).toHaveLength(1);
  expect(many.problems).toMatchObject([{ kind: 'row-count', line: 2 }]);
  expect(many.problems[0]!.message).toContain('2 predictions for 1 gold statement in');
});

test.each([
  ['SELECT 1\n', 'x\n', 'gold.sql 1 bad-gold-line'],
  ['SELECT 1\ta\tb\n', 'x\n', 'gold.sql 1 bad-gold-line'],
  ['\ta\n', 'x\n', 'gold.sql 1 bad-gold-line'],
  ['SELECT 1\ta\n', 'SELECT 1; SELECT 2\n', 'predict.sql 1 several-statements'],
])('%j and %j: %s', async (gold, predictions, problem) => {
  expect(await found(gold, predictions)).toEqual([problem]);
});

test('a semicolon at the end or in quotes parts nothing', async () => {
  expect(await found('SELECT 1\ta\n', "SELECT ';' ;\n")).toEqual([]);
});

test('bytes that are no UTF-8 spoil their row alone', async () => {
  const bytes = Buffer.concat([Buffer.from('SELECT "'), Buffer.from([0xff]), Buffer.from('"\nSELECT 2\n')]);
  const { pairs, problems } = await read('SELECT 1\ta\nSELECT 2\ta\n', bytes);
  expect(pairs.map(({ isUsable }) => isUsable)).toEqual([false, true]);
  expect(problems).toMatchObject([{ kind: 'not-utf8', file: 'predict.sql', line: 1 }]);
});

test('files that are missing or empty', async () => {
  const missing = join(folder, 'no.sql');
  await read('SELECT 1\ta\n', 'x\n');
  await expect(readPredictionPairs(missing, predictionPath)).rejects.toMatchObject({
    code: 'files/read-failed',
    message: `cannot read the gold statements ${missing}: no such file`,
  });
  await expect(readPredictionPairs(goldPath, missing)).rejects.toMatchObject({
    message: `cannot read the predictions ${missing}: no such file`,
  });
  await expect(readPredictionPairs(goldPath, folder)).rejects.toMatchObject({
    message: `cannot read the predictions ${folder}: it is a directory`,
  });
  await expect(read('', 'x\n')).rejects.toMatchObject({ code: 'evaluation/empty-file' });
  await expect(read('\n\n', '\n\n')).rejects.toMatchObject({ code: 'evaluation/empty-file' });
});
