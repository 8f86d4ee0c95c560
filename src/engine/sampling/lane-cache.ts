/**
 * Keys and values of the tokens that a batch has read, in plain arrays that the runtime reads without a copy. Groups are
 * the outermost axis, so that a batch of fewer groups is a shorter view of the same array. Moves bytes; knows no tokens.
 *
 * Axes: N groups, K key/value heads, P prompt positions, L lanes, S positions of a lane's own cache, D head size.
 */
import { keyValueWidth, type ModelConfig } from '../model/model-config.ts';
import type { BufferPool } from './buffer-pool.ts';

export interface CacheSize {
  readonly groups: number;
  readonly lanes: number;
  /** 0 = prompts lie at the start of each lane's own cache. */
  readonly promptPositions: number;
  readonly ownPositions: number;
}

/** What the keys and values of a batch may take; resizing needs as much once more for one layer. */
const cacheBytesMax = 512e6;

/** Rows of `positions` tokens that fit, at least one and at most `rowsMax`. */
export function rowsThatFit(config: ModelConfig, positions: number, rowsMax: number): number {
  const bytesPerPosition = 2 * config.layerCount * keyValueWidth(config) * Float32Array.BYTES_PER_ELEMENT;
  return Math.max(1, Math.min(rowsMax, Math.floor(cacheBytesMax / (bytesPerPosition * positions))));
}

/** One of the two tensors of one layer. */
interface CachePart {
  prompt_NKPD: Float32Array;
  own_NKLSD: Float32Array;
}

export interface StoredPrompt {
  readonly layer: number;
  readonly which: 0 | 1;
  readonly group: number;
  readonly source: Float32Array;
  readonly row: number;
  readonly positions: number;
  /** Tokens of the prompt; the rest of its row is padding. */
  readonly length: number;
}

export class LaneCache {
  readonly #heads: number;
  readonly #headSize: number;
  /** [layer][0 = keys, 1 = values] */
  readonly #parts: CachePart[][];
  readonly #pool: BufferPool;
  #size: CacheSize;

  constructor(config: ModelConfig, size: CacheSize, pool: BufferPool) {
    this.#pool = pool;
    this.#heads = config.keyValueHeadCount;
    this.#headSize = config.headSize;
    this.#size = size;
    this.#parts = Array.from({ length: config.layerCount }, () => [
      { prompt_NKPD: this.#allocatePrompt(size), own_NKLSD: this.#allocateOwn(size) },
      { prompt_NKPD: this.#allocatePrompt(size), own_NKLSD: this.#allocateOwn(size) },
    ]);
  }

  get size(): CacheSize {
    return this.#size;
  }

