/**
 * The protocols of the official scripts. `official-cases.fixture.jsonl` holds random results with what the official
 * functions said of them under Python 3.11, half of them cases in which the quirks decide; cells are `{i}` INTEGER,
 * `{f}` REAL, `{b}` BLOB in hex, text or null.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SqlValue } from '../execution.ts';
import { compareBird, isSubset } from './bird.ts';
import { pythonText } from './python-text.ts';
import { compareSpider, prepareSpider } from './spider.ts';
import type { ResultTable } from './strict.ts';

type Cell = string | null | { i?: string; f?: string; b?: string };

interface OfficialCase {
  readonly gold: Cell[][];
  readonly predicted: Cell[][];
  readonly columns: readonly [number, number];
  readonly isOrdered: boolean;
  readonly spider: boolean;
  readonly bird: boolean;
}

const toValue = (cell: Cell): SqlValue => {
  if (cell === null || typeof cell === 'string') return cell;
  if (cell.i !== undefined) return BigInt(cell.i);
  if (cell.f !== undefined) return Number(cell.f.replace('inf', 'Infinity'));
  return new Uint8Array(Buffer.from(cell.b!, 'hex'));
};
const toTable = (rows: Cell[][], columns: number): ResultTable => ({
  columns: new Array<string>(columns).fill('c'),
  rows: rows.map((row) => row.map(toValue)),
});
const table = (...rows: SqlValue[][]): ResultTable => ({
  columns: new Array<string>(rows[0]?.length ?? 1).fill('c'),
  rows,
});
const ORDERED = 'SELECT a FROM t ORDER BY a';
const UNORDERED = 'SELECT a FROM t';

test('random results: the verdicts of the official functions', () => {
  const cases = readFileSync(new URL('official-cases.fixture.jsonl', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as OfficialCase);
  expect(cases.length).toBeGreaterThan(250);
  const wrong = cases.filter(({ gold, predicted, columns, isOrdered, spider, bird }) => {
    const [a, b] = [toTable(gold, columns[0]), toTable(predicted, columns[1])];
    const said = compareSpider(a, b, isOrdered ? ORDERED : UNORDERED).match;
    return said !== spider || compareBird(a, b).match !== bird;
  });
  expect(wrong).toEqual([]);
});

describe('spider', () => {
  test.each<[string, ResultTable, ResultTable, string, boolean]>([
    ['columns in another order', table(['a', 1n], ['b', 2n]), table([2n, 'b'], [1n, 'a']), UNORDERED, true],
    ['rows in another order, ordered', table(['a'], ['b']), table(['b'], ['a']), ORDERED, false],
    ['a row more often', table(['a'], ['a'], ['b']), table(['a'], ['b'], ['b']), UNORDERED, false],
    ['1 and 1.0 alone in a row', table([1n]), table([1]), UNORDERED, true],
    ['1 and 1.0 beside a 10', table([1n, 10n]), table([1, 10n]), UNORDERED, false],
    ['a little noise', table([0.1 + 0.2]), table([0.3]), UNORDERED, false],
    ['both empty, other columns', table(), { columns: ['a', 'b'], rows: [] }, UNORDERED, true],
    ['the order of a subquery', table(['a'], ['b']), table(['b'], ['a']), `SELECT (${ORDERED})`, false],
    ['two spaces are no ORDER BY', table(['a'], ['b']), table(['b'], ['a']), 'SELECT a ORDER  BY a', true],
    ['many equal columns', table([1n, 1n, 1n, 2n]), table([2n, 1n, 1n, 1n]), UNORDERED, true],
  ])('%s', (_, gold, predicted, sql, expected) => {
    expect(compareSpider(gold, predicted, sql).match).toBe(expected);
  });

  test.each<[string, string | undefined]>([
    ['SELECT count(DISTINCT a) FROM t', 'SELECT count( a) FROM t'],
    [
      'SELECT \'distinct\', "distinct" FROM t -- distinct',
      'SELECT \'distinct\', "distinct" FROM t -- distinct',
    ],
    [
      'SELECT a FROM t WHERE a > = 1 AND b ! = 2 AND c < = 3',
      'SELECT a FROM t WHERE a >= 1 AND b != 2 AND c <= 3',
    ],
    ["SELECT '> ='", "SELECT '>='"],
    ['SELECT 1; DROP TABLE t', 'SELECT 1;'],
    ["SELECT ';' FROM t", "SELECT ';' FROM t"],
    ['SELECT year ( curdate( ) ) - age', 'SELECT 2020- age'],
    ['SELECT a FROM t WHERE a < 2000DISTINCT', 'SELECT a FROM t WHERE a < 2000DISTINCT'],
    ['', undefined],
  ])('what runs for %s', (sql, expected) => {
    expect(prepareSpider(sql)).toBe(expected);
  });
});

describe('bird', () => {
  test.each<[string, ResultTable, ResultTable, boolean]>([
    ['rows repeated and in another order', table(['a'], ['b']), table(['b'], ['a'], ['b']), true],
    ['columns in another order', table(['a', 1]), table([1, 'a']), false],
    ['1 and 1.0', table([1n, 10n]), table([1, 10]), true],
    ['both empty, other columns', table(), { columns: ['a', 'b'], rows: [] }, true],
    ['empty and not', table(), table([1]), false],
    ['a column more', table(['a']), table(['a', 'a']), false],
    ['a row of the gold missing', table(['a'], ['b']), table(['a'], ['a']), false],
    ['text and bytes', table(['a']), table([new Uint8Array([97])]), false],
    ['a little noise', table([0.1 + 0.2]), table([0.3]), false],
  ])('%s', (_, gold, predicted, expected) => {
    expect(compareBird(gold, predicted).match).toBe(expected);
  });

  test('a part of the rows', () => {
    expect(isSubset(table(['a'], ['a']), table(['a'], ['b']))).toBe(true);
    expect(isSubset(table(['a'], ['c']), table(['a'], ['b']))).toBe(false);
  });
});

test.each<[SqlValue, string]>([
  [1, '1.0'],
  [-0, '-0.0'],
  [1e15, '1000000000000000.0'],
  [1e16, '1e+16'],
  [123456789012345680, '1.2345678901234568e+17'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [1.5e-7, '1.5e-07'],
  [5e-324, '5e-324'],
  [-2.5, '-2.5'],
  [Number.POSITIVE_INFINITY, 'inf'],
  [10n, '10'],
  [null, 'None'],
  ['x', 'x'],
  [new Uint8Array([97, 39, 0, 255, 10, 92]), 'b"a\'\\x00\\xff\\n\\\\"'],
  [new Uint8Array([39, 34]), "b'\\'\"'"],
])('Python writes %s as %s', (value, text) => {
  expect(pythonText(value)).toBe(text);
});

/** Few values and many repeats, as what makes comparisons hard. */
const cell = fc.constantFrom<SqlValue>(null, 0n, 1n, 2n, 1, 0.5, 'a', '1', new Uint8Array([97]));
const tableOf = (columns: number, rows: { minLength?: number; maxLength: number }) =>
  fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), rows);
