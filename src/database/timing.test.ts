/** Two statements timed in turns: what runs and in which order, what fails, and what a cold start drops. Never how long. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DatabaseFolder, databaseFolder, ENDLESS, rowsOf, UNSTOPPABLE } from './database.fixture.ts';
import type { Execution } from './execution.ts';
import { guardDatabase } from './guard.ts';
import { createSandbox, type Sandbox } from './sandbox.ts';
import { openSqliteFile } from './sqlite-file.ts';
import { runStatement } from './statement.ts';
import { timePair } from './timing.ts';
import { instantiateSqlite } from './wasm.ts';

let files: DatabaseFolder;
let path: string;
let sandbox: Sandbox;
beforeAll(async () => {
  files = await databaseFolder();
  path = await files.make(
    'timing.sqlite',
    `CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
     INSERT INTO t SELECT i, 'value ' || i FROM n;`,
  );
  sandbox = createSandbox({ workers: 1 });
});
afterAll(async () => {
  await sandbox.close();
  await files.remove();
});

const took = (elapsedMs: number): Execution => ({
  outcome: 'rows',
  columns: ['a'],
  rows: [],
  truncated: false,
  elapsedMs,
});

test('once each without a time, then in turns, the prediction first', () => {
  const ran: string[] = [];
  const timing = timePair({ gold: 'G', predicted: 'P', iterations: 2 }, (side, sql) => {
    ran.push(`${side} ${sql}`);
    return took(ran.length);
  });
  expect(ran).toEqual(['predicted P', 'gold G', 'predicted P', 'gold G', 'predicted P', 'gold G']);
  expect(timing).toEqual({ outcome: 'timed', predictedMs: [3, 5], goldMs: [4, 6] });
});

test('a run that gives no rows ends it, also a late one', () => {
  let runs = 0;
  const timing = timePair({ gold: 'G', predicted: 'P', iterations: 5 }, () => {
    runs += 1;
    return runs < 4 ? took(1) : { outcome: 'timeout', limitMs: 5, elapsedMs: 5 };
  });
  expect(timing).toMatchObject({ outcome: 'failed', side: 'gold', end: { outcome: 'timeout' } });
  expect(runs).toBe(4);
});

test('the sandbox gives a time for each run', async () => {
  const pair = { gold: 'SELECT COUNT(*) FROM t', predicted: 'SELECT COUNT(id) FROM t' };
  const timing = await sandbox.timePair(path, pair, { iterations: 7 });
  if (timing.outcome !== 'timed') throw new Error(JSON.stringify(timing));
  expect([timing.goldMs.length, timing.predictedMs.length]).toEqual([7, 7]);
  expect([...timing.goldMs, ...timing.predictedMs].every((ms) => ms > 0)).toBe(true);
});

test.each([
  ['a statement that fails', 'SELECT nothing FROM t', 'sql-error'],
  ['one that writes', 'DELETE FROM t', 'refused'],
  ['one without an end', ENDLESS, 'timeout'],
  ['one that only the end of its worker stops', UNSTOPPABLE, 'timeout'],
])(
  '%s is no time, on either side',
  async (_, sql, outcome) => {
    const good = 'SELECT MAX(id) FROM t';
    const options = { iterations: 3, limits: { timeoutMs: 1_000 } };
    expect(await sandbox.timePair(path, { gold: good, predicted: sql }, options)).toMatchObject({
      outcome: 'failed',
      side: 'predicted',
      end: { outcome },
    });
    expect(await sandbox.timePair(path, { gold: sql, predicted: good }, options)).toMatchObject({
      outcome: 'failed',
      side: 'gold',
      end: { outcome },
    });
    expect(rowsOf(await sandbox.execute(path, good, { timeoutMs: 20_000 }))).toEqual([[1_000]]);
  },
  120_000,
);

test('a cold start drops schema and pages, and the connection is guarded as before', async () => {
  const sqlite = await instantiateSqlite(64 * 1024 * 1024);
  const { database, close } = openSqliteFile(sqlite, path);
  const guard = guardDatabase(sqlite, database, { doubleQuotedStrings: false });
  const connection = { sqlite, database, guard, memoryBytesMax: 64 * 1024 * 1024 };
  const limits = { timeoutMs: 20_000, maxRows: 2_000, maxBytes: 1_000_000 };
  const run = (sql: string) => rowsOf(runStatement(connection, sql, limits));
  const { capi, wasm } = sqlite;
  const bytesOf = (kind: number): number => {
    const stack = wasm.pstack.pointer;
    const [current, highest] = wasm.pstack.allocPtr(2, false) as unknown as [number, number];
    capi.sqlite3_db_status(database, kind as never, current as never, highest as never, 0);
    const bytes = wasm.peek32(current as never) as number;
    wasm.pstack.restore(stack);
    return bytes;
  };
  const used = () => [capi.SQLITE_DBSTATUS_SCHEMA_USED, capi.SQLITE_DBSTATUS_CACHE_USED].map(bytesOf);
  run('SELECT SUM(length(v)) FROM t');
  const [schemaBytes, pageBytes] = used() as [number, number];
  expect(schemaBytes).toBeGreaterThan(0);
  guard.startCold();
  const [schemaLeft, pagesLeft] = used() as [number, number];
  expect(schemaLeft).toBeLessThan(schemaBytes / 2);
  expect(pagesLeft).toBeLessThan(pageBytes / 2);
  expect(run('SELECT COUNT(*) FROM t')).toEqual([[1_000]]);
  for (const sql of [
    'DELETE FROM t',
    'PRAGMA writable_schema = 1',
    "ATTACH 'x' AS y",
    'PRAGMA query_only = 0',
  ])
    expect(run(sql), sql).toMatchObject({ outcome: 'refused' });
  close();
});
