import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SqlValue } from '../execution.ts';
import { areEqualMultisets } from './multisets.ts';
import type { Ordering } from './ordering.ts';
import { compareResults, type ResultTable } from './strict.ts';
import { areEqualValues } from './values.ts';

const UNORDERED: Ordering = { kind: 'unordered' };

function table(...rows: SqlValue[][]): ResultTable {
  return { columns: (rows[0] ?? []).map((_, index) => `c${index}`), rows };
}

const compare = (
  gold: ResultTable,
  predicted: ResultTable,
  ordering: Ordering = UNORDERED,
  columnOrder?: 'exact' | 'any',
) => compareResults(gold, predicted, { ordering, ...(columnOrder && { columnOrder }) }).reason;

describe('values', () => {
  test.each<[SqlValue, SqlValue, boolean]>([
    [1, 1.0, true],
    [1, 1n, true],
    [2 ** 60, 2n ** 60n, true],
    [9007199254740993n, 9007199254740992n, false],
    [9007199254740992, 9007199254740993n, false],
    [0, -0, true],
    [1, '1', false],
    ['a', 'A', false],
    ['a', 'a ', false],
    [null, null, true],
    [null, 0, false],
    [null, '', false],
    [0.1 + 0.2, 0.3, true],
    [0.333333, 1 / 3, true],
    [0.33, 1 / 3, false],
    [1_000_000, 1_000_001, false],
    [12_783_600.5, 12_783_610.5, false],
    [1_234_567.891, 1_234_567.8911, true],
    [1e15 + 0.125, 1e15 + 0.25, true],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, true],
    [Number.POSITIVE_INFINITY, 1.5, false],
    [new Uint8Array([1, 2]), new Uint8Array([1, 2]), true],
    [new Uint8Array([97]), 'a', false],
  ])('%s and %s: %s', (a, b, expected) => {
    expect(areEqualValues(a, b)).toBe(expected);
    expect(areEqualValues(b, a)).toBe(expected);
  });
});

describe('tables', () => {
  test.each<[string, ResultTable, ResultTable, string]>([
    ['another order', table([1, 'a'], [2, 'b']), table([2, 'b'], [1, 'a']), 'same'],
    ['a row more often', table([1], [1], [2]), table([1], [2], [2]), 'values'],
    ['a row missing', table([1], [2]), table([1]), 'row-count'],
    ['a column more', table([1, 2]), table([1]), 'column-count'],
    ['columns swapped', table([1, 'a']), table(['a', 1]), 'values'],
    ['1 and 1.0 mixed', table([1, 'a'], [2, 'b']), table([2.0, 'b'], [1.0, 'a']), 'same'],
    [
      'noise in averages',
      table(['a', 1 / 3], ['b', 2 / 3]),
      table(['b', 0.66666667], ['a', 0.33333333]),
      'same',
    ],
    ['text that looks like a separator', table(['a,s1:b', 'c']), table(['a', 's1:b,c']), 'values'],
  ])('%s', (_, gold, predicted, reason) => {
    expect(compare(gold, predicted)).toBe(reason);
  });

  test('empty results: the same number of columns is the same, another is not', () => {
    const one = { columns: ['a'], rows: [] };
    expect(compare(one, { columns: ['b'], rows: [] })).toBe('both-empty');
    expect(compare(one, { columns: ['a', 'b'], rows: [] })).toBe('column-count');
    expect(compare(one, table([1]))).toBe('row-count');
  });

  test('near-equal rows are paired even where sorting puts them crosswise', () => {
    const gold = table([1.0000001, 5.5], [1.0, 7.5]);
    const predicted = table([1.0, 5.5], [1.0000001, 7.5]);
    expect(compare(gold, predicted)).toBe('same');
    expect(compare(gold, table([1.0, 5.5], [1.0000001, 5.5]))).toBe('values');
  });
});

describe('order', () => {
  const gold = table(['a', 1], ['b', 1], ['c', 2]);
  const keys: Ordering = { kind: 'keys', columns: [1] };
  test.each<[string, ResultTable, Ordering, string]>([
    ['ties may be swapped', table(['b', 1], ['a', 1], ['c', 2]), keys, 'same'],
    ['others may not', table(['a', 1], ['c', 2], ['b', 1]), keys, 'row-order'],
    ['without known keys nothing may', table(['b', 1], ['a', 1], ['c', 2]), { kind: 'exact' }, 'row-order'],
    ['other rows are other values', table(['a', 1], ['x', 1], ['c', 2]), keys, 'values'],
  ])('%s', (_, predicted, ordering, reason) => {
    expect(compare(gold, predicted, ordering)).toBe(reason);
  });
});

