import { copyFile, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DatabaseFolder, databaseFolder, ENDLESS, rowsOf, UNSTOPPABLE } from './database.fixture.ts';
import { createSandbox, type Sandbox } from './sandbox.ts';

/** Long enough for the good statements on a busy machine, as many hostile ones end only with it. */
const LIMIT_MS = 1_500;

let files: DatabaseFolder;
let folder: string;
let path: string;
let sandbox: Sandbox;

beforeAll(async () => {
  files = await databaseFolder();
  folder = files.folder;
  path = await files.make(
    'shop.sqlite',
    `CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL, kind TEXT);
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
     INSERT INTO items SELECT i, 'item ' || i, i * 0.1, CASE i % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' ELSE NULL END FROM n;`,
  );
  sandbox = createSandbox({ workers: 2, limits: { timeoutMs: LIMIT_MS } });
});

afterAll(async () => {
  await sandbox.close();
  await files.remove();
});

describe('reading', () => {
  test('values of every type arrive as they are', async () => {
    const execution = await sandbox.execute(
      path,
      "SELECT 1 AS one, 1.5, 'ü€😀', NULL, x'00ff', 9007199254740993, -9223372036854775808, 9e999, 'a' || char(0) || 'b'",
    );
    expect(rowsOf(execution)).toEqual([
      [
        1,
        1.5,
        'ü€😀',
        null,
        new Uint8Array([0, 255]),
        9007199254740993n,
        -9223372036854775808n,
        Number.POSITIVE_INFINITY,
        'a\0b',
      ],
    ]);
    expect(execution).toMatchObject({ outcome: 'rows', truncated: false });
    expect(execution.outcome === 'rows' && execution.columns[0]).toBe('one');
  });

  test('a trailing semicolon and comments are no second statement', async () => {
    expect(rowsOf(await sandbox.execute(path, 'SELECT 1; -- done\n /* ; */ ;'))).toEqual([[1]]);
  });

  test('row and byte caps cut a result and say so', async () => {
    const byRows = await sandbox.execute(path, 'SELECT id FROM items', { maxRows: 3 });
    expect(byRows).toMatchObject({ outcome: 'rows', rows: [[1], [2], [3]], truncated: true });
    const exact = await sandbox.execute(path, 'SELECT id FROM items LIMIT 3', { maxRows: 3 });
    expect(exact).toMatchObject({ truncated: false });
    const byBytes = await sandbox.execute(path, "SELECT printf('%.*c', 1000, 'x') FROM items", {
      maxBytes: 10_600,
    });
    expect(byBytes).toMatchObject({ outcome: 'rows', truncated: true });
    expect((rowsOf(byBytes) as unknown[]).length).toBe(10);
  });

  test('many at once come back to their own callers', async () => {
    const results = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        sandbox.execute(path, `SELECT name FROM items WHERE id = ${i + 1}`),
      ),
    );
    expect(results.map((result) => rowsOf(result))).toEqual(
      Array.from({ length: 300 }, (_, i) => [[`item ${i + 1}`]]),
    );
  });

  test('a file that has changed is read anew', async () => {
    const changing = await files.make('changing.sqlite', 'CREATE TABLE t (v); INSERT INTO t VALUES (1)');
    expect(rowsOf(await sandbox.execute(changing, 'SELECT v FROM t'))).toEqual([[1]]);
    const other = await files.make('other.sqlite', 'CREATE TABLE t (v); INSERT INTO t VALUES (2)');
    await copyFile(other, changing);
    await utimes(changing, new Date(), new Date(Date.now() + 5_000));
    expect(rowsOf(await sandbox.execute(changing, 'SELECT v FROM t'))).toEqual([[2]]);
  });
});

