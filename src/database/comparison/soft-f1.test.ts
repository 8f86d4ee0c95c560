/**
 * Soft F1 by hand, by its properties, and against the official function: `soft-f1-cases.fixture.jsonl` holds random
 * results with what the function of bird-bench/mini_dev's `evaluation_f1.py` (commit 2932a2b) said of them under Python 3.11;
 * cells are written as in `official-cases.fixture.jsonl`.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SqlValue } from '../execution.ts';
import { compareBird } from './bird.ts';
import { softF1 } from './soft-f1.ts';

type Rows = readonly (readonly SqlValue[])[];
const scoreOf = (gold: Rows, predicted: Rows): number => softF1({ rows: gold }, { rows: predicted });
const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

/** Matched, predicted only and gold only, then 2PR/(P+R). */
test.each<[what: string, gold: Rows, predicted: Rows, expected: number]>([
  ['both empty', [], [], 1],
  ['nothing predicted', [[1]], [], 0],
  ['nothing expected', [], [[1]], 0],
  [
    'the same',
    [
      [1, 'a'],
      [2, 'b'],
    ],
    [
      [1, 'a'],
      [2, 'b'],
    ],
    1,
  ],
  ['columns swapped', [[1, 'a']], [['a', 1]], 1],
  // 1/2, 1/2, 1/2: P = R = 1/2.
  ['one cell of two', [[1, 'a']], [[1, 'b']], 1 / 2],
  // The rows are held against each other in their order: 0, 2, 2.
  ['rows swapped', [[1], [2]], [[2], [1]], 0],
  // 1/2 + 1/2, 1/2 + 1/2, 1/2 + 1/2.
  [
    'rows swapped, a column shared',
    [
      [1, 'x'],
      [2, 'x'],
    ],
    [
      [2, 'x'],
      [1, 'x'],
    ],
    1 / 2,
  ],
  // The second row of the gold is matched against nothing: 1, 0, 1: P = 1, R = 1/2.
  ['a row missing', [[1], [2]], [[1]], 2 / 3],
  // 1, 1, 0: P = 1/2, R = 1.
  ['a row too many', [[1]], [[1], [2]], 2 / 3],
  ['a row too many at the start', [[1], [2]], [[3], [1], [2]], 0],
  ['rows repeated', [[1], [2]], [[1], [1], [2], [2], [1]], 1],
  ['rows repeated in the gold', [[1], [1], [2]], [[1], [2]], 1],
  // The repeated row does not shift those behind it.
  ['a repeated row between', [['a'], ['b'], ['c']], [['a'], ['b'], ['a'], ['c']], 1],
  // 1, 1, 0 in gold columns: P = 1/2, R = 1.
  ['a column too many', [[1]], [[1, 9]], 2 / 3],
  // 1/2, 0, 1/2: P = 1, R = 1/2.
  ['a column missing', [[1, 'a']], [[1]], 2 / 3],
  // Three cells found in a row of one column: 3, 0, 0.
  ['a cell more often than in the gold', [[1]], [[1, 1, 1]], 1],
  // 1, 0, 0: each of the gold's cells is there.
  ['a cell less often than in the gold', [[1, 1]], [[1]], 1],
  // 3/2 matched, 1/2 too many, 0 missing: P = 3/4, R = 1.
  ['a cell more often, and another', [[1, 2]], [[1, 1, 2, 3]], 6 / 7],
  ['NULL is a value', [[null, 1]], [[1, null]], 1],
  // The example of the README, where empty cells do not count and 0.8 comes out. Here: 2, 1, 1.
  [
    'NULL against a value',
    [
      ['Apple', 325],
      ['Orange', null],
      ['Banana', 119],
    ],
    [
      [325, 'Apple'],
      [191, 'Orange'],
      [null, 'Banana'],
    ],
    2 / 3,
  ],
  ['1 and 1.0', [[1n]], [[1]], 1],
  ['beyond 2^53', [[9007199254740993n]], [[9007199254740992]], 0],
  ['2^60 twice', [[2n ** 60n]], [[2 ** 60]], 1],
  ['0 and -0', [[0]], [[-0]], 1],
  ['a number and its text', [[1]], [['1']], 0],
  ['bytes and their text', [['a']], [[bytes(97)]], 0],
  ['the same bytes', [[bytes(0, 255)]], [[bytes(0, 255)]], 1],
  ['a little noise', [[0.1 + 0.2]], [[0.3]], 0],
])('%s', (_, gold, predicted, expected) => {
  expect(scoreOf(gold, predicted)).toBeCloseTo(expected, 12);
});

