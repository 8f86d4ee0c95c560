/** A hash table over the rows of one side, from which the rows of the other side are taken out one by one. */
import { hashRow } from './cell-hash.ts';
import type { Row } from './values.ts';

const NONE = -1;

/** Whether two rows with the same hash are the same. */
export type RowEquality = (a: Row, b: Row) => boolean;

export interface RowTable {
  /** Takes out one row that equals this one; false if there is none left. */
  take(row: Row): boolean;
  has(row: Row): boolean;
  /** What has not been taken, in no particular order. */
  rest(): Row[];
}

export function createRowTable(rows: readonly Row[], areEqual: RowEquality): RowTable {
  let slots = 16;
  while (slots < rows.length * 2) slots *= 2;
  const mask = slots - 1;
  /** The first row of each slot, and the next row in the same slot. */
  const heads = new Int32Array(slots).fill(NONE);
  const next = new Int32Array(rows.length);
  const hashes = new Uint32Array(rows.length);
  for (let at = 0; at < rows.length; at++) {
    const hash = hashRow(rows[at]!);
    hashes[at] = hash;
    next[at] = heads[hash & mask]!;
    heads[hash & mask] = at;
  }

  /** Its position and the one before it in the slot. */
  const find = (row: Row): readonly [at: number, before: number, slot: number] => {
    const hash = hashRow(row);
    const slot = hash & mask;
    let before = NONE;
    for (let at = heads[slot]!; at !== NONE; at = next[at]!) {
      if (hashes[at] === hash && areEqual(rows[at]!, row)) return [at, before, slot];
      before = at;
    }
    return [NONE, NONE, slot];
  };

  return {
    take: (row) => {
      const [at, before, slot] = find(row);
      if (at === NONE) return false;
      if (before === NONE) heads[slot] = next[at]!;
      else next[before] = next[at]!;
      return true;
    },
    has: (row) => find(row)[0] !== NONE,
    rest: () => {
      const left: Row[] = [];
      for (let slot = 0; slot < slots; slot++) {
        for (let at = heads[slot]!; at !== NONE; at = next[at]!) left.push(rows[at]!);
      }
      return left;
    },
  };
}