describe('errors of the statement are data', () => {
  test.each([
    ['SELEC 1', 'syntax'],
    ['SELECT (1', 'syntax'],
    ["SELECT 'open", 'syntax'],
    ['', 'syntax'],
    ['-- nothing', 'syntax'],
    ['SELECT * FROM nowhere', 'no-such-table'],
    ['SELECT missing FROM items', 'no-such-column'],
    ['SELECT "a string" FROM items', 'no-such-column'],
    ['SELECT nofunction(1)', 'no-such-function'],
    ['SELECT id FROM items JOIN items AS other', 'ambiguous-column'],
    ['SELECT substr(name) FROM items', 'wrong-arguments'],
    ['SELECT id FROM items WHERE SUM(id) > 1', 'wrong-arguments'],
    ["SELECT json_extract('{x', '$')", 'type'],
    ['SELECT ?', 'other'],
    ['SELECT 1 UNION SELECT 1, 2', 'other'],
  ])('%s', async (sql, errorClass) => {
    expect(await sandbox.execute(path, sql)).toMatchObject({ outcome: 'sql-error', errorClass });
  });

  test('old-style "strings" are read where they are asked for', async () => {
    const lenient = createSandbox({ workers: 1, doubleQuotedStrings: true });
    expect(rowsOf(await lenient.execute(path, 'SELECT COUNT(*) FROM items WHERE kind = "a"'))).toEqual([
      [666],
    ]);
    await lenient.close();
  });
});

describe('hostile statements', () => {
  test.each([
    ['a write', 'DELETE FROM items'],
    ['an insert', "INSERT INTO items VALUES (9999, 'x', 1, 'a')"],
    ['an update behind a CTE', 'WITH c AS (SELECT 1) UPDATE items SET name = 1'],
    ['a drop', 'DROP TABLE items'],
    ['a temporary table', 'CREATE TEMP TABLE t AS SELECT * FROM items'],
    ['a second statement', 'SELECT 1; DROP TABLE items'],
    ['a second statement behind a NUL', 'SELECT 1\0; DROP TABLE items'],
    ['attaching a file', "ATTACH '/etc/passwd' AS p"],
    ['a pragma', 'PRAGMA writable_schema = 1'],
    ['a pragma as a table', "SELECT * FROM pragma_table_info('items')"],
    ['a copy of the database', "VACUUM INTO 'stolen.sqlite'"],
    ['a vacuum', 'VACUUM'],
    ['a transaction', 'BEGIN IMMEDIATE'],
    ['a savepoint', 'SAVEPOINT s'],
    ['a reindex', 'REINDEX'],
    ['the raw pages', 'SELECT data FROM sqlite_dbpage'],
  ])('refused: %s', async (_, sql) => {
    expect(await sandbox.execute(path, sql)).toMatchObject({ outcome: 'refused' });
  });

  test.each([
    ['loading an extension', "SELECT load_extension('/tmp/evil.so')"],
    ['reading a file', "SELECT readfile('/etc/passwd')"],
    ['writing a file', "SELECT writefile('/tmp/x', 'y')"],
    ['a huge blob', 'SELECT length(hex(zeroblob(1000000000)))'],
    ['a huge width', "SELECT length(printf('%.*c', 1000000000, 'x'))"],
    ['an endless list', `SELECT 1 WHERE ${'('.repeat(5000)}1${')'.repeat(5000)}`],
    ['deep nesting', `SELECT ${'1+('.repeat(300)}1${')'.repeat(300)}`],
    ['many selects', Array(60).fill('SELECT 1').join(' UNION ALL ')],
    ['a long text', `SELECT '${'x'.repeat(150_000)}'`],
  ])('an error: %s', async (_, sql) => {
    expect(await sandbox.execute(path, sql)).toMatchObject({ outcome: 'sql-error' });
  });

  test.each([
    ['endless recursion', ENDLESS],
    ['a cross join', 'SELECT COUNT(*) FROM items a, items b, items c'],
    [
      'a pattern that backtracks',
      "SELECT COUNT(*) FROM items a, items b, items c WHERE a.name || b.name || c.name LIKE '%i%t%e%m%1%1%1%1%x%'",
    ],
    ['one operation that never returns', UNSTOPPABLE],
  ])('stopped: %s', async (_, sql) => {
    const started = performance.now();
    const execution = await sandbox.execute(path, sql);
    expect(execution).toEqual({ outcome: 'timeout', limitMs: LIMIT_MS, elapsedMs: expect.any(Number) });
    expect(execution.elapsedMs).toBeGreaterThanOrEqual(LIMIT_MS - 1);
    expect(performance.now() - started).toBeGreaterThanOrEqual(LIMIT_MS - 1);
  });

  test.each([
    ['doubling common tables', doublingCtes(22)],
    [
      'growing text',
      "WITH RECURSIVE c(x) AS (SELECT 'ab' UNION ALL SELECT x || x FROM c) SELECT MAX(length(x)) FROM c",
    ],
    [
      'sorting everything with everything',
      'SELECT COUNT(*) FROM (SELECT a.name, b.name FROM items a, items b, items c ORDER BY random())',
    ],
    ['one long list', 'SELECT group_concat(a.name || b.name) FROM items a, items b, items c'],
  ])('stopped, too big or out of memory: %s', async (_, sql) => {
    const { outcome } = await sandbox.execute(path, sql);
    expect(['timeout', 'out-of-memory', 'sql-error']).toContain(outcome);
  });

  test('good queries among attacks get their own right answers, and the file is as it was', async () => {
    const before = await readFile(path);
    const filesBefore = await readdir(folder);
    const attacks = [ENDLESS, UNSTOPPABLE, 'DROP TABLE items', doublingCtes(22), 'SELECT 1; SELECT 2'];
    const results = await Promise.all(
      Array.from({ length: 120 }, (_, i) =>
        sandbox.execute(
          path,
          i % 40 === 7 ? attacks[i % attacks.length]! : `SELECT ${i} + COUNT(*) FROM items`,
        ),
      ),
    );
    results.forEach((result, i) => {
      if (i % 40 !== 7) expect(rowsOf(result)).toEqual([[2000 + i]]);
      else expect(result.outcome).not.toBe('rows');
    });
    expect(await readFile(path)).toEqual(before);
    expect(await readdir(folder)).toEqual(filesBefore);
  });

  test('no message names a path of the host', async () => {
    for (const sql of [
      "ATTACH '/etc/passwd' AS p",
      'SELECT * FROM nowhere',
      "VACUUM INTO '/tmp/x'",
      UNSTOPPABLE,
    ]) {
      const execution = await sandbox.execute(path, sql);
      expect(JSON.stringify(execution)).not.toContain(folder);
      expect(JSON.stringify(execution)).not.toMatch(/\/etc|\/tmp/);
    }
  });
});

