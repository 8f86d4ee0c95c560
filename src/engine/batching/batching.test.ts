import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../model/model-config.ts';
import { flatBatch } from './batch-feeds.ts';
import { type Bundle, bundleLength, bundleSequences } from './bundles.ts';
import { planMicroBatches } from './micro-batches.ts';
import { packGrid } from './packing.ts';

const lengthsArbitrary = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 40 });

describe('planMicroBatches', () => {
  it('takes every sequence once and keeps to both budgets', () => {
    fc.assert(
      fc.property(lengthsArbitrary, fc.integer({ min: 60, max: 300 }), (lengths, tokens) => {
        const sizes = lengths.map((length) => ({ length, readCount: Math.ceil(length / 2) }));
        const budget = { tokens, positions: 50 };
        const plan = planMicroBatches(sizes, budget);
        expect(plan.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, index) => index));
        for (const batch of plan) {
          expect(batch.reduce((sum, index) => sum + lengths[index]!, 0)).toBeLessThanOrEqual(tokens);
          expect(batch.reduce((sum, index) => sum + sizes[index]!.readCount, 0)).toBeLessThanOrEqual(50);
        }
      }),
    );
  });

  it('runs a sequence beyond the budget alone, and balances the rest', () => {
    const sizes = [10, 500, 10, 10, 10].map((length) => ({ length, readCount: 1 }));
    expect(planMicroBatches(sizes, { tokens: 100, positions: 100 })).toEqual([[1], [0, 2, 3, 4]]);
    const equal = new Array(12).fill({ length: 10, readCount: 1 });
    expect(planMicroBatches(equal, { tokens: 100, positions: 100 }).map((batch) => batch.length)).toEqual([
      6, 6,
    ]);
  });
});

describe('packGrid', () => {
  it('gives every sequence cells of its own and leaves one cell free', () => {
    fc.assert(
      fc.property(lengthsArbitrary, (lengths) => {
        const grid = packGrid(lengths);
        const taken = new Set<number>();
        for (const { index, row, start, length } of grid.placed) {
          expect(length).toBe(lengths[index]);
          expect(start + length).toBeLessThanOrEqual(grid.length);
          expect(row).toBeLessThan(grid.rows);
          for (let i = start; i < start + length; i++) taken.add(row * grid.length + i);
        }
        expect(taken.size).toBe(lengths.reduce((sum, length) => sum + length, 0));
        const { row, start } = grid.freeCell;
        expect(start).toBeLessThan(grid.length);
        expect(taken.has(row * grid.length + start)).toBe(false);
      }),
    );
  });

  it('wastes few cells on the lengths that questions have', () => {
    // 32 sequences of 18 to 66 tokens; padded to the longest, a third would be empty.
    const lengths = Array.from({ length: 32 }, (_, i) => 18 + ((i * 29) % 49));
    const grid = packGrid(lengths);
    const used = lengths.reduce((sum, length) => sum + length, 0);
    expect(1 - used / (grid.rows * grid.length)).toBeLessThan(0.1);
    expect(1 - used / (32 * 66)).toBeGreaterThan(0.3);
  });
});

const config = parseModelConfig(
  {
    model_type: 'qwen2',
    vocab_size: 99,
    hidden_size: 16,
    intermediate_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 4,
    num_key_value_heads: 2,
  },
  'test',
);

/** For each flat token, the flat tokens that it sees: read off the inputs as the graph reads them. */
function visible(bundles: readonly Bundle[]): number[][] {
  const { feeds, tokenCount } = flatBatch(bundles, config);
  const [rows, , queries, length] = feeds.mask!.shape as [number, number, number, number];
  const mask = feeds.mask!.data as Float32Array;
  const queryCells = feeds.query_cells!.data as Int32Array;
  const keyCells = feeds.key_cells!.data as Int32Array;
  const homes = feeds.query_homes!.data as Int32Array;
  const seen: number[][] = Array.from({ length: tokenCount }, () => []);
  for (let row = 0; row < rows; row++) {
    for (let query = 0; query < queries; query++) {
      // Head 1 of the first group: its queries stand below those of head 0.
      const cell = row * 2 * queries + query;
      const [token, head] = [Math.floor(queryCells[cell]! / 4), queryCells[cell]! % 4];
      if (head !== 1 || homes[token * 4 + head] !== cell) continue;
      for (let key = 0; key < length; key++) {
        if (mask[(row * queries + query) * length + key] !== 0) continue;
        seen[token]!.push(Math.floor(keyCells[row * 2 * length + key]! / 2));
      }
    }
  }
  return seen.map((tokens) => tokens.sort((a, b) => a - b));
}

