/** Whole evaluations on a small database: the rules of execution side by side, and rows that cannot be judged. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DatabaseFolder, databaseFolder, ENDLESS } from '../../database/database.fixture.ts';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { clubsSchemas, clubsSql } from './clubs.fixture.ts';
import { readDifficulties } from './difficulty.ts';
import { type EvaluatePredictionsOptions, evaluatePredictions } from './evaluate-predictions.ts';
import { PREDICTION_PROTOCOLS, type PredictionProtocol } from './execution.ts';
import { isOfPrediction, readPredictionPairs } from './prediction-files.ts';
import { summarizePredictions } from './prediction-summary.ts';
import type { SpiderSchemas } from './schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-predictions-'));
let databases: DatabaseFolder;
let sandbox: Sandbox;
let schemas: SpiderSchemas;
let clubs: string;
beforeAll(async () => {
  databases = await databaseFolder();
  clubs = await databases.make('clubs.sqlite', clubsSql);
  schemas = await clubsSchemas(folder);
  sandbox = createSandbox({ workers: 1, doubleQuotedStrings: true });
});
afterAll(async () => {
  await sandbox.close();
  await databases.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Pairs of gold line and prediction line, as they stand in the two files. */
async function evaluate(
  lines: readonly (readonly [gold: string, predicted: string])[],
  protocol: PredictionProtocol = 'spider',
  withSchemas = true,
  more: Partial<EvaluatePredictionsOptions> = {},
) {
  const [gold, predictions] = [join(folder, 'gold.sql'), join(folder, 'predicted.sql')];
  writeFileSync(gold, lines.map(([line]) => `${line}\n`).join(''));
  writeFileSync(predictions, lines.map(([, line]) => `${line}\n`).join(''));
  return evaluatePredictions({
    files: await readPredictionPairs(gold, predictions),
    protocol,
    schemas: withSchemas ? schemas : undefined,
    databasePathOf: (id) => (id === 'clubs' ? clubs : id === 'broken' ? join(folder, 'gold.sql') : undefined),
    sandbox,
    ...more,
  });
}

describe('what each rule of execution says', () => {
  const rows: readonly (readonly [gold: string, predicted: string, matches: string])[] = [
    ['SELECT name FROM student', 'SELECT name FROM student ORDER BY id', 'spider spider-2018 bird strict'],
    // The order of rows counts in 2018, asked for or not.
    ['SELECT name FROM student', 'SELECT name FROM student ORDER BY id DESC', 'spider bird strict'],
    // Columns go by their names in 2018, and by any order under `spider`.
    ['SELECT name , age FROM student', 'SELECT age , name FROM student', 'spider spider-2018'],
    ['SELECT age FROM student', 'SELECT DISTINCT age FROM student', 'spider bird'],
    // The same rows from another column: not the same item in 2018.
    ['SELECT count(id) FROM student', 'SELECT count(name) FROM student', 'spider bird strict'],
    // The aggregate is no part of an item's name, so only the values count.
    ['SELECT count(*) FROM student', 'SELECT max(*) FROM student', ''],
    ['SELECT max(id) FROM student', 'SELECT count(id) FROM student', 'spider spider-2018 bird strict'],
    // Of `*` 2018 sees the first column.
    ['SELECT * FROM club', 'SELECT * FROM club JOIN member ON club.id = 9', ''],
    ['SELECT * FROM club WHERE id = 1', 'SELECT * FROM student WHERE id = 1', 'spider-2018'],
    // Columns that a key joins are one item.
    [
      'SELECT T1.id FROM student AS T1 JOIN member AS T2 ON T1.id = T2.student_id',
      'SELECT T2.student_id FROM student AS T1 JOIN member AS T2 ON T1.id = T2.student_id',
      'spider spider-2018 bird strict',
    ],
    // The official parser cannot read the alias, so 2018 knows no items.
    ['SELECT name FROM student', 'SELECT name AS n FROM student', 'spider bird strict'],
    ['SELECT name FROM student', 'SELECT nothing FROM student', ''],
    // The test-suite script runs the first of several statements.
    ['SELECT name FROM student', 'SELECT name FROM student ; SELECT 1', 'spider'],
    // And it reads `value` as 1.
    ['SELECT value FROM club', 'SELECT value FROM club', 'spider-2018 bird strict'],
  ];
  test.each(PREDICTION_PROTOCOLS)('%s', async (protocol) => {
    const { verdicts } = await evaluate(
      rows.map(([gold, predicted]) => [`${gold}\tclubs`, predicted]),
      protocol,
    );
    const matched = rows.filter((_, at) => verdicts[at]!.isExecutionMatch);
    expect(matched).toEqual(rows.filter(([, , matches]) => matches.split(' ').includes(protocol)));
  });
});

