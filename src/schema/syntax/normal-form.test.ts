import { describe, expect, it } from 'vitest';
import { normalForm } from './normal-form.ts';

describe('normal form', () => {
  it.each([
    [
      'follows the joins from what is selected',
      "SELECT f.ID FROM CITY AS c , FLIGHT AS f , PORT AS p WHERE ( c.NAME = 'X' AND c.CODE = p.CITY ) AND f.TO_PORT = p.CODE ;",
      "SELECT FLIGHT.ID FROM FLIGHT , PORT , CITY WHERE FLIGHT.TO_PORT = PORT.CODE AND CITY.CODE = PORT.CITY AND CITY.NAME = 'X'",
    ],
    [
      'numbers the same table in that order',
      "SELECT f.ID FROM CITY AS c0 , CITY AS c1 , FLIGHT AS f WHERE c0.NAME = 'TO' AND f.TO_CITY = c0.CODE AND c1.NAME = 'FROM' AND f.FROM_CITY = c1.CODE",
      "SELECT FLIGHT.ID FROM FLIGHT , CITY AS CITY_0 , CITY AS CITY_1 WHERE FLIGHT.FROM_CITY = CITY_0.CODE AND CITY_0.NAME = 'FROM' AND FLIGHT.TO_CITY = CITY_1.CODE AND CITY_1.NAME = 'TO'",
    ],
    [
      'keeps the parentheses of OR',
      'SELECT a.x FROM T AS a WHERE ( a.y = 1 OR a.z = 2 ) AND ( a.w = 3 AND a.v BETWEEN 4 AND 5 )',
      'SELECT x FROM T WHERE v BETWEEN 4 AND 5 AND w = 3 AND ( y = 1 OR z = 2 )',
    ],
    [
      'leaves a WHERE of OR alone',
      'SELECT a.x FROM T AS a WHERE a.y = 1 OR a.z = 2 AND a.w = 3',
      'SELECT x FROM T WHERE y = 1 OR z = 2 AND w = 3',
    ],
    [
      'orders a subquery by itself',
      'SELECT a.x FROM T AS a WHERE a.y = ( SELECT MAX( b.y ) FROM U AS c , T AS b WHERE c.k = b.k AND b.g = 1 )',
      'SELECT x FROM T WHERE y = ( SELECT MAX ( T.y ) FROM T , U WHERE T.g = 1 AND U.k = T.k )',
    ],
    [
      'orders both sides of a set operation, and what comes after WHERE stays',
      'SELECT a.x FROM T AS a WHERE a.z = 1 AND a.y = 2 UNION SELECT b.x FROM U AS b GROUP BY b.x ORDER BY b.x LIMIT 3',
      'SELECT x FROM T WHERE y = 2 AND z = 1 UNION SELECT x FROM U GROUP BY x ORDER BY x LIMIT 3',
    ],
    [
      'only shortens where a subquery looks outside',
      'SELECT a.x FROM T AS a WHERE EXISTS ( SELECT 1 FROM U AS b WHERE b.id = a.id )',
      'SELECT x FROM T WHERE EXISTS ( SELECT 1 FROM U WHERE id = T.id )',
    ],
    [
      'only shortens where names are quoted',
      'SELECT [a].x FROM T AS [a] WHERE [a].z = 1 AND [a].y = 2',
      'SELECT x FROM T WHERE z = 1 AND y = 2',
    ],
    [
      'only shortens joins that say JOIN',
      'SELECT a.x FROM T AS a JOIN U AS b ON a.id = b.id WHERE b.y = 1 AND a.z = 2',
      'SELECT T.x FROM T JOIN U ON T.id = U.id WHERE U.y = 1 AND T.z = 2',
    ],
  ])('%s', (_, sql, normal) => {
    expect(normalForm(sql)).toBe(normal);
    expect(normalForm(normal)).toBe(normal);
  });

  it('gives statements that differ in order alone the same text', () => {
    const one = "SELECT a.x FROM T AS a , U AS b WHERE a.id = b.id AND ( a.y = 1 AND b.z = 'q' )";
    const other = "SELECT u.x FROM U AS t , T AS u WHERE ( u.id = t.id AND t.z = 'q' ) AND u.y = 1";
    expect(normalForm(one)).toBe(normalForm(other));
  });
});
