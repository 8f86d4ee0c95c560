import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SqlValue } from '../../database/execution.ts';
import { openSqliteFile } from '../../database/sqlite-file.ts';
import { sharedSqlite } from '../../database/wasm.ts';
import { buildErpDatabase } from '../erp/build.ts';
import { writeConcertDatabase } from './neighbours.fixture.ts';
import { buildNeighbours, type NeighbourSet } from './neighbours.ts';

const QUERIES = [
  "SELECT name FROM singer WHERE country = 'France' AND age > 30",
  'SELECT title FROM concert WHERE year = 2014 OR price <= 12.5',
  "SELECT T1.name FROM singer AS T1 JOIN performance AS T2 ON T1.id = T2.singer_id JOIN concert AS T3 ON T2.concert_id = T3.id WHERE T3.held_on >= '2015-01-01' AND T2.minutes BETWEEN 40 AND 60",
  "SELECT name FROM singer WHERE name LIKE '%Zoe%'",
  'SELECT country FROM singer GROUP BY country HAVING count(*) > 12',
];

let folder: string;
let source: string;
let set: NeighbourSet;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'neighbours-'));
  source = await writeConcertDatabase(join(folder, 'concerts.sqlite'));
  set = await buildNeighbours({ databasePath: source, queries: QUERIES, directory: join(folder, 'cache') });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function rowsOf(path: string, sql: string): Promise<SqlValue[][]> {
  const { database, close } = openSqliteFile(await sharedSqlite(), path);
  try {
    return database.exec({ sql, rowMode: 'array', returnValue: 'resultRows' }) as never;
  } finally {
    close();
  }
}
const count = async (path: string, sql: string): Promise<number> => (await rowsOf(path, sql)).length;
const build = (seed: number, count = 2, databasePath = source) =>
  buildNeighbours({ databasePath, queries: QUERIES, seed, count, directory: join(folder, `seed ${seed}`) });

/** What a database breaks: rows without parents, an index or a constraint that does not hold. */
async function complaints(path: string): Promise<SqlValue[][]> {
  const [check] = await rowsOf(path, 'PRAGMA integrity_check');
  return [...(await rowsOf(path, 'PRAGMA foreign_key_check')), ...(check![0] === 'ok' ? [] : [check!])];
}

test('the same seed gives the same bytes, another seed other rows', async () => {
  const elsewhere = { databasePath: source, queries: [...QUERIES].reverse(), count: 2 };
  const [a, b, c] = await Promise.all([
    build(1),
    buildNeighbours({ ...elsewhere, seed: 1, directory: join(folder, 'again') }),
    build(2),
  ]);
  const bytes = (sets: NeighbourSet) => Promise.all(sets.neighbours.map(({ path }) => readFile(path)));
  expect(await bytes(b)).toEqual(await bytes(a));
  expect(await bytes(c)).not.toEqual(await bytes(a));
});

test('what is already built is used again, until the source or a query changes', async () => {
  const before = (await stat(set.neighbours[0]!.path)).mtimeMs;
  const again = await buildNeighbours({
    databasePath: source,
    queries: QUERIES,
    directory: join(folder, 'cache'),
  });
  expect(again.neighbours).toEqual(set.neighbours);
  expect((await stat(again.neighbours[0]!.path)).mtimeMs).toBe(before);
  const other = await buildNeighbours({
    databasePath: source,
    queries: QUERIES.slice(1),
    directory: join(folder, 'cache'),
  });
  expect(other.neighbours[0]!.path).not.toBe(set.neighbours[0]!.path);
});

test('the schema is the source’s own, word for word', async () => {
  const schema = 'SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name';
  const expected = await rowsOf(source, schema);
  expect(expected.length).toBe(5);
  for (const { path } of set.neighbours) expect(await rowsOf(path, schema)).toEqual(expected);
});

test('rows are dropped, changed and added', async () => {
  const ids = (await rowsOf(source, 'SELECT id, name, age FROM singer')).map((row) => row.join());
  for (const { path } of set.neighbours) {
    const others = (await rowsOf(path, 'SELECT id, name, age FROM singer')).map((row) => row.join());
    expect(others.length).toBeGreaterThan(5);
    expect(ids.some((row) => !others.includes(row))).toBe(true);
    expect(others.some((row) => !ids.includes(row))).toBe(true);
  }
});

describe('with any seed', () => {
  test('keys, foreign keys and checks hold; what decides something else still does; NULL comes only where it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 100, max: 100_000 }), async (seed) => {
        const { neighbours } = await build(seed, 4);
        for (const { path } of neighbours) {
          expect(await complaints(path)).toEqual([]);
          const perCode =
            'SELECT country_code FROM singer GROUP BY country_code HAVING count(DISTINCT country) > 1';
          expect(await rowsOf(path, perCode)).toEqual([]);
          const nulls = 'SELECT 1 FROM singer WHERE name IS NULL OR country IS NULL OR age IS NULL';
          expect(await count(path, nulls)).toBe(0);
          expect(await count(path, "SELECT 1 FROM singer WHERE is_male NOT IN ('T', 'F')")).toBe(0);
        }
      }),
      { numRuns: 12 },
    );
  });

  test('the twin holds the same rows, lying the other way round', async () => {
    for (const { path, twinPath } of (await build(7, 4)).neighbours) {
      for (const table of ['singer', 'concert', 'performance']) {
        const rows = await rowsOf(path, `SELECT * FROM ${table} NOT INDEXED`);
        expect((await rowsOf(twinPath, `SELECT * FROM ${table}`)).reverse()).toEqual(rows);
      }
      expect(await rowsOf(twinPath, "SELECT name FROM sqlite_master WHERE type = 'index'")).toEqual([]);
    }
  });
});