test('a row that cannot be judged counts as wrong, is named, and stops no other', async () => {
  const gold = 'SELECT name FROM student';
  const { verdicts, problems } = await evaluate([
    [`${gold}\tclubs`, gold],
    [`${gold}\tnowhere`, gold],
    [`${gold}\tbroken`, gold],
    [gold, gold],
    ['SELECT nothing FROM student\tclubs', gold],
    [`${gold}\tclubs`, '\tclubs'],
    [`${gold}\tclubs`, `${gold}\tclubs`],
  ]);
  expect(verdicts.map(({ isExecutionMatch }) => isExecutionMatch)).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
    true,
  ]);
  expect(verdicts.map(({ isExactMatch }) => isExactMatch)).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
    true,
  ]);
  expect(problems.map(({ kind, file, line }) => `${file} ${line} ${kind}`)).toEqual([
    'gold.sql 4 bad-gold-line',
    'predicted.sql 6 empty-prediction',
    'gold.sql 2 unknown-database',
    'gold.sql 3 unknown-database',
    'gold.sql 5 gold-unreadable',
    'gold.sql 3 no-database',
    'gold.sql 5 gold-broken',
  ]);
});

test('a database that is nowhere is named once a row, whatever is asked of it', async () => {
  const gold = 'SELECT name FROM student';
  const line = [`${gold}\tnowhere`, gold] as const;
  const withSchemas = await evaluate([line, line]);
  expect(withSchemas.problems.map(({ kind, line }) => `${line} ${kind}`)).toEqual([
    '1 unknown-database',
    '2 unknown-database',
  ]);
  expect(withSchemas.problems[0]!.message).toBe(
    'the schemas have no database nowhere, and there is no file for it',
  );
  const without = await evaluate([line], 'bird', false);
  expect(without.problems).toMatchObject([
    { kind: 'no-database', message: 'there is no file for the database nowhere' },
  ]);
});

test('without schemas there is execution alone', async () => {
  const { verdicts } = await evaluate([['SELECT name FROM student\tclubs', 'x']], 'bird', false);
  expect(verdicts).toMatchObject([
    { hardness: null, isOfficiallyParsed: null, isExactMatch: null, isExecutionMatch: false },
  ]);
  expect(summarizePredictions(verdicts).at(-1)).toMatchObject({
    count: 1,
    exactMatches: null,
    partial: null,
  });
});

