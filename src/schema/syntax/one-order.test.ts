import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildErpDatabase } from '../../data/erp/build.ts';
import { readExamples } from '../../data/example-file.ts';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { packageRoot } from '../../foundation/files.ts';
import { inOneOrder } from './one-order.ts';

describe('inOneOrder', () => {
  it.each([
    [
      'starts at the table of the first output column',
      "SELECT b.x, SUM(a.v) FROM a JOIN b ON a.b_id = b.id WHERE a.k = 'y' AND b.c = 1 GROUP BY b.id",
      "SELECT b.x, SUM(a.v) FROM b JOIN a ON b.id = a.b_id WHERE b.c = 1 AND a.k = 'y' GROUP BY b.id",
    ],
    [
      'hangs each join on what is there',
      'SELECT c.x FROM a JOIN b ON a.b_id = b.id JOIN c ON b.c_id = c.id',
      'SELECT c.x FROM c JOIN b ON c.id = b.c_id JOIN a ON b.id = a.b_id',
    ],
    [
      'orders conditions by column, those with queries last, ranges as they were',
      'SELECT x FROM t WHERE y > 1 AND EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.a = 2) AND d >= 3 AND d < 5 AND b BETWEEN 1 AND 2',
      'SELECT x FROM t WHERE b BETWEEN 1 AND 2 AND d >= 3 AND d < 5 AND y > 1 AND EXISTS (SELECT 1 FROM u WHERE u.a = 2 AND u.k = t.k)',
    ],
    [
      'reaches into common tables and both sides of a set operation',
      'WITH n AS (SELECT x FROM t WHERE c = 1 AND b = 2) SELECT x FROM n WHERE x > 1 AND a = 1 UNION ALL SELECT y FROM u WHERE b = 1 AND a = 2',
      'WITH n AS (SELECT x FROM t WHERE b = 2 AND c = 1) SELECT x FROM n WHERE a = 1 AND x > 1 UNION ALL SELECT y FROM u WHERE a = 2 AND b = 1',
    ],
    [
      'groups by the place of a CASE that it repeats',
      "SELECT a, CASE WHEN v < 3 THEN 'low, or so' ELSE 'high' END, COUNT(*) FROM t GROUP BY a, CASE WHEN v < 3 THEN 'low, or so' ELSE 'high' END",
      "SELECT a, CASE WHEN v < 3 THEN 'low, or so' ELSE 'high' END, COUNT(*) FROM t GROUP BY a, 2",
    ],
    [
      'groups by the place of a CASE that it names',
      "SELECT CASE WHEN v < 3 THEN 'low' ELSE 'high' END AS band, COUNT(*) FROM t GROUP BY band ORDER BY band",
      "SELECT CASE WHEN v < 3 THEN 'low' ELSE 'high' END AS band, COUNT(*) FROM t GROUP BY 1 ORDER BY band",
    ],
    [
      'counts what is summed up from ones and zeros in groups',
      'SELECT a, SUM(CASE WHEN b > 1 THEN 1 ELSE 0 END), 100.0 * SUM(CASE WHEN c IN (1, 2) THEN 1 ELSE 0 END) / COUNT(*), SUM(CASE WHEN b > 1 THEN v ELSE 0 END) FROM t GROUP BY a ORDER BY SUM(CASE WHEN b > 1 THEN 1 ELSE 0 END) DESC',
      'SELECT a, COUNT(CASE WHEN b > 1 THEN 1 END), 100.0 * COUNT(CASE WHEN c IN (1, 2) THEN 1 END) / COUNT(*), SUM(CASE WHEN b > 1 THEN v ELSE 0 END) FROM t GROUP BY a ORDER BY COUNT(CASE WHEN b > 1 THEN 1 END) DESC',
    ],
  ])('%s', (_, sql, expected) => {
    expect(inOneOrder(sql)).toBe(expected);
  });

  it.each([
    'SELECT x FROM t WHERE b = 1 OR a = 2',
    'SELECT a.x FROM t AS a LEFT JOIN u ON a.k = u.k WHERE u.k IS NULL AND a.b = 1',
    'SELECT a.x, b.x FROM t AS a JOIN t AS b ON b.p = a.k',
    "SELECT '§0§' FROM t WHERE b = 1 AND a = (SELECT 2)",
    'SELECT SUM(CASE WHEN b > 1 THEN 1 ELSE 0 END) FROM t',
    'SELECT a, SUM(CASE WHEN b > 1 THEN 1 ELSE 0 END) FILTER (WHERE c = 1) FROM t GROUP BY a',
    'SELECT a, SUM(CASE WHEN b > 1 THEN 1 WHEN c > 1 THEN 1 ELSE 0 END) FROM t GROUP BY a',
    'SELECT a, SUM(CASE WHEN b > 1 THEN 1 ELSE 0 END) OVER (ORDER BY a) FROM t GROUP BY a, b',
    'SELECT 1',
    '',
    'SELECT x FROM (SELECT',
  ])('leaves "%s" as it is', (sql) => {
    expect(inOneOrder(sql)).toBe(sql);
  });
});

describe('hand-written statements in one order', () => {
  let directory: string;
  let sandbox: Sandbox;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'querent-one-order-'));
    await buildErpDatabase({ path: join(directory, 'erp.sqlite') });
    sandbox = createSandbox();
  });
  afterAll(async () => {
    await sandbox.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('give the rows that they gave', async () => {
    const folder = join(packageRoot(), 'datasets', 'erp');
    const sets = await Promise.all(
      ['analysts-a', 'analysts-d', 'analysts-f', 'voices-d', 'reports-d', 'reports-h'].map((name) =>
        readExamples(join(folder, `${name}.jsonl`), 'erp'),
      ),
    );
    const statements = [...new Set(sets.flat().map(({ sql }) => sql))].filter((_, i) => i % 3 === 0);
    const rowsOf = async (sql: string): Promise<unknown> => {
      const execution = await sandbox.execute(join(directory, 'erp.sqlite'), sql);
      if (execution.outcome !== 'rows') return execution.outcome;
      return execution.rows.map((row) => JSON.stringify(row.map(rounded))).sort();
    };
    let changed = 0;
    for (const sql of statements) {
      const ordered = inOneOrder(sql);
      expect(inOneOrder(ordered)).toBe(ordered);
      if (ordered === sql) continue;
      changed += 1;
      expect([ordered, await rowsOf(ordered)]).toEqual([ordered, await rowsOf(sql)]);
    }
    expect(changed).toBeGreaterThan(100);
  }, 120_000);
});

/** Sums depend on the order of their terms in the last digits. */
function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(10)) : value;
}