  #allocatePrompt({ groups, promptPositions }: CacheSize): Float32Array {
    return this.#pool.take(groups * this.#heads * promptPositions * this.#headSize);
  }

  #allocateOwn({ groups, lanes, ownPositions }: CacheSize): Float32Array {
    return this.#pool.take(groups * this.#heads * lanes * ownPositions * this.#headSize);
  }

  /** Gives the memory back; the cache must not be used any more. */
  close(): void {
    for (const { prompt_NKPD, own_NKLSD } of this.#parts.flat()) {
      this.#pool.give(prompt_NKPD);
      this.#pool.give(own_NKLSD);
    }
    this.#pool.trim(8 * this.#parts.length);
    this.#parts.length = 0;
  }

  /** The first `groups` groups of one tensor. */
  prompt(layer: number, which: 0 | 1, groups: number): Float32Array {
    const length = groups * this.#heads * this.#size.promptPositions * this.#headSize;
    return this.#parts[layer]![which]!.prompt_NKPD.subarray(0, length);
  }

  own(layer: number, which: 0 | 1, groups: number): Float32Array {
    const { lanes, ownPositions } = this.#size;
    const length = groups * this.#heads * lanes * ownPositions * this.#headSize;
    return this.#parts[layer]![which]!.own_NKLSD.subarray(0, length);
  }

  /** Changes capacities; what fits is kept. `laneOrder[n]` names the old lane of each new lane, where lanes change. */
  resize(size: CacheSize, laneOrder: (group: number) => readonly number[]): void {
    const old = this.#size;
    const D = this.#headSize;
    const groups = Math.min(old.groups, size.groups);
    const promptRun = Math.min(old.promptPositions, size.promptPositions) * D;
    const ownRun = Math.min(old.ownPositions, size.ownPositions) * D;
    const keepsPrompt = old.groups === size.groups && old.promptPositions === size.promptPositions;
    for (const parts of this.#parts) {
      parts.forEach((part, which) => {
        const next = {
          prompt_NKPD: keepsPrompt ? part.prompt_NKPD : this.#allocatePrompt(size),
          own_NKLSD: this.#allocateOwn(size),
        };
        for (let n = 0; n < groups; n++) {
          const order = laneOrder(n);
          for (let k = 0; k < this.#heads; k++) {
            const head = n * this.#heads + k;
            if (!keepsPrompt) {
              copyRun(
                part.prompt_NKPD,
                head * old.promptPositions * D,
                next.prompt_NKPD,
                head * size.promptPositions * D,
                promptRun,
              );
            }
            for (let l = 0; l < Math.min(order.length, size.lanes); l++) {
              const from = (head * old.lanes + order[l]!) * old.ownPositions * D;
              copyRun(
                part.own_NKLSD,
                from,
                next.own_NKLSD,
                (head * size.lanes + l) * size.ownPositions * D,
                ownRun,
              );
            }
          }
        }
        parts[which] = next;
        if (!keepsPrompt) this.#pool.give(part.prompt_NKPD);
        this.#pool.give(part.own_NKLSD);
      });
    }
    this.#size = size;
  }

  /** Group `to` becomes a copy of group `from`. */
  moveGroup(from: number, to: number): void {
    for (const parts of this.#parts) {
      for (const { prompt_NKPD, own_NKLSD } of parts) {
        for (const data of [prompt_NKPD, own_NKLSD]) {
          const length = data.length / this.#size.groups;
          data.copyWithin(to * length, from * length, (from + 1) * length);
        }
      }
    }
  }

  /** Lane `to` of a group becomes a copy of lane `from`. */
  copyLane(group: number, from: number, to: number): void {
    const { lanes, ownPositions } = this.#size;
    const run = ownPositions * this.#headSize;
    for (const parts of this.#parts) {
      for (const { own_NKLSD } of parts) {
        for (let k = 0; k < this.#heads; k++) {
          const head = (group * this.#heads + k) * lanes;
          own_NKLSD.copyWithin((head + to) * run, (head + from) * run, (head + from + 1) * run);
        }
      }
    }
  }

  /** Stores a prompt, a row of a prefill output [rows, K, positions, D], as group `group`. */
  storePrompt(prompt: StoredPrompt): void {
    const { layer, which, group, source, row, positions, length } = prompt;
    const { promptPositions, lanes, ownPositions } = this.#size;
    const D = this.#headSize;
    const { prompt_NKPD, own_NKLSD } = this.#parts[layer]![which]!;
    for (let k = 0; k < this.#heads; k++) {
      const from = (row * this.#heads + k) * positions * D;
      const head = group * this.#heads + k;
      if (promptPositions > 0) copyRun(source, from, prompt_NKPD, head * promptPositions * D, length * D);
      else
        for (let l = 0; l < lanes; l++)
          copyRun(source, from, own_NKLSD, (head * lanes + l) * ownPositions * D, length * D);
    }
  }

  /**
   * Appends the newest token of every lane at that lane's own length. `fresh` holds [N, K, L, D] for the keys of the
   * first layer, then for its values, and so on.
   */
  append(fresh: Float32Array, groups: number, lengths_NL: Int32Array): void {
    const { lanes, ownPositions } = this.#size;
    // Pairs of floats move as one double, which is twice as fast; the head size is even.
    const D = this.#headSize / 2;
    const source = asPairs(fresh);
    let from = 0;
    for (const parts of this.#parts) {
      for (const { own_NKLSD } of parts) {
        const target = asPairs(own_NKLSD);
        for (let row = 0; row < groups * this.#heads * lanes; row++) {
          const n = Math.floor(row / (this.#heads * lanes));
          const length = lengths_NL[n * lanes + (row % lanes)]!;
          const to = (row * ownPositions + length) * D;
          for (let d = 0; d < D; d++) target[to + d] = source[from + d]!;
          from += D;
        }
      }
    }
  }
}

function asPairs(array: Float32Array): Float64Array {
  return new Float64Array(array.buffer, array.byteOffset, array.length / 2);
}

function copyRun(from: Float32Array, start: number, to: Float32Array, at: number, length: number): void {
  if (length > 0) to.set(from.subarray(start, start + length), at);
}