const twoTables = fc
  .integer({ min: 1, max: 3 })
  .chain((columns) => fc.tuple(tableOf(columns, { maxLength: 4 }), tableOf(columns, { maxLength: 4 })));

function permutations(count: number): number[][] {
  if (count === 0) return [[]];
  return permutations(count - 1).flatMap((rest) =>
    Array.from({ length: count }, (_, at) => [...rest.slice(0, at), count - 1, ...rest.slice(at)]),
  );
}
const keyOf = (row: readonly SqlValue[]): string =>
  JSON.stringify(
    row.map((value) =>
      value instanceof Uint8Array ? `b${value}` : typeof value === 'string' ? `s${value}` : String(value),
    ),
  );

describe('properties', () => {
  test('spider: without whole floats, exactly what trying every order of columns finds', () => {
    fc.assert(
      fc.property(twoTables, fc.boolean(), ([a, b], isOrdered) => {
        const withoutFloats = (rows: SqlValue[][]) =>
          rows.map((row) => row.map((value) => (value === 1 ? 2n : value)));
        const [gold, predicted] = [withoutFloats(a), withoutFloats(b)];
        const list = (rows: SqlValue[][]) =>
          (isOrdered ? rows.map(keyOf) : rows.map(keyOf).sort()).join('\n');
        const orders = permutations(gold[0]?.length ?? 0);
        const expected =
          gold.length === predicted.length &&
          (gold.length === 0 ||
            orders.some((order) => list(gold) === list(predicted.map((row) => order.map((at) => row[at]!)))));
        expect(
          compareSpider(table(...gold), table(...predicted), isOrdered ? ORDERED : UNORDERED).match,
        ).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test('bird: equal sets of rows, numbers by value', () => {
    fc.assert(
      fc.property(twoTables, ([a, b]) => {
        const setOf = (rows: SqlValue[][]) => [...new Set(rows.map(keyOf))].sort().join('\n');
        expect(compareBird(table(...a), table(...b)).match).toBe(setOf(a) === setOf(b));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['spider', (a: ResultTable, b: ResultTable) => compareSpider(a, b, UNORDERED).match],
    ['bird', (a: ResultTable, b: ResultTable) => compareBird(a, b).match],
  ])('%s: the same either way round, and every result equals itself', (_, areSame) => {
    fc.assert(
      fc.property(twoTables, ([a, b]) => {
        expect(areSame(table(...a), table(...b))).toBe(areSame(table(...b), table(...a)));
        expect(areSame(table(...a), table(...a))).toBe(true);
      }),
    );
  });
});
