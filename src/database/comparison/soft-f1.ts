/**
 * BIRD's soft F1: how much of the gold's rows a prediction gives, and how much beside them, from 0 to 1. Defined by
 * bird-bench/mini_dev, `evaluation/evaluation_f1.py` (commit 2932a2b) and the section "Soft F1-Score" of its README. Its
 * rules, the odd ones included:
 * - Equal rows count once, where they come first. The first row of the one is held against the first of the other, and so
 *   on: the order of rows counts, whether or not the gold asks for one. One row too many at the start shifts them all.
 * - Within two rows the order of columns does not count: a predicted cell is matched if the gold row has such a cell
 *   anywhere, and a gold cell is missing if the predicted row has none. A cell that stands twice is counted twice.
 * - Cells are counted in rows of the gold: divided by its number of columns. A wider predicted row may match more than 1.
 * - A row without a counterpart is one row missing or one too many, whatever its width.
 * - Cells are compared as Python compares them: 1 equals 1.0, no tolerance, and NULL is a value that equals NULL. (The
 *   README's example leaves empty cells out and counts 0.8; the script gives 2/3 for it.)
 * - Two empty results: 1.
 * Before that commit the script took the rows in the order of Python's hash table, which for texts is another in each run
 * (its issue 15); figures made with it cannot be reproduced exactly.
 */
import type { SqlValue } from '../execution.ts';
import { distinctRows } from './row-table.ts';
import type { ResultTable } from './strict.ts';
import { areIdenticalRows, type Row } from './values.ts';

/** The same for cells that Python calls equal, and for no others; for rows of thousands of columns. */
function keyOf(value: SqlValue): string | number | bigint | null {
  if (typeof value === 'string') return `t${value}`;
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('hex')}`;
  if (typeof value !== 'bigint') return value;
  const nearest = Number(value);
  return BigInt(nearest) === value ? nearest : value;
}

/** Rows, and parts of rows. */
interface Counts {
  matched: number;
  predictedOnly: number;
  goldOnly: number;
}

function countRow(counts: Counts, goldRow: Row, predictedRow: Row): void {
  const [gold, predicted] = [goldRow.map(keyOf), predictedRow.map(keyOf)];
  const [inGold, inPredicted] = [new Set(gold), new Set(predicted)];
  const matched = predicted.filter((key) => inGold.has(key)).length;
  const missing = gold.filter((key) => !inPredicted.has(key)).length;
  counts.matched += matched / gold.length;
  counts.predictedOnly += (predicted.length - matched) / gold.length;
  counts.goldOnly += missing / gold.length;
}

const shareOf = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);

/** Of results that are not cut short. */
export function softF1(gold: Pick<ResultTable, 'rows'>, predicted: Pick<ResultTable, 'rows'>): number {
  const golds = distinctRows(gold.rows, areIdenticalRows);
  const predicteds = distinctRows(predicted.rows, areIdenticalRows);
  if (golds.length === 0 && predicteds.length === 0) return 1;
  const paired = Math.min(golds.length, predicteds.length);
  const counts: Counts = {
    matched: 0,
    predictedOnly: predicteds.length - paired,
    goldOnly: golds.length - paired,
  };
  for (let at = 0; at < paired; at++) countRow(counts, golds[at]!, predicteds[at]!);
  const precision = shareOf(counts.matched, counts.matched + counts.predictedOnly);
  const recall = shareOf(counts.matched, counts.matched + counts.goldOnly);
  return shareOf(2 * precision * recall, precision + recall);
}
