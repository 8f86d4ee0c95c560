/**
 * The values of the graph inputs that describe a batch (`BatchInputs` of the model graph): flat tokens, and where each
 * of them stands in the attention grid. It knows layouts; it runs nothing.
 */
import type { ModelConfig } from '../model/model-config.ts';
import { type Bundle, bundleLength } from './bundles.ts';
import { type Grid, packGrid } from './packing.ts';

export interface Feed {
  readonly type: 'float32' | 'int32' | 'int64';
  readonly data: Float32Array | Int32Array | BigInt64Array;
  readonly shape: readonly number[];
}
export type Feeds = Record<string, Feed>;

export interface FlatBatch {
  /** Real tokens plus the dummy. */
  readonly tokenCount: number;
  /** Flat token of position t of sequence i: `starts.get(i) + t`, for positions that are not in a shared prefix. */
  readonly starts: ReadonlyMap<number, number>;
  readonly feeds: Feeds;
  /** Cells of the grid without a token, as a share of all. */
  readonly emptyShare: number;
}

/** Added to a score that may not be seen: its probability is exactly 0. */
const HIDDEN = -1e9;

export const int32Feed = (data: Int32Array, shape: readonly number[]): Feed => ({
  type: 'int32',
  data,
  shape,
});
export const float32Feed = (data: Float32Array, shape: readonly number[]): Feed => ({
  type: 'float32',
  data,
  shape,
});

/** Neighbouring cells of one row that see each other causally, and all cells from `prefixStart` to `prefixEnd`. */
interface Stretch {
  readonly row: number;
  readonly start: number;
  readonly length: number;
  readonly prefixStart: number;
  readonly prefixEnd: number;
}

class Layout {
  /** `cells[row · length + column]` = flat token there; -1 = empty. */
  readonly cells: Int32Array;
  readonly tokenIds: Int32Array;
  readonly positions: BigInt64Array;
  readonly starts = new Map<number, number>();
  readonly stretches: Stretch[] = [];
  readonly #grid: Grid;
  #token = 0;

  constructor(grid: Grid, realCount: number) {
    this.#grid = grid;
    this.cells = new Int32Array(grid.rows * grid.length).fill(-1);
    this.tokenIds = new Int32Array(realCount + 1);
    this.positions = new BigInt64Array(realCount + 1);
  }

  /** Tokens in a row from a cell on; returns the first flat token. */
  place(tokens: Int32Array, firstPosition: number, stretch: Omit<Stretch, 'length'>): number {
    const first = this.#token;
    const cell = stretch.row * this.#grid.length + stretch.start;
    this.tokenIds.set(tokens, first);
    for (let i = 0; i < tokens.length; i++) {
      this.cells[cell + i] = first + i;
      this.positions[first + i] = BigInt(firstPosition + i);
    }
    this.#token += tokens.length;
    this.stretches.push({ ...stretch, length: tokens.length });
    return first;
  }
}

function layOut(bundles: readonly Bundle[], grid: Grid, realCount: number): Layout {
  const layout = new Layout(grid, realCount);
  const used = new Int32Array(grid.rows);
  for (const { index, row, start } of grid.placed) {
    const { prefix, branches } = bundles[index]!;
    layout.place(prefix, 0, { row, start, prefixStart: start, prefixEnd: start });
    let next = start + prefix.length;
    const seen = { prefixStart: start, prefixEnd: next };
    for (const branch of branches) {
      const first = layout.place(branch.tokens, prefix.length, { row, start: next, ...seen });
      layout.starts.set(branch.index, first - prefix.length);
      next += branch.tokens.length;
    }
    used[row] = next;
  }
  // Empty cells see each other: a row of the softmax must not be all hidden.
  used.forEach((start, row) => {
    layout.stretches.push({ row, start, length: grid.length - start, prefixStart: start, prefixEnd: start });
  });
  layout.cells[grid.freeCell.row * grid.length + grid.freeCell.start] = realCount;
  return layout;
}

/** [rows, group · length, length]: `group` copies of each row's mask below each other. */
function maskOf(grid: Grid, stretches: readonly Stretch[], group: number): Float32Array {
  const { rows, length } = grid;
  const square = length * length;
  const mask = new Float32Array(rows * group * square).fill(HIDDEN);
  for (const { row, start, length: count, prefixStart, prefixEnd } of stretches) {
    for (let query = start; query < start + count; query++) {
      const base = row * group * square + query * length;
      mask.fill(0, base + prefixStart, base + prefixEnd);
      mask.fill(0, base + start, base + query + 1);
    }
  }
  for (let row = 0; row < rows; row++) {
    const base = row * group * square;
    for (let copy = 1; copy < group; copy++) mask.copyWithin(base + copy * square, base, base + square);
  }
  return mask;
}

/** Index inputs for `keyValueHeads · group` heads. */
function gridIndices(
  grid: Grid,
  cells: Int32Array,
  tokenCount: number,
  keyValueHeads: number,
  group: number,
) {
  const { rows, length } = grid;
  const heads = keyValueHeads * group;
  const shown = new Int32Array(rows * heads * length);
  const homes = new Int32Array(tokenCount * heads);
  const dummy = tokenCount - 1;
  let cell = 0;
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      for (let column = 0; column < length; column++, cell++) {
        const token = cells[row * length + column]!;
        shown[cell] = (token < 0 ? dummy : token) * heads + head;
        if (token >= 0) homes[token * heads + head] = cell;
      }
    }
  }
  return {
    cells: int32Feed(shown, [rows, keyValueHeads, group * length]),
    homes: int32Feed(homes, [tokenCount, heads]),
  };
}

/** Lay bundles out for one run of the graph. */
export function flatBatch(bundles: readonly Bundle[], config: ModelConfig): FlatBatch {
  const lengths = bundles.map(bundleLength);
  const grid = packGrid(lengths);
  const realCount = lengths.reduce((sum, length) => sum + length, 0);
  const tokenCount = realCount + 1;
  const { cells, tokenIds, positions, starts, stretches } = layOut(bundles, grid, realCount);

  const { keyValueHeadCount, headCount } = config;
  const group = headCount / keyValueHeadCount;
  const queries = gridIndices(grid, cells, tokenCount, keyValueHeadCount, group);
  const keys = group === 1 ? queries : gridIndices(grid, cells, tokenCount, keyValueHeadCount, 1);
  const mask = maskOf(grid, stretches, group);
  return {
    tokenCount,
    starts,
    emptyShare: 1 - realCount / cells.length,
    feeds: {
      token_ids: int32Feed(tokenIds, [tokenCount]),
      positions: { type: 'int64', data: positions, shape: [tokenCount, 1] },
      query_cells: queries.cells,
      key_cells: keys.cells,
      query_homes: queries.homes,
      key_homes: keys.homes,
      mask: float32Feed(mask, [grid.rows, 1, group * grid.length, grid.length]),
    },
  };
}
