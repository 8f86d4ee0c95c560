import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedSqlite } from '../database/wasm.ts';
import { packageRoot, writeFileAtomic } from '../foundation/files.ts';
import { describeForPeople, describeForPrompt } from './describe.ts';
import { type IntrospectOptions, introspectSqlite } from './introspect.ts';
import type { Schema } from './schema.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'introspect-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function schemaOf(sql: string, options?: IntrospectOptions): Promise<Schema> {
  const sqlite = await sharedSqlite();
  const database = new sqlite.oo1.DB(':memory:');
  database.exec(`PRAGMA user_version = 1; ${sql}`);
  const path = join(folder, 'made.sqlite');
  await writeFileAtomic(path, sqlite.capi.sqlite3_js_db_export(database));
  database.close();
  return introspectSqlite(path, options);
}

const kinds = (schema: Schema) =>
  schema.tables.flatMap(({ columns }) => columns.map(({ name, kind }) => `${name}:${kind}`));

describe('kinds', () => {
  test('are judged from type, name and values', async () => {
    const schema = await schemaOf(`
      CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT UNIQUE, zip_code TEXT, label TEXT, born DATE, seen TEXT, Is_On INT,
        amount NUMERIC, n INT, data BLOB, odd DATE, rate, price DECIMAL(8,2));
      INSERT INTO t VALUES (1, 'A1', '10115', 'x', '2020-01-31', '2020-01-31 10:00:00', 1, 5, 5, x'00ff', 'spring', 1.5, 3);
      INSERT INTO t VALUES (2, 'A2', '10116', 'y', '2021-12-01', '2020-02-01T11:30', 0, 6, 7, x'01', 'fall', 2, 4);`);
    expect(kinds(schema)).toEqual([
      'id:identifier',
      'code:identifier',
      'zip_code:text',
      'label:text',
      'born:date',
      'seen:datetime',
      'Is_On:boolean',
      'amount:real',
      'n:integer',
      'data:blob',
      'odd:text',
      'rate:real',
      'price:real',
    ]);
  });

  test('of empty tables come from the declaration', async () => {
    const schema = await schemaOf(
      'CREATE TABLE t (a INT, b VARCHAR(4), c DATE, d TIMESTAMP, e DOUBLE, f BLOB, g BOOLEAN, h, x_id INT)',
    );
    expect(kinds(schema).map((kind) => kind.split(':')[1])).toEqual([
      'integer',
      'text',
      'date',
      'datetime',
      'real',
      'blob',
      'boolean',
      'text',
      'identifier',
    ]);
  });
});

describe('keys', () => {
  test('a foreign key without a target column means the primary key; composite and dangling ones are told apart', async () => {
    const schema = await schemaOf(`
      CREATE TABLE "Parent Table" (a INT, b INT, PRIMARY KEY (b, a));
      CREATE TABLE one (id INTEGER PRIMARY KEY);
      CREATE TABLE child (x INT, y INT, o INT REFERENCES ONE, gone INT REFERENCES nowhere(id),
        FOREIGN KEY (x, y) REFERENCES "parent table");`);
    const child = schema.tables.find(({ name }) => name === 'child')!;
    expect(child.foreignKeys).toEqual([
      { columns: ['o'], referencedTable: 'one', referencedColumns: ['id'] },
      { columns: ['x', 'y'], referencedTable: 'Parent Table', referencedColumns: ['b', 'a'] },
    ]);
  });

  const shop = (orphan: string) => `
    CREATE TABLE Customers (CustomerID INTEGER PRIMARY KEY, Name TEXT);
    CREATE TABLE orders (Id INTEGER PRIMARY KEY, customer_id INT, customer_name TEXT);
    INSERT INTO Customers VALUES (1, 'Ann'), (2, 'Bob');
    INSERT INTO orders VALUES (1, 1, 'Ann'), (2, 2, 'Bob'), (3, ${orphan}, 'Ann');`;

  test('an undeclared key is guessed from name and values, and marked', async () => {
    const schema = await schemaOf(shop('NULL'));
    const expected = {
      columns: ['customer_id'],
      referencedTable: 'Customers',
      referencedColumns: ['CustomerID'],
      isInferred: true,
    };
    expect(schema.tables[1]!.foreignKeys).toEqual([expected]);
    const declared = await schemaOf(shop('NULL'), { inferForeignKeys: false });
    expect(declared.tables[1]!.foreignKeys).toEqual([]);
  });

  test('a single value without a counterpart stops the guess', async () => {
    const schema = await schemaOf(shop('99'));
    expect(schema.tables[1]!.foreignKeys).toEqual([]);
  });
});

describe('the hash', () => {
  test('follows names, types and keys, not the data', async () => {
    const base = await schemaOf('CREATE TABLE t (a INT); INSERT INTO t VALUES (1)');
    const sameShape = await schemaOf('CREATE TABLE t (a INT); INSERT INTO t VALUES (2), (3)');
    const otherType = await schemaOf('CREATE TABLE t (a TEXT)');
    expect(sameShape.hash).toBe(base.hash);
    expect(otherType.hash).not.toBe(base.hash);
  });
});

describe('values', () => {
  test('are counted, sampled by frequency and indexed up to the limit', async () => {
    const sql = "CREATE TABLE t (v TEXT); INSERT INTO t VALUES ('b'), ('a'), ('b'), (NULL), ('c')";
    const [column] = (await schemaOf(sql)).tables[0]!.columns;
    expect(column).toMatchObject({ distinctCount: 3, nullCount: 1, min: 'a', max: 'c' });
    expect(column!.sampleValues).toEqual(['b', 'a', 'c']);
    expect(column!.textValues).toEqual(['a', 'b', 'c']);
    const [limited] = (await schemaOf(sql, { maxIndexedValues: 2, maxSampleValues: 1 })).tables[0]!.columns;
    expect(limited!.textValues).toEqual([]);
    expect(limited!.sampleValues).toEqual(['b']);
  });

  test('integers beyond 2^53 stay exact', async () => {
    const schema = await schemaOf('CREATE TABLE t (v INT); INSERT INTO t VALUES (9007199254740993)');
    expect(schema.tables[0]!.columns[0]!.max).toBe(9007199254740993n);
  });
});