function doublingCtes(levels: number): string {
  const ctes = ['c0 AS (SELECT 1 AS x)'];
  for (let level = 1; level <= levels; level++) {
    ctes.push(`c${level} AS (SELECT * FROM c${level - 1} UNION ALL SELECT * FROM c${level - 1})`);
  }
  return `WITH ${ctes.join(', ')} SELECT COUNT(*) FROM c${levels}`;
}

describe('judging', () => {
  const judgeOne = async (gold: string, predicted: string) =>
    (await sandbox.judgeBatch(path, [{ gold, predicted }]))[0]!;

  test.each([
    [
      'the same rows by another way',
      'SELECT COUNT(*) FROM items',
      'SELECT COUNT(id) + 0.0 FROM items',
      true,
      'same',
    ],
    ['the same text', 'SELECT 1', 'SELECT 1', true, 'same-text'],
    ['other values', 'SELECT 1', 'SELECT 2', false, 'values'],
    ['too many rows', 'SELECT id FROM items LIMIT 2', 'SELECT id FROM items', false, 'row-count'],
    [
      'rows where the gold has none',
      'SELECT id FROM items WHERE 0',
      'SELECT id FROM items',
      false,
      'row-count',
    ],
    ['both empty', 'SELECT id FROM items WHERE 0', 'SELECT id FROM items WHERE id < 0', true, 'both-empty'],
    ['a failing prediction', 'SELECT 1', 'SELECT x', false, 'predicted-failed'],
    ['a forbidden prediction', 'SELECT 1', 'DROP TABLE items', false, 'predicted-failed'],
    ['a broken gold', 'SELECT x', 'SELECT 1', null, 'gold-broken'],
    [
      'the wrong order',
      'SELECT id FROM items ORDER BY id',
      'SELECT id FROM items ORDER BY id DESC',
      false,
      'row-order',
    ],
    [
      'an order that nobody asked for',
      'SELECT id FROM items',
      'SELECT id FROM items ORDER BY id DESC',
      true,
      'same',
    ],
  ])('%s', async (_, gold, predicted, match, reason) => {
    expect(await judgeOne(gold, predicted)).toMatchObject({ match, reason });
  });

  test('summaries say what happened on both sides', async () => {
    expect(await judgeOne('SELECT id FROM items', 'SELECT id FROM item')).toMatchObject({
      gold: { outcome: 'rows', rowCount: 2000, columnCount: 1, isEmpty: false },
      predicted: {
        outcome: 'sql-error',
        errorClass: 'no-such-table',
        message: 'no such table: item',
        isEmpty: true,
      },
    });
    expect(await judgeOne('SELECT x', 'SELECT 1')).toMatchObject({
      gold: { outcome: 'sql-error' },
      predicted: { outcome: 'not-run' },
    });
  });

  test('a prediction or a gold that must be stopped from outside costs only its own pair', async () => {
    const verdicts = await sandbox.judgeBatch(path, [
      { gold: 'SELECT 1', predicted: '  SELECT 1 + 0' },
      { gold: 'SELECT 1', predicted: UNSTOPPABLE },
      { gold: UNSTOPPABLE, predicted: 'SELECT 1' },
      { gold: 'SELECT 2', predicted: 'SELECT 1 + 1' },
    ]);
    expect(verdicts.map(({ match, reason }) => [match, reason])).toEqual([
      [true, 'same'],
      [false, 'predicted-failed'],
      [null, 'gold-broken'],
      [true, 'same'],
    ]);
    expect(verdicts[1]).toMatchObject({ gold: { outcome: 'rows' }, predicted: { outcome: 'timeout' } });
    expect(verdicts[2]).toMatchObject({ gold: { outcome: 'timeout' }, predicted: { outcome: 'not-run' } });
  });

  test('equal pairs are run once, within a batch and later', async () => {
    const before = sandbox.counters();
    const pair = { gold: 'SELECT 11', predicted: 'SELECT 10 + 1' };
    await sandbox.judgeBatch(path, [pair, pair, pair]);
    await sandbox.judgeBatch(path, [pair]);
    expect(sandbox.counters().tasksRun - before.tasksRun).toBe(1);
    expect(sandbox.counters().verdictsReused - before.verdictsReused).toBe(3);
  });

  test('columns in another order count only where that is allowed', async () => {
    const pair = { gold: 'SELECT id, name FROM items', predicted: 'SELECT name, id FROM items' };
    expect((await sandbox.judgeBatch(path, [pair]))[0]).toMatchObject({ match: false });
    expect((await sandbox.judgeBatch(path, [pair], { columnOrder: 'any' }))[0]).toMatchObject({
      match: true,
    });
  });

  test('a gold result that is too large to compare gives no verdict', async () => {
    const [verdict] = await sandbox.judgeBatch(
      path,
      [{ gold: 'SELECT id FROM items', predicted: 'SELECT 1' }],
      {
        limits: { maxRows: 10 },
      },
    );
    expect(verdict).toMatchObject({ match: null, reason: 'gold-too-large' });
  });
});

