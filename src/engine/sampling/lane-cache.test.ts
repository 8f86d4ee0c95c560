import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../model/model-config.ts';
import { BufferPool } from './buffer-pool.ts';
import { LaneCache, rowsThatFit } from './lane-cache.ts';

const config = parseModelConfig(
  {
    model_type: 'llama',
    vocab_size: 9,
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 2,
  },
  'test',
);
const D = config.headSize;

/** A value that says where it belongs. */
const mark = (layer: number, which: number, n: number, k: number, l: number, s: number) =>
  ((((layer * 2 + which) * 10 + n) * 10 + k) * 10 + l) * 10 + s + 1;

/** Appends position `s` of every lane; `lane` names the lane that the values are marked with. */
function appendAll(cache: LaneCache, groups: number, s: number, lane = (l: number) => l): void {
  const { lanes } = cache.size;
  const fresh: number[] = [];
  for (let layer = 0; layer < 2; layer++)
    for (const which of [0, 1])
      for (let n = 0; n < groups; n++)
        for (let k = 0; k < 2; k++)
          for (let l = 0; l < lanes; l++)
            for (let d = 0; d < D; d++) fresh.push(mark(layer, which, n, k, lane(l), s));
  cache.append(Float32Array.from(fresh), groups, new Int32Array(groups * lanes).fill(s));
}

function read(
  cache: LaneCache,
  layer: number,
  which: 0 | 1,
  n: number,
  k: number,
  l: number,
  s: number,
): number {
  const { lanes, ownPositions, groups } = cache.size;
  return cache.own(layer, which, groups)[(((n * 2 + k) * lanes + l) * ownPositions + s) * D]!;
}

describe('lane cache', () => {
  const size = { groups: 3, lanes: 3, promptPositions: 4, ownPositions: 2 };

  it('keeps every value at its place when capacities, lanes and groups change', () => {
    const cache = new LaneCache(config, size, new BufferPool());
    appendAll(cache, 3, 0);
    appendAll(cache, 3, 1);
    cache.resize({ ...size, lanes: 2, promptPositions: 6, ownPositions: 5 }, () => [2, 0]);
    appendAll(cache, 3, 2, (l) => [2, 0][l]!);
    cache.moveGroup(2, 0);
    for (let layer = 0; layer < 2; layer++)
      for (const which of [0, 1] as const)
        for (const [n, from] of [2, 1].entries())
          for (let k = 0; k < 2; k++)
            for (const [l, old] of [2, 0].entries())
              for (let s = 0; s < 3; s++)
                expect(read(cache, layer, which, n, k, l, s)).toBe(mark(layer, which, from, k, old, s));
  });

  it('stores prompts once a group, or at the start of each lane where they are not shared', () => {
    const source = Float32Array.from({ length: 2 * 2 * 3 * D }, (_, i) => i + 1);
    const prompt = { layer: 1, which: 1, group: 2, source, row: 1, positions: 3, length: 2 } as const;
    const shared = new LaneCache(config, size, new BufferPool());
    shared.storePrompt(prompt);
    const own = new LaneCache(config, { ...size, promptPositions: 0 }, new BufferPool());
    own.storePrompt(prompt);
    for (let k = 0; k < 2; k++) {
      const expected = [...source.subarray((2 + k) * 3 * D, (2 + k) * 3 * D + 2 * D)];
      const at = (2 * 2 + k) * 4 * D;
      expect([...shared.prompt(1, 1, 3).subarray(at, at + 2 * D)]).toEqual(expected);
      for (let l = 0; l < 3; l++) {
        const start = ((2 * 2 + k) * 3 + l) * 2 * D;
        expect([...own.own(1, 1, 3).subarray(start, start + 2 * D)]).toEqual(expected);
      }
    }
  });

  it('copies a lane within its group', () => {
    const cache = new LaneCache(config, size, new BufferPool());
    appendAll(cache, 3, 0);
    cache.copyLane(1, 2, 0);
    for (const which of [0, 1] as const)
      for (let k = 0; k < 2; k++)
        for (let n = 0; n < 3; n++)
          for (let l = 0; l < 3; l++) {
            const from = n === 1 && l === 0 ? 2 : l;
            expect(read(cache, 1, which, n, k, l, 0)).toBe(mark(1, which, n, k, from, 0));
          }
  });

  it('uses memory again', () => {
    const pool = new BufferPool();
    const first = new LaneCache(config, size, pool);
    const { buffer } = first.own(0, 0, 3);
    first.close();
    const second = new LaneCache(config, size, pool);
    const buffers = [0, 1].flatMap((layer) => [
      second.own(layer, 0, 3).buffer,
      second.own(layer, 1, 3).buffer,
    ]);
    expect(buffers).toContain(buffer);
    expect(new Set(buffers).size).toBe(4);
  });

  it('bounds the rows of a batch by memory', () => {
    expect(rowsThatFit(config, 100, 64)).toBe(64);
    const large = { ...config, layerCount: 28, keyValueHeadCount: 4, headSize: 128 };
    expect(rowsThatFit(large, 1000, 64)).toBe(4);
    expect(rowsThatFit(large, 1e6, 64)).toBe(1);
  });
});
