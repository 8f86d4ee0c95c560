/** Hash tables over rows: to take out the rows of the other side one by one, to look rows up, to drop repeated ones. */
import { hashRow } from './cell-hash.ts';
import type { Row } from './values.ts';

const NONE = -1;

/** Whether two rows with the same hash are the same. */
export type RowEquality = (a: Row, b: Row) => boolean;

export interface RowTable {
  /** Takes out one row that equals this one; false if there is none left. */
  take(row: Row): boolean;
  /** What has not been taken, in no particular order. */
  rest(): Row[];
}

interface Index {
  /** The first row of each slot, and the next row in the same slot. */
  readonly heads: Int32Array;
  readonly next: Int32Array;
  readonly hashes: Uint32Array;
  readonly mask: number;
}

function emptyIndex(size: number): Index {
  let slots = 16;
  while (slots < size * 2) slots *= 2;
  return {
    heads: new Int32Array(slots).fill(NONE),
    next: new Int32Array(size),
    hashes: new Uint32Array(size),
    mask: slots - 1,
  };
}

function insert({ heads, next, hashes, mask }: Index, at: number, hash: number): void {
  hashes[at] = hash;
  next[at] = heads[hash & mask]!;
  heads[hash & mask] = at;
}

export function createRowTable(rows: readonly Row[], areEqual: RowEquality): RowTable {
  const index = emptyIndex(rows.length);
  const { heads, next, hashes, mask } = index;
  for (let at = 0; at < rows.length; at++) insert(index, at, hashRow(rows[at]!));
  return {
    take: (row) => {
      const hash = hashRow(row);
      let before = NONE;
      for (let at = heads[hash & mask]!; at !== NONE; at = next[at]!) {
        if (hashes[at] === hash && areEqual(rows[at]!, row)) {
          if (before === NONE) heads[hash & mask] = next[at]!;
          else next[before] = next[at]!;
          return true;
        }
        before = at;
      }
      return false;
    },
    rest: () => {
      const left: Row[] = [];
      for (let at of heads) for (; at !== NONE; at = next[at]!) left.push(rows[at]!);
      return left;
    },
  };
}

/** Each row once, where it comes first. */
export function distinctRows(rows: readonly Row[], areEqual: RowEquality): Row[] {
  const index = emptyIndex(rows.length);
  const { heads, next, hashes, mask } = index;
  return rows.filter((row, position) => {
    const hash = hashRow(row);
    let at = heads[hash & mask]!;
    while (at !== NONE && !(hashes[at] === hash && areEqual(rows[at]!, row))) at = next[at]!;
    if (at !== NONE) return false;
    insert(index, position, hash);
    return true;
  });
}

/** Whether every row of `part` is among the rows of `whole`, and, if asked, every row of `whole` among those of `part`. */
export function isIncluded(
  part: readonly Row[],
  whole: readonly Row[],
  areEqual: RowEquality,
  options: { readonly isMutual: boolean },
): boolean {
  const index = emptyIndex(whole.length);
  const { heads, next, hashes, mask } = index;
  const find = (row: Row, hash: number): number => {
    let at = heads[hash & mask]!;
    while (at !== NONE && !(hashes[at] === hash && areEqual(whole[at]!, row))) at = next[at]!;
    return at;
  };
  let distinct = 0;
  for (let at = 0; at < whole.length; at++) {
    const hash = hashRow(whole[at]!);
    if (find(whole[at]!, hash) !== NONE) continue;
    insert(index, at, hash);
    distinct += 1;
  }
  const isFound = new Uint8Array(whole.length);
  let found = 0;
  for (const row of part) {
    const at = find(row, hashRow(row));
    if (at === NONE) return false;
    found += 1 - isFound[at]!;
    isFound[at] = 1;
  }
  return !options.isMutual || found === distinct;
}
