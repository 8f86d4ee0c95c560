/**
 * The attention grid of a micro-batch: rows of equal length that hold one or several whole sequences each. Attention
 * costs rows · length², so short sequences share rows as long as that makes it cheaper.
 */

export interface PlacedSequence {
  /** Index of the sequence. */
  readonly index: number;
  readonly row: number;
  /** First cell in the row. */
  readonly start: number;
  readonly length: number;
}

export interface Grid {
  readonly rows: number;
  readonly length: number;
  /** In row order, and in order of `start` within a row. */
  readonly placed: readonly PlacedSequence[];
  /** A cell that no sequence uses: there the dummy token lives. */
  readonly freeCell: { readonly row: number; readonly start: number };
}

interface Filled {
  readonly rows: number;
  readonly placed: readonly PlacedSequence[];
  readonly used: readonly number[];
}

/** First-fit decreasing (at most 11/9 of the best number of rows, plus 1). */
function fill(lengths: readonly number[], rowLength: number): Filled {
  const order = lengths.map((_, index) => index);
  order.sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const used: number[] = [];
  const placed = order.map((index) => {
    const length = lengths[index]!;
    let row = used.findIndex((cells) => cells + length <= rowLength);
    if (row < 0) row = used.push(0) - 1;
    const start = used[row]!;
    used[row] = start + length;
    return { index, row, start, length };
  });
  placed.sort((a, b) => a.row - b.row || a.start - b.start);
  return { rows: used.length, placed, used };
}

/** Work for one cell that does not grow with the row's length, in units of one score. */
const CELL_COST = 48;
const STRETCHES = [1, 1.2, 1.5, 2, 2.5, 3, 4];

/** Choose the length of the rows and place every sequence. */
export function packGrid(lengths: readonly number[]): Grid {
  const longest = Math.max(...lengths);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  let best: { readonly filled: Filled; readonly length: number; readonly cost: number } | undefined;
  for (const stretch of STRETCHES) {
    const length = Math.min(Math.ceil(longest * stretch), total);
    const filled = fill(lengths, length);
    const cost = filled.rows * length * (length + CELL_COST);
    if (best === undefined || cost < best.cost) best = { filled, length, cost };
  }
  const { filled, length } = best!;
  const { rows, placed, used } = filled;
  const row = used.findIndex((cells) => cells < length);
  if (row >= 0) return { rows, length, placed, freeCell: { row, start: used[row]! } };
  return { rows, length: length + 1, placed, freeCell: { row: 0, start: length } };
}
