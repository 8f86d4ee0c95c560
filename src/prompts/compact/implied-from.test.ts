import { describe, expect, it } from 'vitest';
import { withImpliedFrom, withoutImpliedFrom } from './implied-from.ts';

const tables = new Set(['t', 'u', 'v']);

describe('implied FROM', () => {
  it.each([
    ['SELECT T.x FROM T , U WHERE T.id = U.id', 'SELECT T.x WHERE T.id = U.id'],
    [
      'SELECT V.x FROM V , T AS T_0 , T AS T_1 WHERE V.a = T_0.id AND V.b = T_1.id LIMIT 1',
      'SELECT V.x WHERE V.a = T_0.id AND V.b = T_1.id LIMIT 1',
    ],
    [
      'SELECT T.x FROM T , U WHERE T.id = U.id AND T.y = ( SELECT MAX ( V.y ) FROM V , U WHERE V.id = U.id )',
      'SELECT T.x WHERE T.id = U.id AND T.y = ( SELECT MAX ( V.y ) WHERE V.id = U.id )',
    ],
    ['SELECT COUNT ( T.x ) , U.y FROM T , U', 'SELECT COUNT ( T.x ) , U.y'],
  ])('goes and comes back: %s', (sql, short) => {
    expect(withoutImpliedFrom(sql)).toBe(short);
    expect(withImpliedFrom(short, tables)).toBe(sql);
  });

  it.each([
    ['one table, whose columns are bare', 'SELECT x FROM T WHERE y = 1'],
    ['a table that no column names', 'SELECT T.x FROM T , U WHERE T.y = 1'],
    ['another order', 'SELECT T.x FROM U , T WHERE T.id = U.id'],
    ['an alias of another kind', 'SELECT a.x FROM T AS a , U WHERE a.id = U.id'],
    ['a query as table', 'SELECT T.x FROM T , ( SELECT 1 AS n ) AS d WHERE T.x = d.n'],
    ['JOIN', 'SELECT T.x FROM T JOIN U ON T.id = U.id'],
  ])('stays: %s', (_, sql) => {
    expect(withoutImpliedFrom(sql)).toBe(sql);
    expect(withImpliedFrom(sql, tables)).toBe(sql);
  });
});
