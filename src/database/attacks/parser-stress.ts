/** Texts that are hard on the parser and the planner: nested, repeated, very long. */
import { type Attack, attacks, BOUNDED, STOPPED } from './attack.ts';

const times = (count: number, text: string, between = ''): string => Array(count).fill(text).join(between);
const nested = (count: number, open: string, middle: string, close: string): string =>
  `${times(count, open)}${middle}${times(count, close)}`;

export const parserStress: readonly Attack[] = [
  ...attacks({ theme: 'parser-stress', danger: 'cost', expected: STOPPED }, [
    ['parentheses', `SELECT ${nested(5_000, '(', '1', ')')}`],
    ['parentheses-45000', `SELECT ${nested(45_000, '(', '1', ')')}`],
    ['open-parentheses', `SELECT ${times(90_000, '(')}`],
    ['sums', `SELECT ${nested(300, '1+(', '1', ')')}`],
    ['chain-of-sums', `SELECT 1${times(40_000, '+1')}`],
    ['minus-signs', `SELECT ${times(40_000, '- ')}1`],
    ['not-not', `SELECT ${times(20_000, 'NOT ')}1`],
    ['tildes', `SELECT ${times(90_000, '~')}1`],
    ['case', `SELECT ${nested(4_000, 'CASE WHEN 1 THEN ', '1', ' END')}`],
    ['subqueries', `SELECT * FROM ${nested(3_000, '(SELECT * FROM ', 'items', ')')}`],
    ['scalar-subqueries', `SELECT ${nested(6_000, '(SELECT ', '1', ')')}`],
    ['exists', `SELECT ${nested(2_000, 'EXISTS (SELECT 1 WHERE ', '1', ')')}`],
    ['functions', `SELECT ${nested(15_000, 'abs(', '1', ')')}`],
    ['casts', `SELECT ${nested(4_000, 'CAST(', '1', ' AS INT)')}`],
    ['ins', `SELECT 1${times(10_000, ' IN (1')}${times(10_000, ')')}`],
    ['betweens', `SELECT 1 ${times(3_000, 'BETWEEN 0 AND 1 ')}`],
    ['collates', `SELECT 'a' ${times(8_000, 'COLLATE NOCASE ')}`],
    ['concats', `SELECT 'a'${times(20_000, "||'a'")}`],
    ['ands', `SELECT 1 WHERE 1${times(14_000, ' AND 1')}`],
    ['ors', `SELECT 1 FROM items WHERE id=1${times(9_000, ' OR id=1')}`],
    ['arrows', `SELECT '{}'${times(20_000, "->'a'")}`],
    ['unions-60', times(60, 'SELECT 1', ' UNION ALL ')],
    ['unions-6000', times(6_000, 'SELECT 1', ' UNION ')],
    ['columns-2500', `SELECT ${times(2_500, '1', ',')}`],
    ['star-columns', `SELECT ${times(900, '*', ',')} FROM items`],
    ['arguments', `SELECT max(${times(40_000, '1', ',')})`],
    ['order-by-terms', `SELECT id FROM items ORDER BY ${times(30_000, 'id', ',')}`],
    ['group-by-terms', `SELECT 1 FROM items GROUP BY ${times(30_000, 'id', ',')}`],
    ['joins-70', `SELECT 1 FROM items${times(70, ', items')}`],
    ['joins-9000', `SELECT 1 FROM items${times(9_000, ', items')}`],
    ['unknown-tables', `SELECT 1 FROM ${times(9_000, 'nowhere', ', ')}`],
    ['long-statement', `SELECT '${'x'.repeat(150_000)}'`],
    ['megabyte', `SELECT '${'x'.repeat(1_000_000)}'`],
    ['megabyte-of-comment', `SELECT 1 /* ${'x'.repeat(1_000_000)} */`],
    ['megabyte-of-spaces', `SELECT ${' '.repeat(1_000_000)} 1`],
    ['megabyte-of-semicolons', `SELECT 1${';'.repeat(1_000_000)}`],
    ['ten-megabytes', `SELECT ${'1,'.repeat(5_000_000)}1`],
    ['long-name', `SELECT ${'x'.repeat(99_000)} FROM items`],
    [
      'long-names-of-columns',
      `SELECT ${times(900, 'a.*', ', ')} FROM (SELECT 1 AS "${'x'.repeat(9_000)}") a`,
    ],
    ['long-number', `SELECT ${'9'.repeat(90_000)}x`],
    ['garbage', 'x'.repeat(90_000)],
    ['quotes', "'".repeat(90_001)],
  ]),
  ...attacks({ theme: 'parser-stress', danger: 'cost', expected: BOUNDED }, [
    ['digits', `SELECT ${'9'.repeat(90_000)}`],
    ['hex-literal', `SELECT length(x'${'00'.repeat(40_000)}')`],
    ['in-list-40000', `SELECT COUNT(*) FROM items WHERE id IN (${times(40_000, '1', ',')})`],
    ['values-15000', `SELECT COUNT(*) FROM (VALUES ${times(15_000, '(1)', ',')})`],
    ['columns-1900', `SELECT ${times(1_900, 'a.id', ',')} FROM items a`],
    [
      'common-tables-2000',
      `WITH ${Array.from({ length: 2_000 }, (_, i) => `c${i} AS (SELECT ${i})`).join(', ')} SELECT * FROM c1999`,
    ],
    [
      'common-tables-chain',
      `WITH c0 AS (SELECT 1 AS x), ${Array.from({ length: 1_500 }, (_, i) => `c${i + 1} AS (SELECT x FROM c${i})`).join(', ')} SELECT * FROM c1500`,
    ],
    [
      'windows-400',
      `SELECT ${Array.from({ length: 400 }, (_, i) => `SUM(id) OVER (ORDER BY price + ${i})`).join(', ')} FROM items`,
    ],
    ['scalar-subqueries-500', `SELECT ${times(500, '(SELECT COUNT(*) FROM items)', ', ')}`],
    [
      'correlated-nest',
      `SELECT ${nested(25, '(SELECT COUNT(*) FROM items WHERE id > ', 'id', ')')} FROM items`,
    ],
    ['comments-in-comments', `SELECT 1 ${times(20_000, '/**/ ')}`],
  ]),
  ...attacks({ theme: 'parser-stress', danger: 'cost', expected: STOPPED }, [
    [
      'or-index-explosion',
      `SELECT COUNT(*) FROM items a, items b, items c WHERE ${Array.from({ length: 60 }, (_, i) => `(a.id + c.id = b.id + ${i} OR a.price + c.price = b.price + ${i})`).join(' AND ')} AND a.name || b.name > (SELECT MAX(d.name || e.name) FROM items d, items e, items f)`,
    ],
  ]),
];
