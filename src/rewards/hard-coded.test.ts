import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHardCoded } from './hard-coded.ts';
import { queryKey } from './same-query.ts';

const count = 'SELECT COUNT(*) FROM orders';

describe('isHardCoded', () => {
  it.each([
    ['SELECT 2000', count],
    ['SELECT COUNT(*)', count],
    ["SELECT 'Oslo', 2 UNION ALL SELECT 'Lyon', 3", 'SELECT city, COUNT(*) FROM orders GROUP BY city'],
    ["VALUES ('Oslo', 2), ('Lyon', 3)", 'SELECT city, COUNT(*) FROM orders GROUP BY city'],
    ['WITH c(n) AS (SELECT 2000) SELECT n FROM c', count],
    ['SELECT 2000 AS n FROM orders LIMIT 1', count],
    ['SELECT DISTINCT -5, (7) x FROM orders', 'SELECT MIN(a), MAX(a) FROM orders'],
    ['SELECT 2000 FROM orders WHERE id = 1', count],
  ])('%s for %s', (predicted, gold) => {
    expect(isHardCoded(predicted, gold)).toBe(true);
  });

  it.each([
    ['SELECT COUNT(id) FROM orders', count],
    ['SELECT SUM(1) FROM orders', count],
    ['SELECT 1', 'SELECT 1 + 0'],
    // The gold pins the column to the constant.
    ["SELECT 'Oslo' FROM orders WHERE city = 'Oslo'", "SELECT city FROM orders WHERE city = 'Oslo'"],
    ["SELECT 'none' FROM orders WHERE id = 1", "SELECT 'none' FROM orders WHERE id = 2"],
    ['SELECT (SELECT COUNT(*) FROM orders)', count],
    ['SELECT n FROM (SELECT COUNT(*) AS n FROM orders)', count],
    ['SELECT 1, city FROM orders', 'SELECT id, city FROM orders'],
    [
      'SELECT CASE WHEN EXISTS (SELECT 1 FROM orders) THEN 1 ELSE 0 END',
      'SELECT EXISTS (SELECT 1 FROM orders)',
    ],
    ['not sql', count.slice(0, 12)],
  ])('not %s for %s', (predicted, gold) => {
    expect(isHardCoded(predicted, gold)).toBe(false);
  });
});

describe('queryKey', () => {
  it.each([
    ['select  a\nfrom T -- x\n;', 'SELECT A FROM t', true],
    ["SELECT 'a'", "SELECT 'A'", false],
    ['SELECT "a"', 'SELECT a', false],
    ['SELECT [a]', 'SELECT "a"', false],
    ['SELECT a- -1', 'SELECT a--1', false],
    ['SELECT 1.0', 'SELECT 1', false],
    ["SELECT x'0a'", "SELECT X'0A'", false],
    ['SELECT a; SELECT b', 'SELECT a', false],
  ])('%s and %s: %s', (a, b, isSame) => {
    expect(queryKey(a) === queryKey(b)).toBe(isSame);
  });

  it('does not change when comments and spaces are added between tokens', () => {
    const words = fc.array(
      fc.constantFrom('SELECT', 'a', "'x y'", '"q"', '1', ',', '(', ')', 'FROM', '<=', '[z]'),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(words, (parts) => {
        expect(queryKey(parts.join(' /* -- */\n\t'))).toBe(queryKey(parts.join(' ')));
      }),
    );
  });
});