describe('bad input', () => {
  test('a missing file, a folder, a text file, an empty file', async () => {
    const text = join(folder, 'notes.txt');
    const empty = join(folder, 'empty.sqlite');
    await writeFile(text, 'hello '.repeat(100));
    await writeFile(empty, '');
    await expect(introspectSqlite(join(folder, 'none.sqlite'))).rejects.toMatchObject({
      code: 'database/not-found',
    });
    await expect(introspectSqlite(folder)).rejects.toMatchObject({ code: 'database/not-sqlite' });
    await expect(introspectSqlite(text)).rejects.toMatchObject({ code: 'database/not-sqlite' });
    await expect(introspectSqlite(empty)).rejects.toMatchObject({ code: 'database/not-sqlite' });
  });

  test('a database without tables', async () => {
    await expect(schemaOf('')).rejects.toMatchObject({ code: 'schema/empty' });
  });

  test('a file that was cut off', async () => {
    await schemaOf(
      `CREATE TABLE t (v TEXT);
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
       INSERT INTO t SELECT 'a longer text, number ' || i FROM n`,
    );
    const path = join(folder, 'made.sqlite');
    await truncate(path, 40_000);
    await expect(introspectSqlite(path)).rejects.toMatchObject({
      code: expect.stringMatching(/unreadable$/),
    });
  });

  test('changes that lie in a journal beside the file', async () => {
    await schemaOf('CREATE TABLE t (a)');
    const path = join(folder, 'made.sqlite');
    await writeFile(`${path}-wal`, 'pending');
    await expect(introspectSqlite(path)).rejects.toMatchObject({ code: 'database/pending-writes' });
    await rm(`${path}-wal`);
  });
});

describe('the ERP database', () => {
  let schema: Schema;
  beforeAll(async () => {
    const ddl = await readFile(join(packageRoot(), 'datasets', 'erp', 'schema.sql'), 'utf8');
    schema = await schemaOf(
      `${ddl}
       INSERT INTO PAC_MNT_PROJECTS VALUES (1, 'PRJ-0001', 'Orion Programme', NULL, NULL, NULL, 'IT', 'Internal', 'Active',
         'High', 'Berlin', 1250000, NULL, 2024, '2024-02-01', NULL)`,
      { databaseId: 'erp' },
    );
  });

  test('tables, comments and keys', () => {
    expect(schema.databaseId).toBe('erp');
    const projects = schema.tables.find(({ name }) => name === 'PAC_MNT_PROJECTS')!;
    expect(projects.comment).toBe('Projects');
    expect(projects.foreignKeys.map(({ referencedTable }) => referencedTable)).toEqual([
      'PAC_MNT_PROJECTS',
      'SRM_COMPANIES',
      'PAC_MNT_RESOURCES',
    ]);
    expect(projects.columns.find(({ name }) => name === 'Budget')).toMatchObject({
      kind: 'real',
      comment: 'In EUR',
    });
    expect(Object.isFrozen(projects.columns)).toBe(true);
  });

  test('described for a prompt, it is SQL that builds the same shape again', async () => {
    const text = describeForPrompt(schema);
    expect(text).toContain("-- Active, Completed, On Hold, Planned, Cancelled; one of 'Active'");
    expect(text).toContain("-- YYYY-MM-DD; e.g. '2024-02-01'");
    const again = await schemaOf(text, { inferForeignKeys: false });
    expect(again.hash).toBe(schema.hash);
    expect(describeForPrompt(schema, { tables: ['projstaff'], sampleValues: 0 })).not.toContain('e.g.');
  });

  test('described for people', () => {
    expect(describeForPeople(schema)).toContain(
      'PROJSTAFF, 0 rows – Assignments: who works on which project',
    );
  });
});

const samples = join(packageRoot(), '..', 'shared', 'data');
describe.skipIf(!existsSync(samples))(
  'the sample databases (skipped: no shared data folder beside the checkout)',
  () => {
    test('Chinook', async () => {
      const schema = await introspectSqlite(join(samples, 'sample_dbs', 'chinook', 'Chinook_Sqlite.sqlite'));
      expect(schema.tables).toHaveLength(11);
      const track = schema.tables.find(({ name }) => name === 'Track')!;
      expect(track.rowCount).toBe(3503);
      expect(track.foreignKeys).toHaveLength(3);
    });

    test('Northwind: names with spaces, views left out unless asked for', async () => {
      const path = join(samples, 'sample_dbs', 'northwind', 'northwind.sqlite');
      const schema = await introspectSqlite(path);
      expect(schema.tables.map(({ name }) => name)).toContain('Order Details');
      const withViews = await introspectSqlite(path, { includeViews: true });
      expect(withViews.tables.length).toBeGreaterThan(schema.tables.length);
      const rebuilt = await schemaOf(describeForPrompt(schema), { inferForeignKeys: false });
      expect(rebuilt.tables).toHaveLength(schema.tables.length);
    });

    test.each(['concert_singer', 'academic', 'aircraft', 'baseball_1'])('Spider %s', async (name) => {
      const schema = await introspectSqlite(join(samples, 'spider', 'database', name, `${name}.sqlite`));
      expect(schema.tables.length).toBeGreaterThan(2);
    });
  },
);
