/**
 * The values of the graph inputs that describe a batch (`BatchInputs` of the model graph): flat tokens, and where each
 * of them stands in the attention grid. It knows layouts; it runs nothing.
 */
import type { ModelConfig } from '../model/model-config.ts';
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
  /** First flat token of each sequence, by its index. */
  readonly starts: readonly number[];
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

/** Row `cells[row · length + column]` = flat token there; -1 = empty. */
function layOut(grid: Grid, dummy: number): { cells: Int32Array; starts: number[]; segments: Int32Array } {
  const cells = new Int32Array(grid.rows * grid.length).fill(-1);
  const segments = new Int32Array(cells.length).fill(-1);
  const starts: number[] = [];
  let token = 0;
  grid.placed.forEach(({ index, row, start, length }, segment) => {
    starts[index] = token;
    const first = row * grid.length + start;
    for (let i = 0; i < length; i++) {
      cells[first + i] = token++;
      segments[first + i] = segment;
    }
  });
  cells[grid.freeCell.row * grid.length + grid.freeCell.start] = dummy;
  return { cells, starts, segments };
}

/** Causal within a sequence; empty cells see only empty cells, so that no row of the softmax is all hidden. */
function maskOf(grid: Grid, segments: Int32Array, group: number): Float32Array {
  const { rows, length } = grid;
  const mask = new Float32Array(rows * group * length * length).fill(HIDDEN);
  for (let row = 0; row < rows; row++) {
    const base = row * group * length * length;
    let segmentStart = 0;
    for (let query = 0; query < length; query++) {
      const segment = segments[row * length + query];
      if (query > 0 && segments[row * length + query - 1] !== segment) segmentStart = query;
      mask.fill(0, base + query * length + segmentStart, base + query * length + query + 1);
    }
    for (let copy = 1; copy < group; copy++) {
      mask.copyWithin(base + copy * length * length, base, base + length * length);
    }
  }
  return mask;
}

/** Index inputs for `heads` heads that share `keyValueHeads` key/value heads. */
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

/** Lay sequences out for one run of the graph. */
export function flatBatch(sequences: readonly Int32Array[], config: ModelConfig): FlatBatch {
  const lengths = sequences.map((sequence) => sequence.length);
  const grid = packGrid(lengths);
  const realCount = lengths.reduce((sum, length) => sum + length, 0);
  const tokenCount = realCount + 1;
  const { cells, starts, segments } = layOut(grid, realCount);

  const tokenIds = new Int32Array(tokenCount);
  const positions = new BigInt64Array(tokenCount);
  sequences.forEach((sequence, index) => {
    tokenIds.set(sequence, starts[index]!);
    for (let i = 0; i < sequence.length; i++) positions[starts[index]! + i] = BigInt(i);
  });

  const { keyValueHeadCount, headCount } = config;
  const group = headCount / keyValueHeadCount;
  const queries = gridIndices(grid, cells, tokenCount, keyValueHeadCount, group);
  const keys = group === 1 ? queries : gridIndices(grid, cells, tokenCount, keyValueHeadCount, 1);
  const mask = maskOf(grid, segments, group);
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
