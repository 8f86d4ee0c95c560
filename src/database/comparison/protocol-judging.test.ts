/** The protocols as the sandbox applies them: what runs, how cells are read, and what is not run at all. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSandbox, type Sandbox } from '../sandbox.ts';
import { sharedSqlite } from '../wasm.ts';
import type { ProtocolName } from './protocol.ts';

let folder: string;
let path: string;
let sandbox: Sandbox;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'protocols-'));
  path = join(folder, 'letters.sqlite');
  const sqlite = await sharedSqlite();
  const database = new sqlite.oo1.DB(':memory:');
  database.exec(`
    CREATE TABLE letter (id INTEGER PRIMARY KEY, name TEXT, size REAL, word TEXT);
    INSERT INTO letter VALUES (1, 'a', 1.0, CAST(x'61ff62' AS TEXT)), (2, 'b', 10.0, 'ab'), (3, 'b', 2.5, NULL);
  `);
  await writeFile(path, sqlite.capi.sqlite3_js_db_export(database));
  database.close();
  sandbox = createSandbox({ workers: 1, doubleQuotedStrings: true });
});
afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

const judge = async (protocol: ProtocolName, gold: string, predicted: string) => {
  const [verdict] = await sandbox.judgeBatch(path, [{ gold, predicted }], { protocol });
  return verdict!;
};

/** gold, prediction, then what strict, spider and bird say. */
const cases: readonly [what: string, gold: string, predicted: string, ...said: (boolean | null)[]][] = [
  ['a missing DISTINCT', 'SELECT DISTINCT name FROM letter', 'SELECT name FROM letter', false, true, true],
  ['columns swapped', 'SELECT id, name FROM letter', 'SELECT name, id FROM letter', false, true, false],
  [
    'another order',
    'SELECT name FROM letter ORDER BY id',
    'SELECT name FROM letter ORDER BY id DESC',
    false,
    false,
    true,
  ],
  ['1 for 1.0 beside 10', 'SELECT 1, 10', 'SELECT size, 10 FROM letter WHERE id = 1', true, false, true],
  [
    'an operator with a space',
    'SELECT name FROM letter WHERE id >= 2',
    'SELECT name FROM letter WHERE id > = 2',
    false,
    true,
    false,
  ],
  ['a second statement', 'SELECT 1', 'SELECT 1; SELECT 2', false, true, false],
  ['nothing for an empty gold', 'SELECT name FROM letter WHERE id = 9', '-- nothing', false, true, true],
  ['no text for an empty gold', 'SELECT name FROM letter WHERE id = 9', '', false, false, true],
  ['text with a broken byte', "SELECT 'ab'", 'SELECT word FROM letter WHERE id = 1', false, true, false],
  ['a broken gold', 'SELECT nothing FROM letter', 'SELECT 1', null, null, null],
  [
    'a prediction that writes',
    'SELECT name FROM letter WHERE id = 9',
    'DELETE FROM letter',
    false,
    false,
    false,
  ],
];

describe.each(cases)('%s', (_, gold, predicted, ...said) => {
  test.each(['strict', 'spider', 'bird'] as const)('%s', async (protocol) => {
    const expected = said[['strict', 'spider', 'bird'].indexOf(protocol)];
    expect((await judge(protocol, gold, predicted)).match).toBe(expected);
  });
});

test('protocols do not share what they remember', async () => {
  const pair = ['SELECT DISTINCT name FROM letter', 'SELECT name FROM letter'] as const;
  expect((await judge('spider', ...pair)).match).toBe(true);
  expect((await judge('strict', ...pair)).match).toBe(false);
  expect((await judge('spider', ...pair)).match).toBe(true);
});

test('bird: a flood of the right rows is undecided, one with a wrong row is wrong', async () => {
  const flood = (what: string) =>
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300) SELECT ${what} FROM n`;
  const options = { protocol: 'bird', limits: { maxRows: 100 } } as const;
  const gold = 'SELECT 1 UNION ALL SELECT 2';
  const predicted = [flood('i % 2 + 1'), flood('i % 3')];
  const verdicts = await sandbox.judgeBatch(
    path,
    predicted.map((sql) => ({ gold, predicted: sql })),
    options,
  );
  expect(verdicts.map(({ match, reason }) => [match, reason])).toEqual([
    [null, 'predicted-too-large'],
    [false, 'values'],
  ]);
});

test('soft F1 comes with the verdicts of bird where it is asked for, and is not known of a result that is cut short', async () => {
  const gold = 'SELECT id, name FROM letter WHERE id < 3 ORDER BY id';
  const predicted = [
    gold,
    'SELECT name, id FROM letter WHERE id < 3 ORDER BY id',
    'SELECT id, name FROM letter WHERE id = 1',
    'SELECT nothing FROM letter',
    'SELECT letter.id, 0 FROM letter, letter AS other, letter AS third',
  ];
  const pairs = predicted.map((sql) => ({ gold, predicted: sql }));
  const limits = { maxRows: 20 };
  const verdicts = await sandbox.judgeBatch(path, pairs, { protocol: 'bird', softF1: true, limits });
  expect(verdicts.map(({ match, softF1 }) => [match, softF1])).toEqual([
    [true, 1],
    [false, 1],
    [false, 2 / 3],
    [false, undefined],
    [false, null],
  ]);
  const plain = await sandbox.judgeBatch(path, pairs, { protocol: 'bird', limits });
  expect(plain.map(({ softF1 }) => softF1)).toEqual(pairs.map(() => undefined));
});
