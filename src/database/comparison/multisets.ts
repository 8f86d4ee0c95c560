/** Whether two lists hold the same rows, however often each, in any order; exactly, or within the tolerance of `values`. */
import { hashCellCoarsely, hashRow } from './cell-hash.ts';
import { createRowTable } from './row-table.ts';
import { areEqualRows, areIdenticalRows, type Row } from './values.ts';

/** Groups up to this size are matched exactly; larger ones by sorting, which a chain of near-equal rows could mislead. */
const MATCHING_SIZE_MAX = 400;

/** What is left of both sides after rows that are identical have been paired. */
function unpaired(gold: readonly Row[], predicted: readonly Row[]): { gold: Row[]; predicted: Row[] } {
  const open = createRowTable(gold, areIdenticalRows);
  const left = predicted.filter((row) => !open.take(row));
  return { gold: left.length === 0 ? [] : open.rest(), predicted: left };
}

/** Without any tolerance. Rows of both sides must have the same number of columns. */
export function areIdenticalMultisets(gold: readonly Row[], predicted: readonly Row[]): boolean {
  if (gold.length !== predicted.length) return false;
  const open = createRowTable(gold, areIdenticalRows);
  return predicted.every((row) => open.take(row));
}

function hasFraction(rows: readonly Row[]): boolean {
  return rows.some((row) => row.some((value) => typeof value === 'number' && !Number.isInteger(value)));
}

/** Rows that could be equal within the tolerance share a group; so may others, which matching then tells apart. */
function groupsOf(rows: readonly Row[]): Map<number, Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const key = hashRow(row, hashCellCoarsely);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}

/** Kuhn's augmenting paths: a perfect pairing of near-equal rows, if one exists. */
function hasPerfectMatching(gold: readonly Row[], predicted: readonly Row[]): boolean {
  const partnerOf = new Array<number>(predicted.length).fill(-1);
  const augment = (row: number, seen: Set<number>): boolean => {
    for (let candidate = 0; candidate < predicted.length; candidate++) {
      if (seen.has(candidate) || !areEqualRows(gold[row]!, predicted[candidate]!)) continue;
      seen.add(candidate);
      if (partnerOf[candidate] === -1 || augment(partnerOf[candidate]!, seen)) {
        partnerOf[candidate] = row;
        return true;
      }
    }
    return false;
  };
  return gold.every((_, row) => augment(row, new Set()));
}

function compareNumbers(a: Row, b: Row): number {
  for (let column = 0; column < a.length; column++) {
    const [x, y] = [a[column], b[column]];
    if (typeof x !== 'number' && typeof x !== 'bigint') continue;
    const difference = Number(x) - Number(y);
    if (difference !== 0) return difference;
  }
  return 0;
}

function matchGroups(gold: readonly Row[], predicted: readonly Row[]): boolean {
  if (gold.length !== predicted.length) return false;
  const [a, b] = [[...gold].sort(compareNumbers), [...predicted].sort(compareNumbers)];
  if (a.every((row, index) => areEqualRows(row, b[index]!))) return true;
  return gold.length <= MATCHING_SIZE_MAX && hasPerfectMatching(a, b);
}

/** Within the tolerance. Rows of both sides must have the same number of columns. */
export function areEqualMultisets(gold: readonly Row[], predicted: readonly Row[]): boolean {
  if (gold.length !== predicted.length) return false;
  const left = unpaired(gold, predicted);
  if (left.predicted.length === 0) return true;
  if (!hasFraction(left.gold) && !hasFraction(left.predicted)) return false;
  const groups = groupsOf(left.predicted);
  for (const [key, rows] of groupsOf(left.gold)) {
    if (!matchGroups(rows, groups.get(key) ?? [])) return false;
  }
  return true;
}
