/**
 * `strict`: whether a predicted result is the gold result. Knows two results and the order that the gold query asked
 * for; does not know how they were made.
 * - Cells: see `values.ts`. Column names are ignored.
 * - Columns: the same number in the same order; `columnOrder: 'any'` accepts every permutation.
 * - Rows: as a multiset; in order where the gold query's outermost SELECT has ORDER BY. Rows that tie in all its keys may
 *   be swapped where the keys are among the output columns; otherwise the order must be the gold's.
 * - Two empty results with the same number of columns are the same; callers see `isEmpty` and may judge otherwise.
 */
import { someColumnOrder } from './columns.ts';
import { areEqualMultisets } from './multisets.ts';
import type { Ordering } from './ordering.ts';
import { areEqualRows, areEqualValues, type Row } from './values.ts';

export interface ResultTable {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

export interface CompareOptions {
  readonly ordering: Ordering;
  /** Default 'exact'. */
  readonly columnOrder?: 'exact' | 'any';
}

export type ComparisonReason = 'same' | 'both-empty' | 'column-count' | 'row-count' | 'row-order' | 'values';

export interface Comparison {
  readonly match: boolean;
  readonly reason: ComparisonReason;
}

const SAME: Comparison = { match: true, reason: 'same' };
const differ = (reason: ComparisonReason): Comparison => ({ match: false, reason });

function isSameSequence(gold: readonly Row[], predicted: readonly Row[]): boolean {
  return gold.every((row, index) => areEqualRows(row, predicted[index]!));
}

function isTie(a: Row, b: Row, keys: readonly number[]): boolean {
  return keys.every((key) => areEqualValues(a[key]!, b[key]!));
}

/** Each run of ties in the gold must hold the same rows in the prediction. */
function isSameUpToTies(gold: readonly Row[], predicted: readonly Row[], keys: readonly number[]): boolean {
  let start = 0;
  while (start < gold.length) {
    let end = start + 1;
    while (end < gold.length && isTie(gold[start]!, gold[end]!, keys)) end += 1;
    if (!areEqualMultisets(gold.slice(start, end), predicted.slice(start, end))) return false;
    start = end;
  }
  return true;
}

function compareRows(gold: readonly Row[], predicted: readonly Row[], ordering: Ordering): Comparison {
  if (isSameSequence(gold, predicted)) return SAME;
  if (ordering.kind === 'keys' && isSameUpToTies(gold, predicted, ordering.columns)) return SAME;
  const isSameSet = areEqualMultisets(gold, predicted);
  if (ordering.kind === 'unordered') return isSameSet ? SAME : differ('values');
  return differ(isSameSet ? 'row-order' : 'values');
}

/** The verdict of the order that comes closest: the same rows in another order beats other values. */
function compareAnyColumnOrder(gold: ResultTable, predicted: ResultTable, ordering: Ordering): Comparison {
  let best = differ('values');
  const isFound = someColumnOrder({
    gold: gold.rows,
    predicted: predicted.rows,
    columnCount: gold.columns.length,
    isTolerant: true,
    isPossible: areEqualMultisets,
    accept: (rows) => {
      const comparison = compareRows(gold.rows, rows, ordering);
      if (comparison.match || comparison.reason === 'row-order') best = comparison;
      return comparison.match;
    },
  });
  return isFound ? SAME : best;
}

export function compareResults(
  gold: ResultTable,
  predicted: ResultTable,
  options: CompareOptions,
): Comparison {
  if (gold.columns.length !== predicted.columns.length) return differ('column-count');
  if (gold.rows.length !== predicted.rows.length) return differ('row-count');
  if (gold.rows.length === 0) return { match: true, reason: 'both-empty' };
  const inPlace = compareRows(gold.rows, predicted.rows, options.ordering);
  if (inPlace.match || options.columnOrder !== 'any') return inPlace;
  return compareAnyColumnOrder(gold, predicted, options.ordering);
}
