import { describe, expect, test } from 'vitest';
import { codeTokens, normalizeTokens } from '../sql-text.ts';
import { probesOf } from './probes.ts';

const spaced = (sql: string | undefined) => sql && normalizeTokens(codeTokens(sql));

describe('what a query leaves open', () => {
  test.each<[sql: string, columns: number, up: string | undefined]>([
    ['SELECT name FROM t', 1, undefined],
    ['SELECT name, age FROM t WHERE age > 3', 2, undefined],
    ['SELECT name FROM t ORDER BY age', 1, 'SELECT name FROM t ORDER BY age, 1 ASC'],
    ['SELECT name FROM t ORDER BY age;', 1, 'SELECT name FROM t ORDER BY age, 1 ASC;'],
    [
      'SELECT name, age FROM t ORDER BY age LIMIT 1',
      2,
      'SELECT name, age FROM t ORDER BY age, 1 ASC, 2 ASC LIMIT 1',
    ],
    ['SELECT name FROM t LIMIT 3', 1, 'SELECT name FROM t ORDER BY 1 ASC LIMIT 3'],
    ['SELECT * FROM t LIMIT 3', 4, 'SELECT * FROM t ORDER BY 1 ASC, 2 ASC, 3 ASC, 4 ASC LIMIT 3'],
    [
      'SELECT name FROM t WHERE id = (SELECT id FROM u ORDER BY n DESC LIMIT 1)',
      1,
      'SELECT name FROM t WHERE id = (SELECT id FROM u ORDER BY n DESC, 1 ASC LIMIT 1)',
    ],
    ['SELECT id, name, count(*) FROM t GROUP BY id', 3, 'SELECT id, min(name), count(*) FROM t GROUP BY id'],
    [
      'SELECT t.id, t.name AS n FROM t GROUP BY t.id',
      2,
      'SELECT t.id, min(t.name) AS n FROM t GROUP BY t.id',
    ],
    ['SELECT name, count(*) FROM t', 2, 'SELECT min(name), count(*) FROM t'],
    // SQLite takes the name from the row that holds the maximum.
    ['SELECT name, max(age) FROM t', 2, undefined],
    ['SELECT id, count(*) FROM t GROUP BY id', 2, undefined],
    ['SELECT name, row_number() OVER (ORDER BY age) FROM t', 2, undefined],
    ["SELECT ' LIMIT 1' FROM t -- ORDER BY x LIMIT 2", 1, undefined],
    [
      'SELECT a FROM t UNION SELECT b FROM u ORDER BY 1 LIMIT 2',
      1,
      'SELECT a FROM t UNION SELECT b FROM u ORDER BY 1, 1 ASC LIMIT 2',
    ],
  ])('%s', (sql, columns, up) => {
    const probes = probesOf(sql, columns);
    expect(spaced(probes?.[0])).toBe(spaced(up));
    const down = up?.replaceAll(' ASC', ' DESC').replaceAll('min(', 'max(');
    expect(spaced(probes?.[1])).toBe(spaced(down));
  });
});