type Cell = string | null | { i?: string; f?: string; b?: string };
interface OfficialCase {
  readonly gold: Cell[][];
  readonly predicted: Cell[][];
  readonly softF1: number;
}
const toValue = (cell: Cell): SqlValue => {
  if (cell === null || typeof cell === 'string') return cell;
  if (cell.i !== undefined) return BigInt(cell.i);
  if (cell.f !== undefined) return Number(cell.f.replace('inf', 'Infinity'));
  return new Uint8Array(Buffer.from(cell.b!, 'hex'));
};

test('random results: the scores of the official function', () => {
  const cases = readFileSync(new URL('soft-f1-cases.fixture.jsonl', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as OfficialCase);
  expect(cases.length).toBe(400);
  const wrong = cases.filter(({ gold, predicted, softF1: official }) => {
    const [a, b] = [gold.map((row) => row.map(toValue)), predicted.map((row) => row.map(toValue))];
    return !(Math.abs(scoreOf(a, b) - official) < 1e-12);
  });
  expect(wrong).toEqual([]);
});

const cell = fc.constantFrom<SqlValue>(null, 0, 1, 1n, 2.5, 'a', 'b', 2n ** 60n);
const rowsOf = (columns: number) =>
  fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { maxLength: 8 });
const pairs = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))
  .chain(([a, b]) => fc.tuple(rowsOf(a), rowsOf(b)));

test('it is a share, and 1 for a result against itself, with repeated rows behind it and its columns reversed', () => {
  fc.assert(
    fc.property(pairs, ([gold, predicted]) => {
      const score = scoreOf(gold, predicted);
      expect(score).toBeGreaterThanOrEqual(0);
      expect(score).toBeLessThanOrEqual(1 + 1e-12);
      const same = [...gold, ...gold].map((row) => row.toReversed());
      expect(scoreOf(gold, same)).toBeCloseTo(1, 12);
    }),
  );
});

test('where BIRD calls two results of the same order the same, it is 1; cells that the gold lacks make it less', () => {
  fc.assert(
    fc.property(pairs, ([gold, predicted]) => {
      fc.pre(gold.length > 0);
      const columns = gold[0]!.map((_, at) => `c${at}`);
      expect(compareBird({ columns, rows: gold }, { columns, rows: [...gold, gold[0]!] }).match).toBe(true);
      expect(scoreOf(gold, [...gold, gold[0]!])).toBe(1);
      expect(scoreOf(gold, [...gold, ...predicted, ['nowhere else']])).toBeLessThan(1);
    }),
  );
});

test('ten thousand rows, and rows of two thousand columns', () => {
  const rows = Array.from({ length: 10_000 }, (_, at) => [at, `name ${at % 977}`, at / 7]);
  expect(scoreOf(rows, [...rows, ...rows])).toBe(1);
  expect(scoreOf(rows, rows.slice(0, 5_000))).toBeCloseTo(2 / 3, 12);
  const wide = Array.from({ length: 20 }, (_, row) => Array.from({ length: 2_000 }, (_, at) => row * at));
  expect(
    scoreOf(
      wide,
      wide.map((row) => row.toReversed()),
    ),
  ).toBeCloseTo(1, 12);
});
