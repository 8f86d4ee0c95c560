import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { clausesOfBoth, clausesOfTree } from './clauses.ts';
import { certainSigns, injectionSignsOf } from './injection.ts';
import { loadParser, PARSER_TOKENS_MAX, parseSql } from './parser.ts';
import { statementClassOf } from './statement-class.ts';

beforeAll(() => loadParser());

describe('parseSql', () => {
  const chains: readonly (readonly [string, (links: number) => string])[] = [
    ['sums', (n) => `SELECT 1${' + 1'.repeat(n)}`],
    ['conditions', (n) => `SELECT 1 WHERE a = 1${' AND a = 1'.repeat(n)}`],
    ['IS NULL', (n) => `SELECT a${' IS NULL'.repeat(n)}`],
    ['casts', (n) => `SELECT a${'::int'.repeat(n)}`],
    [
      'sums in nested parentheses',
      (n) => `SELECT ${'('.repeat(40)}1${' + 1'.repeat(n - 40)}${')'.repeat(40)}`,
    ],
    [
      'sums in nested queries',
      (n) => `SELECT ${'(SELECT '.repeat(20)}1${' + 1'.repeat(n - 40)}${')'.repeat(20)}`,
    ],
  ];

  it.each(chains)('survives chains of %s, however long', (_, chain) => {
    for (const links of [60, 150, 290, 1_000, 20_000]) {
      parseSql(chain(links));
      expect(parseSql('SELECT a FROM t')).toHaveLength(1);
    }
  });

  it('gives no tree for what it does not know, and for what is too long', () => {
    expect(parseSql('SELEC 1')).toBeUndefined();
    expect(parseSql(`SELECT 1${', 1'.repeat(PARSER_TOKENS_MAX)}`)).toBeUndefined();
    expect(parseSql(`SELECT '${'x'.repeat(100_000)}'`)).toBeUndefined();
  });

  it('survives random texts', () => {
    const word = fc.constantFrom(
      ...'SELECT FROM WHERE ( ) , . * + - NOT AND OR IS NULL CASE WHEN THEN END :: [ ] a t 1 UNION IN BETWEEN'.split(
        ' ',
      ),
      "'x'",
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 700 }), (words) => {
        parseSql(words.join(' '));
        expect(parseSql('SELECT 1')).toHaveLength(1);
      }),
      { numRuns: 200 },
    );
  });
});

describe('clausesOfTree', () => {
  it('lists what stands in each clause, aliases resolved', () => {
    const clauses = clausesOfTree(
      `SELECT DISTINCT x.a, COUNT(*) AS n FROM t AS x LEFT JOIN u ON x.id = u.id
       WHERE x.a > 1 AND (x.b = 2) GROUP BY x.a HAVING COUNT(*) > 1 ORDER BY n DESC, 1 LIMIT 3 OFFSET 2`,
    )!;
    const counts = Object.fromEntries(Object.entries(clauses).map(([name, parts]) => [name, parts.length]));
    expect(counts).toEqual({
      select: 2,
      distinct: 1,
      from: 2,
      join: 2,
      where: 2,
      group: 1,
      having: 1,
      order: 2,
      limit: 2,
      set: 0,
    });
    expect(clauses.from).toEqual(['t', 'u']);
    // ORDER BY n and ORDER BY 1 are the output columns.
    expect(clauses.order).toEqual([`${clauses.select[1]} desc`, clauses.select[0]]);
    expect(clauses.group[0]).toBe(clauses.select[0]);
  });

  it.each([
    ['SELECT a FROM t WHERE b = 1 AND c > 2', 'SELECT x.a AS z FROM t x WHERE 2 < x.c AND (1 = x.b)'],
    ['SELECT t.a FROM t JOIN u ON t.i = u.i', 'SELECT p.a FROM t p INNER JOIN u q ON q.i = p.i'],
    ['SELECT a FROM t ORDER BY a', 'SELECT a FROM t ORDER BY 1 ASC'],
    ['WITH c AS (SELECT a FROM t) SELECT MAX(c.a) FROM c', 'SELECT MAX(d.a) FROM (SELECT a FROM t) AS d'],
    ['SELECT a FROM t WHERE b IN (SELECT b FROM u)', 'select A from T where B in (select B from U)'],
  ])('%s is %s', (a, b) => {
    const sorted = (sql: string) =>
      Object.entries(clausesOfTree(sql)!).map(([name, parts]) => [name, [...parts].sort()]);
    expect(sorted(a)).toEqual(sorted(b));
  });

  it('lists nested queries a level deeper', () => {
    const { from, where } = clausesOfTree('SELECT a FROM t WHERE b > (SELECT AVG(b) FROM u WHERE c = 1)')!;
    expect(from).toEqual(['t', '1:u']);
    expect(where).toHaveLength(2);
    expect(where.filter((part) => part.startsWith('1:'))).toHaveLength(1);
  });

  it('reads both sides from tokens where one is unknown to the parser', () => {
    const [a, b] = clausesOfBoth(
      "SELECT a FROM t WHERE a GLOB 'x*' AND c = 1",
      'SELECT a FROM t WHERE c = 1',
    );
    expect(a.select).toEqual(b.select);
    expect(a.from).toEqual(['t']);
    expect(a.where).toHaveLength(2);
    expect(a.where).toContain(b.where[0]);
  });
});