test('every condition is met by some rows and just missed by others', async () => {
  const somewhere = async (sql: string) => {
    const counts = await Promise.all(set.neighbours.map(({ path }) => count(path, sql)));
    return Math.max(...counts);
  };
  for (const sql of QUERIES) expect([sql, await somewhere(sql)]).not.toEqual([sql, 0]);
  const misses = [
    "SELECT 1 FROM singer WHERE country = 'France' AND age <= 30",
    "SELECT 1 FROM singer WHERE country <> 'France' AND age > 30",
    'SELECT 1 FROM singer WHERE age = 30',
    'SELECT 1 FROM concert WHERE price = 12.5',
    'SELECT 1 FROM performance WHERE minutes = 40',
    'SELECT 1 FROM singer WHERE id NOT IN (SELECT singer_id FROM performance)',
  ];
  for (const sql of misses) expect([sql, await somewhere(sql)]).not.toEqual([sql, 0]);
});

test('names stay unique, but for the style that repeats them and says so', async () => {
  const repeats = 'SELECT name FROM singer GROUP BY name HAVING count(*) > 1';
  for (const { path, repeated } of set.neighbours) {
    expect((await count(path, repeats)) > 0).toBe(repeated.includes('singer.name'));
  }
  expect(set.neighbours.filter(({ repeated }) => repeated.length > 0).map(({ style }) => style)).toEqual([
    'crowded',
  ]);
});

test('empty tables are filled, and a larger database is sampled', async () => {
  const sqlite = await sharedSqlite();
  const database = new sqlite.oo1.DB(':memory:');
  database.exec(
    'CREATE TABLE player (id INT PRIMARY KEY, name TEXT, born DATE, points REAL); CREATE TABLE game (player INT REFERENCES player(id), won BOOLEAN)',
  );
  const empty = join(folder, 'empty.sqlite');
  await writeFile(empty, sqlite.capi.sqlite3_js_db_export(database));
  database.close();
  for (const { path } of (await build(3, 2, empty)).neighbours) {
    expect(await count(path, 'SELECT 1 FROM game JOIN player ON player.id = game.player')).toBeGreaterThan(5);
    expect(await complaints(path)).toEqual([]);
  }
  const erp = join(folder, 'erp.sqlite');
  await buildErpDatabase({ path: erp });
  for (const { path } of (await build(4, 2, erp)).neighbours) {
    expect(await count(path, 'SELECT 1 FROM PROJSTAFF')).toBeLessThanOrEqual(300);
    expect(await complaints(path)).toEqual([]);
  }
});

test('whatever a schema may hold: cycles, generated columns, STRICT, WITHOUT ROWID, odd names, virtual tables', async () => {
  const sqlite = await sharedSqlite();
  const database = new sqlite.oo1.DB(':memory:');
  database.exec(`
    CREATE TABLE person (
      id INTEGER PRIMARY KEY, boss INTEGER REFERENCES person(id), name TEXT COLLATE NOCASE UNIQUE, team TEXT REFERENCES team(code),
      pay REAL CHECK (pay > 0), twice REAL GENERATED ALWAYS AS (pay * 2) STORED
    );
    CREATE TABLE team (code TEXT PRIMARY KEY, head INTEGER REFERENCES person(id)) WITHOUT ROWID;
    CREATE TABLE "we ird"" name" (a INTEGER NOT NULL PRIMARY KEY, "col ""q""" BLOB, "select" ANY) STRICT;
    CREATE TABLE pair (x INTEGER, y INTEGER, PRIMARY KEY (x, y));
    CREATE TABLE link (a INTEGER, b INTEGER, note TEXT, FOREIGN KEY (a, b) REFERENCES pair(x, y));
    CREATE VIRTUAL TABLE words USING fts5(body);
    CREATE VIEW broken AS SELECT * FROM words;
    CREATE UNIQUE INDEX partial_one ON "we ird"" name"("select") WHERE "select" IS NOT NULL;
    INSERT INTO words VALUES ('hello world');
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
      INSERT INTO person (id, boss, name, team, pay) SELECT i, nullif(i / 3, 0), 'Person ' || i, 'T' || (i % 4), i + 0.5 FROM n;
    INSERT INTO team VALUES ('T0', 1), ('T1', 2), ('T2', 3), ('T3', 4);
    INSERT INTO "we ird"" name" SELECT id, x'00ff', CASE id % 2 WHEN 0 THEN name ELSE pay END FROM person;
    INSERT INTO pair SELECT id, id * 2 FROM person;
    INSERT INTO link SELECT id, id * 2, 'note ' || (id % 3) FROM person;
    CREATE TRIGGER meddling AFTER INSERT ON person BEGIN UPDATE person SET pay = 1; END;`);
  const odd = join(folder, 'odd.sqlite');
  await writeFile(odd, sqlite.capi.sqlite3_js_db_export(database));
  database.close();
  for (const { path, twinPath } of (await build(5, 4, odd)).neighbours) {
    expect(await complaints(path)).toEqual([]);
    for (const table of ['person', 'team', 'pair', 'link', '"we ird"" name"']) {
      const rows = await count(path, `SELECT 1 FROM ${table}`);
      expect(rows).toBeGreaterThan(3);
      expect(await count(twinPath, `SELECT 1 FROM ${table}`)).toBe(rows);
    }
    expect(
      await count(twinPath, 'SELECT 1 FROM person a JOIN person b ON a.name = upper(b.name)'),
    ).toBeGreaterThan(3);
  }
});

test('a database that is not there is named', async () => {
  await expect(build(1, 1, join(folder, 'nowhere.sqlite'))).rejects.toMatchObject({
    code: 'database/not-found',
  });
});
