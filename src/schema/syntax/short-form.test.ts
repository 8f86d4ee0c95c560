import { describe, expect, it } from 'vitest';
import type { Schema } from '../schema.ts';
import { comparisonsIn } from './comparisons.ts';
import { inSchemaCase, shortForm, singleQuoted } from './short-form.ts';

describe('short form', () => {
  it.each([
    [
      'drops the alias of a table that is alone',
      'SELECT CITYalias0.NAME FROM CITY AS CITYalias0 WHERE CITYalias0.STATE = 1 ;',
      'SELECT NAME FROM CITY WHERE STATE = 1',
    ],
    [
      'keeps the qualifier where two tables are read',
      'SELECT a.x FROM T AS a , U AS b WHERE a.id = b.id',
      'SELECT T.x FROM T , U WHERE T.id = U.id',
    ],
    [
      'numbers a table that is read twice',
      'SELECT a.x FROM T AS a JOIN T AS b ON a.id = b.parent',
      'SELECT T_0.x FROM T AS T_0 JOIN T AS T_1 ON T_0.id = T_1.parent',
    ],
    [
      'begins anew in a subquery that does not look outside',
      'SELECT a.x FROM T AS a WHERE a.x = ( SELECT MAX( b.x ) FROM T AS b )',
      'SELECT x FROM T WHERE x = ( SELECT MAX( x ) FROM T )',
    ],
    [
      'names an outer table apart from an inner one of the same name',
      'SELECT a.x FROM T AS a WHERE a.x = ( SELECT MAX( b.x ) FROM T AS b WHERE b.g = a.g )',
      'SELECT x FROM T AS T_outer WHERE x = ( SELECT MAX( x ) FROM T WHERE g = T_outer.g )',
    ],
    [
      'qualifies what a subquery takes from outside',
      'SELECT a.x FROM T AS a WHERE EXISTS ( SELECT 1 FROM U AS b WHERE b.id = a.id )',
      'SELECT x FROM T WHERE EXISTS ( SELECT 1 FROM U WHERE id = T.id )',
    ],
    [
      'leaves the names of a table that is a query',
      'SELECT d.n FROM ( SELECT a.x AS n FROM T AS a ) AS d',
      'SELECT d.n FROM ( SELECT x AS n FROM T ) AS d',
    ],
    [
      'leaves what it does not understand',
      'WITH c AS (SELECT 1) SELECT c.x FROM c',
      'WITH c AS (SELECT 1) SELECT c.x FROM c',
    ],
  ])('%s', (_, sql, short) => {
    expect(shortForm(sql)).toBe(short);
  });

  it('quotes texts singly and leaves names', () => {
    expect(singleQuoted(`SELECT "a"."b" FROM "a" AS "x" WHERE y = "it's" AND z IN ( "u" , 'v' )`)).toBe(
      `SELECT "a"."b" FROM "a" AS "x" WHERE y = 'it''s' AND z IN ( 'u' , 'v' )`,
    );
  });

  it('writes names as the schema does', () => {
    const schema = { tables: [{ name: 'city', columns: [{ name: 'Name' }] }] } as unknown as Schema;
    expect(inSchemaCase("SELECT NAME FROM CITY WHERE name = 'NAME'", schema)).toBe(
      "SELECT Name FROM city WHERE Name = 'NAME'",
    );
  });
});

describe('comparisons', () => {
  it('finds columns by alias, by the only table, and what they are compared with', () => {
    const found = comparisonsIn(
      "SELECT a.x FROM T AS a , U AS b WHERE a.k = b.k AND b.n IN ( 'p' , 'q' ) AND a.y BETWEEN 1 AND 2 AND a.z NOT IN ( SELECT w FROM V WHERE w <> 'r' )",
    ).map(({ table, column, literals }) => [`${table}.${column}`, literals.map(({ value }) => value)]);
    expect(found).toEqual([
      ['T.x', []],
      ['T.k', []],
      ['U.k', []],
      ['U.n', ['p', 'q']],
      ['T.y', ['1', '2']],
      ['T.z', []],
      ['V.w', []],
      ['V.w', ['r']],
    ]);
  });
});
