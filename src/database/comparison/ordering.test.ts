import { describe, expect, test } from 'vitest';
import { hasOutermostOrderBy, orderingOf } from './ordering.ts';

describe('whether the outermost query orders', () => {
  test.each([
    ['SELECT a FROM t ORDER BY a', true],
    ['select a from t order  by a', true],
    ['SELECT a FROM t ORDER /* x */ BY a', true],
    ['SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 3)', false],
    ['WITH c AS (SELECT a FROM t ORDER BY a) SELECT a FROM c', false],
    ['WITH c AS (SELECT a FROM t) SELECT a FROM c ORDER BY a', true],
    ['SELECT ROW_NUMBER() OVER (ORDER BY a) FROM t', false],
    ["SELECT 'ORDER BY a' FROM t", false],
    ['SELECT "order by" FROM t -- ORDER BY a', false],
    ['SELECT a FROM t UNION SELECT b FROM u ORDER BY 1', true],
    ['SELECT group_concat(a ORDER BY a) FROM t', false],
    ['SELECT a AS "order" FROM t', false],
  ])('%s', (sql, expected) => {
    expect(hasOutermostOrderBy(sql)).toBe(expected);
  });
});

const keys = (...columns: number[]) => ({ kind: 'keys', columns });

describe('its keys among the output columns', () => {
  test.each([
    ['SELECT a, b FROM t', ['a', 'b'], { kind: 'unordered' }],
    ['SELECT a, b FROM t ORDER BY b DESC, a', ['a', 'b'], keys(1, 0)],
    ['SELECT a, b FROM t ORDER BY 2 LIMIT 5', ['a', 'b'], keys(1)],
    ['SELECT a, COUNT(*) FROM t GROUP BY a ORDER BY count( * ) DESC', ['a', 'COUNT(*)'], keys(1)],
    ['SELECT a, COUNT(*) AS n FROM t GROUP BY a ORDER BY n', ['a', 'n'], keys(1)],
    ['SELECT a, COUNT(*) n FROM t GROUP BY a ORDER BY COUNT(*) DESC NULLS LAST', ['a', 'n'], keys(1)],
    ['SELECT t.a FROM t JOIN u ON 1 ORDER BY t.a COLLATE NOCASE ASC', ['a'], keys(0)],
    ['SELECT a FROM t ORDER BY t.a', ['a'], keys(0)],
    ['SELECT t.a AS x FROM t ORDER BY a', ['x'], keys(0)],
    ['SELECT * FROM t ORDER BY b', ['a', 'b', 'c'], keys(1)],
    ['SELECT * FROM t ORDER BY t.b', ['a', 'b', 'c'], keys(1)],
    ['SELECT a FROM t ORDER BY b', ['a'], { kind: 'exact' }],
    ['SELECT a, b FROM t ORDER BY a, c', ['a', 'b'], { kind: 'exact' }],
    ['SELECT a FROM t ORDER BY 7', ['a'], { kind: 'exact' }],
    ['SELECT t.*, u.b FROM t, u ORDER BY u.b', ['a', 'b', 'b'], { kind: 'exact' }],
    ['SELECT a, a FROM t ORDER BY a', ['a', 'a'], keys(0)],
    ['SELECT a FROM t UNION SELECT b FROM u ORDER BY a', ['a'], keys(0)],
    ['SELECT a + 1 FROM t UNION SELECT b FROM u ORDER BY 1', ['a + 1'], keys(0)],
    ['SELECT DISTINCT a, b FROM t ORDER BY b;', ['a', 'b'], keys(1)],
    ['WITH c AS (SELECT 1, 2) SELECT x, y FROM c ORDER BY y', ['x', 'y'], keys(1)],
    [
      "SELECT CASE WHEN a THEN 'x' ELSE 'y' END kind, b FROM t ORDER BY CASE WHEN a THEN 'x' ELSE 'y' END",
      ['kind', 'b'],
      keys(0),
    ],
  ])('%s', (sql, columns, expected) => {
    expect(orderingOf(sql, columns)).toEqual(expected);
  });
});