test('figures by hardness: who has a component decides who counts for it', async () => {
  const { verdicts } = await evaluate([
    ['SELECT name FROM student WHERE age = 1\tclubs', 'SELECT name FROM student WHERE age = 2'],
    ['SELECT name FROM student\tclubs', 'SELECT name FROM student WHERE age = 22'],
    ['SELECT name FROM student WHERE id = 1\tclubs', 'SELECT name FROM student WHERE age = 20'],
    ['SELECT name , age FROM student\tclubs', 'SELECT age , name FROM student'],
  ]);
  const [easy, medium, hard, , all] = summarizePredictions(verdicts);
  expect(easy).toMatchObject({ level: 'easy', count: 3, exactMatches: 1, executionMatches: 2 });
  // One of three predictions and one of two golds that have a WHERE.
  expect(easy!.partial!.where.accuracy).toBeCloseTo(1 / 3);
  expect(easy!.partial!.where.recall).toBeCloseTo(1 / 2);
  expect(easy!.partial!.where.f1).toBeCloseTo(0.4);
  expect(medium).toMatchObject({ count: 1, exactMatches: 1, executionMatches: 1 });
  // Nobody has one: the official F1 is 1.
  expect(medium!.partial!.group).toEqual({ accuracy: 0, recall: 0, f1: 1 });
  expect(hard).toMatchObject({ count: 0 });
  expect(all).toMatchObject({ count: 4, exactMatches: 2, executionMatches: 3 });
});

const MATCH = 'SELECT name FROM student';

test('bird: soft F1 of every row, the mean of a class, R-VES of what matches alone', async () => {
  const lines = [
    [`${MATCH}\tclubs`, MATCH],
    [`${MATCH}\tclubs`, 'SELECT age FROM student'],
    // Half of the rows.
    [`${MATCH}\tclubs`, 'SELECT name FROM student WHERE id < 3'],
    [`${MATCH}\tclubs`, 'SELECT nothing FROM student'],
    [`${MATCH}\tclubs`, ''],
    ['SELECT nothing FROM student\tclubs', MATCH],
    // Right as a set, not in the order of its rows: Ann, Bo, Cleo, Dan against Dan, Cleo, Bo, Ann.
    [`${MATCH}\tclubs`, 'SELECT name FROM student ORDER BY id DESC'],
  ] as const;
  const difficulties = new Map(
    (['simple', 'moderate', 'moderate', 'simple', 'simple', 'simple', 'challenging'] as const).entries(),
  );
  const { verdicts, problems } = await evaluate(lines, 'bird', false, {
    difficulties,
    ves: { iterations: 3 },
  });
  expect(verdicts.map(({ softF1 }) => softF1)).toEqual([1, 0, 2 / 3, 0, 0, 0, 0]);
  expect(problems.map(({ kind, line }) => `${line} ${kind}`)).toEqual([
    '5 empty-prediction',
    '6 gold-broken',
  ]);
  const wrong = { timeRatio: null, rVes: 0 };
  const timed = {
    timeRatio: expect.any(Number),
    rVes: expect.toSatisfy((rVes: number) => rVes >= 50 && rVes <= 112),
  };
  expect(verdicts.map(({ efficiency }) => efficiency)).toEqual([
    timed,
    wrong,
    wrong,
    wrong,
    wrong,
    wrong,
    timed,
  ]);
  const [simple, moderate, challenging, all] = summarizePredictions(verdicts);
  expect(simple).toMatchObject({ level: 'simple', count: 4, executionMatches: 1, softF1: 0.25 });
  expect(simple!.rVes).toBeCloseTo(verdicts[0]!.efficiency!.rVes / 4, 12);
  expect(moderate).toMatchObject({ level: 'moderate', count: 2, executionMatches: 0, rVes: 0 });
  expect(moderate!.softF1).toBeCloseTo(1 / 3, 12);
  expect(challenging).toMatchObject({ level: 'challenging', count: 1, executionMatches: 1, softF1: 0 });
  expect(all).toMatchObject({ level: 'all', count: 7, executionMatches: 2 });
  expect(all!.softF1).toBeCloseTo((1 + 2 / 3) / 7, 12);
}, 60_000);

test('bird: a prediction that is cut short is wrong, is named, and its soft F1 counts as 0', async () => {
  const flood =
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100001) SELECT i FROM n';
  const { verdicts, problems } = await evaluate([[`${MATCH}\tclubs`, flood]], 'bird', false);
  expect(verdicts).toMatchObject([{ isExecutionMatch: false, softF1: 0, efficiency: null }]);
  expect(problems.map(({ kind, file }) => `${file} ${kind}`)).toEqual(['predicted.sql soft-f1-unknown']);
  expect(problems.every(isOfPrediction)).toBe(true);
}, 60_000);

