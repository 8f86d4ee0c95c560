import { beforeAll, describe, expect, it } from 'vitest';
import { loadParser } from '../schema/syntax/parser.ts';
import { isExactMatch, normalizeText } from './exact-match.ts';

beforeAll(() => loadParser());

describe('isExactMatch', () => {
  it.each([
    ['select name from T', 'SELECT  Name\nFROM t;', true],
    ["SELECT a FROM t WHERE b = 'X'", "SELECT a FROM t WHERE b = 'x'", false],
    ['SELECT a FROM t WHERE b != 3', 'SELECT a FROM t WHERE b <> 3', true],
    ['SELECT a FROM t WHERE b = 1 AND c = 2', 'SELECT a FROM t WHERE c = 2 AND b = 1', true],
    [
      'SELECT a FROM t WHERE b = 1 AND c = 2 AND d = 3',
      'SELECT a FROM t WHERE (d = 3 AND b = 1) AND c = 2',
      true,
    ],
    ['SELECT a FROM t WHERE b = 1 OR c = 2', 'SELECT a FROM t WHERE b = 1 AND c = 2', false],
    ['SELECT a FROM t WHERE b > 1', 'SELECT a FROM t WHERE 1 < b', true],
    ['SELECT a FROM t WHERE b > 1', 'SELECT a FROM t WHERE b < 1', false],
    ["SELECT a FROM t WHERE b IN ('x', 'y')", "SELECT a FROM t WHERE b IN ('y', 'x')", true],
    ['SELECT a, b FROM t', 'SELECT b, a FROM t', false],
    ['SELECT DISTINCT a FROM t', 'SELECT a FROM t', false],
    ['SELECT a FROM t ORDER BY b', 'SELECT a FROM t', false],
    ['SELECT a FROM t ORDER BY a DESC', 'SELECT a FROM t ORDER BY a', false],
    ['SELECT t.a FROM t', 'SELECT a FROM t', true],
    ['SELECT x.a FROM t AS x JOIN u y ON x.id = y.id', 'SELECT t.a FROM t JOIN u ON u.id = t.id', true],
    ['SELECT x.a FROM t x JOIN t y ON x.id = y.p', 'SELECT y.a FROM t x JOIN t y ON x.id = y.p', false],
    ['SELECT a, b, COUNT(*) FROM t GROUP BY a, b', 'SELECT a, b, count(*) FROM t GROUP BY b, a', true],
    ['SELECT a FROM t LIMIT 3', 'SELECT a FROM t LIMIT 5', false],
    ['SELECT SUM(a) FROM t', 'SELECT AVG(a) FROM t', false],
    ['SELECT a - b FROM t', 'SELECT b - a FROM t', false],
    [
      'SELECT a FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.i = t.i)',
      'SELECT a FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE t.i = u.i)',
      true,
    ],
    ['SELECT a FROM t WHERE b IS NULL', 'SELECT a FROM t WHERE b IS NOT NULL', false],
    ['not sql at all', 'SELECT a FROM t', false],
    ['', 'SELECT a FROM t', false],
  ])('%j and %j: %s', (predicted, gold, expected) => {
    expect(isExactMatch(predicted, gold)).toBe(expected);
    expect(isExactMatch(gold, predicted)).toBe(expected);
  });
});

describe('normalizeText', () => {
  it('leaves values alone and drops what says nothing', () => {
    expect(normalizeText(`SELECT  B -- why\nFROM T WHERE x != 'It''s  A' ;`)).toBe(
      `SELECT b FROM t WHERE x <> 'It''s  A'`,
    );
  });
});