describe('flatBatch', () => {
  const sequence = (index: number, ...tokens: number[]) => ({
    prefix: new Int32Array(),
    branches: [{ index, tokens: Int32Array.from(tokens) }],
  });

  it('lets each token see its own sequence up to itself', () => {
    const bundles = [sequence(0, 5, 6, 7), sequence(1, 8), sequence(2, 9, 10)];
    const { starts, feeds, tokenCount } = flatBatch(bundles, config);
    expect(tokenCount).toBe(7);
    const seen = visible(bundles);
    const tokenIds = Array.from(feeds.token_ids!.data as Int32Array);
    for (const { branches } of bundles) {
      const { index, tokens } = branches[0]!;
      const start = starts.get(index)!;
      expect(tokenIds.slice(start, start + tokens.length)).toEqual(Array.from(tokens));
      tokens.forEach((_, i) => {
        expect(seen[start + i]).toEqual(Array.from({ length: i + 1 }, (_value, j) => start + j));
        expect(feeds.positions!.data[start + i]).toBe(BigInt(i));
      });
    }
  });

  it('lets branches see the prefix and themselves, not each other', () => {
    const branches = [Int32Array.of(1, 2), Int32Array.of(3, 4, 5)].map((tokens, index) => ({
      index,
      tokens,
    }));
    const bundle = { prefix: Int32Array.of(7, 8, 9), branches };
    const { starts, feeds } = flatBatch([bundle], config);
    const seen = visible([bundle]);
    const second = starts.get(1)! + 3;
    expect(seen[0]).toEqual([0]);
    expect(seen[second + 1]).toEqual([0, 1, 2, second, second + 1]);
    expect(feeds.positions!.data[second + 1]).toBe(4n);
  });
});

describe('bundleSequences', () => {
  const make = (prompt: number[], ...completions: number[][]) =>
    completions.map((completion) => [...prompt, ...completion]);

  it('shares the prompt of each group and keeps every token', () => {
    const prompts = [Array.from({ length: 30 }, (_, i) => i), Array.from({ length: 30 }, (_, i) => i + 1)];
    const tokens = prompts.flatMap((prompt) => make(prompt, [1, 2], [3], [4, 5, 6]));
    const sequences = tokens.map((list, index) => ({ index, tokens: Int32Array.from(list), firstRead: 29 }));
    const bundles = bundleSequences(sequences, 500);
    expect(bundles).toHaveLength(2);
    expect(bundles.map(bundleLength)).toEqual([29 + 3 + 2 + 4, 29 + 3 + 2 + 4]);
    for (const { prefix, branches } of bundles) {
      for (const { index, tokens: branch } of branches) expect([...prefix, ...branch]).toEqual(tokens[index]);
    }
  });

  it('shares nothing where it would not pay', () => {
    const sequences = make([1, 2], [3], [4]).map((list, index) => ({
      index,
      tokens: Int32Array.from(list),
      firstRead: 2,
    }));
    expect(bundleSequences(sequences, 500).every(({ prefix }) => prefix.length === 0)).toBe(true);
    // A short prompt before very long completions: rows of twice the length cost more than the prompt.
    const long = [0, 1].map((index) => ({ index, tokens: new Int32Array(900), firstRead: 8 }));
    expect(bundleSequences(long, 500).every(({ prefix }) => prefix.length === 0)).toBe(true);
  });
});
