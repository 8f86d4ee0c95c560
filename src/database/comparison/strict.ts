/**
 * `strict`: whether a predicted result is the gold result. Knows two results and the order that the gold query asked
 * for; does not know how they were made.
 * - Cells: see `values`. Column names are ignored.
 * - Columns: the same number in the same order; `columnOrder: 'any'` accepts every permutation.
 * - Rows: as a multiset; in order where the gold query's outermost SELECT has ORDER BY. Rows that tie in all its keys may
 *   be swapped where the keys are among the output columns; otherwise the order must be the gold's.
 * - Two empty results with the same number of columns are the same; callers see `isEmpty` and may judge otherwise.
 */
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

const columnOf = (rows: readonly Row[], column: number): Row[] => rows.map((row) => [row[column]!]);

/** For each gold column the predicted columns that hold the same values, whatever the rows. */
function columnCandidates(gold: ResultTable, predicted: ResultTable): number[][] {
  const predictedColumns = predicted.columns.map((_, column) => columnOf(predicted.rows, column));
  return gold.columns.map((_, column) => {
    const values = columnOf(gold.rows, column);
    return predictedColumns.flatMap((other, index) => (areEqualMultisets(values, other) ? [index] : []));
  });
}

const PERMUTATIONS_TRIED_MAX = 1_000;

/** Tries the permutations that the columns' values allow; gives up after a thousand (many equal columns). */
function compareAnyColumnOrder(gold: ResultTable, predicted: ResultTable, ordering: Ordering): Comparison {
  const candidates = columnCandidates(gold, predicted);
  let last = differ('values');
  let tried = 0;
  const search = (chosen: readonly number[]): boolean => {
    if (chosen.length === candidates.length) {
      tried += 1;
      last = compareRows(
        gold.rows,
        predicted.rows.map((row) => chosen.map((column) => row[column]!)),
        ordering,
      );
      return last.match || tried >= PERMUTATIONS_TRIED_MAX;
    }
    return candidates[chosen.length]!.some(
      (column) => !chosen.includes(column) && search([...chosen, column]),
    );
  };
  search([]);
  return last;
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