test('a match that gives no rows when it is timed is named and earns nothing', async () => {
  // BIRD’s rule takes a comment for an empty result; the engine knows no such statement.
  const gold = 'SELECT name FROM student WHERE id = 9';
  const { verdicts, problems } = await evaluate([[`${gold}\tclubs`, '-- none']], 'bird', false, {
    ves: { iterations: 2 },
  });
  expect(verdicts).toMatchObject([
    { isExecutionMatch: true, softF1: 1, efficiency: { timeRatio: null, rVes: 0 } },
  ]);
  expect(problems).toMatchObject([{ kind: 'not-timed', file: 'predicted.sql', line: 1 }]);
  expect(problems[0]!.message).toContain('the prediction could not be timed: there is no statement');
});

describe('the file of difficulties', () => {
  const read = async (records: readonly object[]) => {
    const [gold, path] = [join(folder, 'two.sql'), join(folder, 'dev.jsonl')];
    writeFileSync(gold, `${MATCH}\tclubs\n${MATCH}\tclubs\n`);
    writeFileSync(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    return readDifficulties(path, await readPredictionPairs(gold, gold));
  };

  test('is read by row', async () => {
    const found = await read([{ db_id: 'clubs', difficulty: 'moderate' }, { difficulty: 'simple' }]);
    expect([...found]).toEqual([
      [0, 'moderate'],
      [1, 'simple'],
    ]);
  });

  test.each<[string, readonly object[], string]>([
    ['too short', [{ difficulty: 'simple' }], '1 record for 2 gold statements'],
    ['another class', [{ difficulty: 'simple' }, { difficulty: 'easy' }], 'dev.jsonl row 2: the difficulty'],
    [
      'another database',
      [{ difficulty: 'simple' }, { difficulty: 'simple', db_id: 'pets' }],
      'row 2 asks pets, its gold clubs',
    ],
  ])('%s is refused', async (_, records, message) => {
    await expect(read(records)).rejects.toMatchObject({
      code: 'evaluation/bad-difficulty-file',
      message: expect.stringContaining(message),
    });
  });
});

test.each([
  ['before it begins', undefined],
  ['in the middle of a statement', 'judgeBatch'],
  ['between two of many iterations', 'timePair'],
] as const)(
  'an interruption ends it %s',
  async (_, during) => {
    const controller = new AbortController();
    // Neither would end by itself while the test runs: an endless statement is given half an hour.
    const limits = { timeoutMs: 1_800_000 };
    const own = createSandbox({ workers: 1, doubleQuotedStrings: true, limits });
    const hurried: Sandbox = {
      ...own,
      judgeBatch: async (...args) => {
        const judged = own.judgeBatch(...args);
        if (during === 'judgeBatch') controller.abort();
        return judged;
      },
      timePair: async (...args) => {
        const timed = own.timePair(...args);
        if (during === 'timePair') controller.abort();
        return timed;
      },
    };
    if (during === undefined) controller.abort();
    const seen: string[] = [];
    const line = [`${MATCH}\tclubs`, during === 'judgeBatch' ? ENDLESS : MATCH] as const;
    const evaluating = evaluate([line], 'bird', false, {
      ves: { iterations: 1_000_000_000 },
      sandbox: hurried,
      signal: controller.signal,
      observe: (event) => seen.push(event.type === 'progress' ? event.label : event.type),
    });
    await expect(evaluating).rejects.toMatchObject({
      code: 'evaluation/interrupted',
      message: `while ${during === 'timePair' ? 'timing' : 'running'} the predictions.`,
    });
    await own.close();
    // What the closing of the sandbox ended is not told of.
    expect(seen).toEqual(during === 'timePair' ? ['run predictions'] : []);
  },
  60_000,
);