const cell = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom<SqlValue>(null, 'a', 'b', '1', 0.5, 1 / 3, 2n ** 60n),
);
const rowsOf = (columns: number) =>
  fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { maxLength: 12 });
const anyTable = fc.integer({ min: 1, max: 4 }).chain(rowsOf);
const asTable = (rows: SqlValue[][], columns = rows[0]?.length ?? 1): ResultTable => ({
  columns: Array.from({ length: columns }, (_, index) => `c${index}`),
  rows,
});

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.abs((seed * (i + 7) * 2654435761) | 0) % (i + 1);
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}

describe('properties', () => {
  test('a table equals its shuffled self, and itself with a little noise in the fractions', () => {
    fc.assert(
      fc.property(anyTable, fc.nat(), (rows, seed) => {
        const noisy = rows.map((row) =>
          row.map((value) =>
            typeof value === 'number' && !Number.isInteger(value) ? value * (1 + 1e-8) : value,
          ),
        );
        expect(
          compareResults(asTable(rows), asTable(shuffled(noisy, seed)), { ordering: UNORDERED }).match,
        ).toBe(true);
      }),
    );
  });

  test('comparison is symmetric', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }).chain((n) => fc.tuple(rowsOf(n), rowsOf(n))),
        ([a, b]) => {
          const forth = compareResults(asTable(a), asTable(b), { ordering: UNORDERED }).match;
          expect(compareResults(asTable(b), asTable(a), { ordering: UNORDERED }).match).toBe(forth);
        },
      ),
    );
  });

  test('a changed cell is noticed', () => {
    fc.assert(
      fc.property(anyTable, fc.nat(), fc.nat(), (rows, at, column) => {
        fc.pre(rows.length > 0);
        const changed = rows.map((row) => [...row]);
        const row = changed[at % rows.length]!;
        row[column % row.length] = 'a value that occurs nowhere';
        expect(compareResults(asTable(rows), asTable(changed), { ordering: UNORDERED }).match).toBe(false);
      }),
    );
  });

  test('without fractions it agrees with counting rows as text', () => {
    const textOf = (row: readonly SqlValue[]) => row.map((value) => `${typeof value}${value}`).join('|');
    const whole = fc.array(
      fc.array(fc.constantFrom<SqlValue>(null, 1, 2, 'a'), { minLength: 2, maxLength: 2 }),
      {
        maxLength: 5,
      },
    );
    fc.assert(
      fc.property(whole, whole, (a, b) => {
        const expected =
          a.map(textOf).sort().join('\n') === b.map(textOf).sort().join('\n') && a.length === b.length;
        expect(areEqualMultisets(a, b)).toBe(expected);
      }),
    );
  });

  test('with any column order, a permuted table is the same; in the exact order only if the values allow it', () => {
    fc.assert(
      fc.property(anyTable, fc.nat(), fc.nat(), (rows, seed, rowSeed) => {
        const columns = rows[0]?.length ?? 1;
        const order = shuffled([...Array(columns).keys()], seed);
        const permuted = shuffled(
          rows.map((row) => order.map((column) => row[column]!)),
          rowSeed,
        );
        const options = { ordering: UNORDERED, columnOrder: 'any' } as const;
        expect(compareResults(asTable(rows, columns), asTable(permuted, columns), options).match).toBe(true);
      }),
    );
  });

  test('with keys, exactly the reorderings within ties are accepted', () => {
    fc.assert(
      fc.property(rowsOf(2), fc.nat(), (rows, seed) => {
        const rank = (row: readonly SqlValue[]) => `${typeof row[0]}${row[0]}`;
        const gold = [...rows].sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
        const predicted = shuffled(gold, seed);
        const isSorted = predicted.every((row, index) => rank(row) === rank(gold[index]!));
        const { match } = compareResults(asTable(gold, 2), asTable(predicted, 2), {
          ordering: { kind: 'keys', columns: [0] },
        });
        expect(match).toBe(isSorted);
      }),
    );
  });
});

test('ten thousand rows in another order, with permuted columns', () => {
  const rows = Array.from({ length: 10_000 }, (_, i) => [
    i,
    `name ${i % 977}`,
    i / 7,
    i % 2 === 0 ? null : 'x',
  ]);
  const gold = asTable(rows);
  const other = shuffled(rows, 5);
  expect(compare(gold, asTable(other))).toBe('same');
  const permuted = other.map(([a, b, c, d]) => [d!, c!, b!, a!]);
  expect(compare(gold, asTable(permuted), UNORDERED, 'any')).toBe('same');
  permuted[17]![1] = 0.123;
  expect(compare(gold, asTable(permuted), UNORDERED, 'any')).toBe('values');
});