describe('the host', () => {
  test('goes on working while a statement runs', async () => {
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
    }, 20);
    await sandbox.execute(path, ENDLESS);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(5);
  });

  test('a missing or foreign file is an error, not an outcome', async () => {
    await expect(sandbox.execute(join(folder, 'none.sqlite'), 'SELECT 1')).rejects.toMatchObject({
      code: 'database/not-found',
    });
    const text = join(folder, 'text.txt');
    await writeFile(text, 'no database '.repeat(50));
    await expect(sandbox.execute(text, 'SELECT 1')).rejects.toMatchObject({ code: 'database/not-sqlite' });
    expect(rowsOf(await sandbox.execute(path, 'SELECT 1'))).toEqual([[1]]);
    await rm(text);
  });

  test('an impossible limit is refused by name', async () => {
    expect(() => createSandbox({ limits: { timeoutMs: -1 } })).toThrow(/timeoutMs is -1/);
    await expect(sandbox.execute(path, 'SELECT 1', { maxRows: Number.NaN })).rejects.toThrow(
      /maxRows is NaN/,
    );
  });

  test('views are read like tables', async () => {
    const views = await files.make(
      'views.sqlite',
      'CREATE TABLE t (v); INSERT INTO t VALUES (1), (2); CREATE VIEW total AS SELECT SUM(v) AS s FROM t',
    );
    expect(rowsOf(await sandbox.execute(views, 'SELECT s FROM total'))).toEqual([[3]]);
  });

  test('closing settles what is still waiting', async () => {
    const short = createSandbox({ workers: 1, limits: { timeoutMs: 30_000 } });
    const waiting = [short.execute(path, ENDLESS), short.execute(path, 'SELECT 1')];
    const settled = Promise.allSettled(waiting);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await short.close();
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(short.execute(path, 'SELECT 1')).rejects.toMatchObject({ code: 'database/sandbox-closed' });
  });
});