describe('statementClassOf', () => {
  it.each([
    ['SELECT 1', 'query'],
    ['  -- why\n(SELECT 1) UNION SELECT 2;', 'query'],
    ['VALUES (1)', 'query'],
    ['WITH c AS (SELECT 1) SELECT * FROM c', 'query'],
    ['EXPLAIN QUERY PLAN SELECT 1', 'query'],
    ['EXPLAIN ANALYZE DELETE FROM t', 'dml'],
    ['WITH c AS (SELECT 1) DELETE FROM t', 'dml'],
    ['WITH insert_x AS (SELECT 1) INSERT INTO t SELECT 1', 'dml'],
    ['SELECT * INTO u FROM t', 'dml'],
    ['replace into t values (1)', 'dml'],
    ['DROP TABLE t', 'ddl'],
    ['BEGIN', 'transaction'],
    ['PRAGMA table_info(t)', 'setting'],
    ["ATTACH 'x' AS y", 'file'],
    ['GRANT ALL ON t TO x', 'permission'],
    ['CALL f()', 'procedure'],
    ['SELECT 1; DROP TABLE t', 'several'],
    ["SELECT ';' ;;", 'query'],
    ['', 'empty'],
    ['-- nothing', 'empty'],
    ['the answer is 5', 'unknown'],
  ] as const)('%s: %s', (sql, expected) => {
    expect(statementClassOf(sql)).toBe(expected);
  });
});

describe('injectionSignsOf', () => {
  it.each([
    ['SELECT 1; DROP TABLE t', 'several-statements'],
    ['DELETE FROM t', 'not-a-query'],
    ["SELECT load_extension('x')", 'reaches-outside'],
    ["SELECT * FROM read_csv('/etc/passwd')", 'reaches-outside'],
    ["SELECT a INTO OUTFILE 'x' FROM t", 'reaches-outside'],
    ['SELECT pg_sleep(10)', 'delays'],
    ['SELECT hex(zeroblob(1000000000))', 'delays'],
    ['SELECT a FROM t UNION SELECT sql FROM sqlite_master', 'reads-catalogue'],
    ['SELECT table_name FROM information_schema.tables', 'reads-catalogue'],
    ["SELECT name FROM pragma_table_info('t')", 'reads-catalogue'],
    ["SELECT a FROM t WHERE n = '' OR 1=1", 'always-true'],
    ["SELECT a FROM t WHERE n = '' OR ('a'='a')", 'always-true'],
    ["SELECT a FROM t WHERE n = '' OR true", 'always-true'],
    ["SELECT a FROM t WHERE n = 'x' --' AND secret = 0", 'hides-in-comment'],
    ['SELECT 1 /*!50000 UNION SELECT 2 */', 'hides-in-comment'],
    ["SELECT 'abc", 'unterminated'],
    ['SELECT 1 /* open', 'unterminated'],
    ['SELECT 1\0', 'nul-character'],
  ] as const)('%s: %s', (sql, kind) => {
    expect(injectionSignsOf(sql).map((sign) => sign.kind)).toContain(kind);
  });

  it.each([
    "SELECT name FROM t WHERE a GLOB 'x*' OR b = 1",
    "SELECT ';--' AS a, 'DROP TABLE t' FROM \"insert\" -- done",
    "SELECT COUNT(*) FROM orders WHERE status = 'sleep' OR total > 3",
    'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 9) SELECT n FROM c;',
    'SELECT mysql, glob FROM tools WHERE load_file IS NULL OR a <> 1',
    "SELECT REPLACE(a, 'x', 'y') FROM t /* fine */",
  ])('finds none in %s', (sql) => {
    expect(injectionSignsOf(sql)).toEqual([]);
  });

  it('calls certain what never answers a question', () => {
    expect([...certainSigns].sort()).toEqual([
      'not-a-query',
      'nul-character',
      'reaches-outside',
      'several-statements',
    ]);
  });

  it('never fails and points into the text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (sql) => {
        for (const { at, text } of injectionSignsOf(sql)) expect(sql.slice(at, at + text.length)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });
});
