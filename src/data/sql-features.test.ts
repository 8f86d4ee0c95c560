import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sqlFeatureNames, sqlFeatures } from './sql-features.ts';

describe('sqlFeatures', () => {
  it.each([
    ['SELECT a FROM t', []],
    ['SELECT COUNT(*) FROM t WHERE a IS NOT NULL', ['aggregate', 'null']],
    ["SELECT a FROM t WHERE b = 'GROUP BY x LIKE y'", []],
    ['SELECT a FROM t -- LIMIT 3', []],
    ['SELECT a FROM t JOIN u ON t.i = u.i LEFT JOIN v ON v.i = u.i', ['join', 'left-join', 'three-tables']],
    ['SELECT x.a FROM t AS x JOIN t AS y ON x.p = y.i', ['join', 'self-join']],
    ['SELECT a FROM t WHERE b IN (SELECT b FROM t)', ['subquery', 'in-subquery']],
    [
      'SELECT a FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.i = t.i)',
      ['subquery', 'exists', 'not-exists', 'correlated'],
    ],
    ['SELECT a FROM t WHERE b > (SELECT AVG(u.b) FROM u)', ['aggregate', 'subquery']],
    [
      'SELECT a FROM t AS x WHERE b > (SELECT AVG(y.b) FROM t AS y WHERE y.c = x.c)',
      ['aggregate', 'subquery', 'correlated'],
    ],
    [
      'SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM t GROUP BY a)',
      ['aggregate', 'group-by', 'subquery', 'nested-aggregate', 'from-subquery'],
    ],
    [
      'WITH c AS (SELECT a, SUM(b) AS s FROM t GROUP BY a) SELECT MAX(s) FROM c',
      ['aggregate', 'group-by', 'subquery', 'nested-aggregate', 'cte'],
    ],
    [
      'SELECT a FROM t JOIN u ON t.i = u.i JOIN v ON v.i = u.i JOIN w ON w.i = v.i',
      ['join', 'three-tables', 'four-tables'],
    ],
    [
      'WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT i FROM r',
      ['subquery', 'cte', 'recursive', 'set-operation', 'arithmetic'],
    ],
    ['SELECT a, RANK() OVER (ORDER BY b DESC) FROM t', ['order-by', 'window']],
    [
      "SELECT CASE WHEN a BETWEEN 1 AND 2 THEN 'x' END FROM t ORDER BY a LIMIT 1",
      ['order-by', 'limit', 'case', 'between'],
    ],
    ["SELECT DISTINCT a FROM t WHERE STRFTIME('%Y', d) IN ('2024', '2025')", ['distinct', 'in-list', 'date']],
    ['SELECT a FROM t INTERSECT SELECT a FROM u', ['set-operation']],
    ['SELECT 100.0 * a / b FROM t', ['arithmetic']],
  ])('%s', (sql, expected) => {
    expect(sqlFeatures(sql)).toEqual(expected);
  });

  it('never throws and only answers with known names', () => {
    fc.assert(
      fc.property(fc.string(), (text) => sqlFeatures(text).every((name) => sqlFeatureNames.includes(name))),
    );
  });
});
