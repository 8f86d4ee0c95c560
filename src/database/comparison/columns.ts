/**
 * Finds an order of the predicted columns under which two results could be the same. Columns are first compared on their
 * own, by sums over their cells that no order of rows changes; only orders that survive are tried.
 */
import { ANY_NUMBER_HASH, hashCell } from './cell-hash.ts';
import { areIdenticalValues, type Row, toleranceOf } from './values.ts';

/** Says nothing of the order of the cells. */
interface ColumnSums {
  /** Of the hashes of what is no number; every number counts the same. */
  readonly others: number;
  readonly numberHashes: number;
  readonly hasFraction: boolean;
  readonly numbers: number;
  readonly magnitudes: number;
  /** By how much `numbers` may differ when every cell is within its tolerance. */
  readonly tolerance: number;
}

function sumsOf(rows: readonly Row[], column: number): ColumnSums {
  let [others, numberHashes, numbers, magnitudes, tolerance] = [0, 0, 0, 0, 0];
  let hasFraction = false;
  for (const row of rows) {
    const value = row[column]!;
    const hash = hashCell(value);
    if (typeof value !== 'number' && typeof value !== 'bigint') {
      others += hash;
      continue;
    }
    const size = Number(value);
    others += ANY_NUMBER_HASH;
    numberHashes += hash;
    numbers += size;
    magnitudes += Math.abs(size);
    tolerance += toleranceOf(Math.abs(size));
    hasFraction ||= !Number.isInteger(size);
  }
  return { others, numberHashes, hasFraction, numbers, magnitudes, tolerance };
}

/** What adding up many numbers in another order may change, as a part of their magnitudes. */
const SUMMATION_ERROR = 1e-9;

function couldBeSame(gold: ColumnSums, predicted: ColumnSums, isTolerant: boolean): boolean {
  if (gold.others !== predicted.others) return false;
  if (gold.numberHashes === predicted.numberHashes) return true;
  if (!isTolerant || !(gold.hasFraction || predicted.hasFraction)) return false;
  const difference = Math.abs(gold.numbers - predicted.numbers);
  const allowed = (gold.tolerance + predicted.tolerance) * 1.01 + gold.magnitudes * SUMMATION_ERROR;
  // Infinities give NaN, which decides nothing.
  return !(difference > allowed);
}

/** For each column the first one that holds the same cells in the same rows: such columns are interchangeable. */
function twinsOf(rows: readonly Row[], sums: readonly ColumnSums[]): number[] {
  return sums.map((own, column) => {
    const isTwin = (other: ColumnSums, at: number) =>
      other.others === own.others &&
      other.numberHashes === own.numberHashes &&
      rows.every((row) => areIdenticalValues(row[at]!, row[column]!));
    return sums.findIndex((other, at) => at === column || (at < column && isTwin(other, at)));
  });
}

/** Orders looked at before giving up; only tables that are made to be hard need more. */
const STEPS_MAX = 5_000;
/** Up to this many orders are tried at once, without looking at parts of them. */
const ORDERS_TRIED_AT_ONCE = 2;

export interface ColumnSearch {
  readonly gold: readonly Row[];
  readonly predicted: readonly Row[];
  readonly columnCount: number;
  /** Whether fractions may differ a little. */
  readonly isTolerant: boolean;
  /** Whether the rows with some of the columns could be the same, in any order of rows. */
  readonly isPossible: (gold: readonly Row[], predicted: readonly Row[]) => boolean;
  /** Called with all columns in place; true ends the search. */
  readonly accept: (predicted: readonly Row[]) => boolean;
}

const project = (rows: readonly Row[], columns: readonly number[]): Row[] =>
  rows.map((row) => columns.map((column) => row[column]!));

/** True as soon as an order of the predicted columns is accepted. Both sides must have the same number of rows. */
export function someColumnOrder(search: ColumnSearch): boolean {
  const { gold, predicted, columnCount, isTolerant } = search;
  const columns = Array.from({ length: columnCount }, (_, column) => column);
  const goldSums = columns.map((column) => sumsOf(gold, column));
  const predictedSums = columns.map((column) => sumsOf(predicted, column));
  const twins = twinsOf(predicted, predictedSums);
  const candidates = goldSums.map((own) =>
    columns.filter((column) => couldBeSame(own, predictedSums[column]!, isTolerant)),
  );
  /** Gold columns with the fewest candidates first. */
  const turns = [...columns].sort((a, b) => candidates[a]!.length - candidates[b]!.length);
  const orders = candidates.reduce((product, own) => product * own.length, 1);
  const chosen = new Array<number>(columnCount).fill(-1);
  let steps = 0;

  const isPartPossible = (turn: number): boolean => {
    if (orders <= ORDERS_TRIED_AT_ONCE || turn === 0 || turn === columnCount - 1) return true;
    const placed = turns.slice(0, turn + 1);
    return search.isPossible(
      project(gold, placed),
      project(
        predicted,
        placed.map((column) => chosen[column]!),
      ),
    );
  };
  const place = (turn: number): boolean => {
    if (turn === columnCount) return search.accept(project(predicted, chosen));
    const own = turns[turn]!;
    const tried = new Set<number>();
    for (const column of candidates[own]!) {
      if (chosen.includes(column) || tried.has(twins[column]!)) continue;
      if (++steps > STEPS_MAX) return false;
      tried.add(twins[column]!);
      chosen[own] = column;
      if (isPartPossible(turn) && place(turn + 1)) return true;
      chosen[own] = -1;
    }
    return false;
  };
  return place(0);
}
