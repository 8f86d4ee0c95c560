/**
 * The batch that is being generated: groups of lanes, their cache, and the feeds of the step graph. Groups and lanes
 * that have ended leave, so that no step computes them for long. It knows tokens and positions, not how they are chosen.
 */
import type { Random } from '../../foundation/random.ts';
import type { ModelConfig } from '../model/model-config.ts';
import { emptyScore } from './attention-heads.ts';
import type { BufferPool } from './buffer-pool.ts';
import { type Feeds, floats, int32, int64 } from './decode-session.ts';
import { LaneCache } from './lane-cache.ts';

/** One sample that is being generated: what it has of its own. */
export interface Sample {
  readonly index: number;
  readonly random: Random;
}

/** Samples of one prompt that have all written the same so far: they are computed once. */
export interface Lane {
  readonly promptIndex: number;
  samples: readonly Sample[];
  readonly tokens: number[];
  readonly logprobs: number[];
  readonly policyLogprobs: number[];
  /** State of the token constraint, where there is one. */
  constraintState: unknown;
  isDone: boolean;
}

/** A lane that has parted from another one of group `group`: it has read the same tokens, but for the newest. */
export interface Fork {
  readonly group: number;
  readonly parent: Lane;
  readonly lane: Lane;
}

export interface Group {
  readonly prompt: Int32Array;
  lanes: Lane[];
}

export interface GridOptions {
  readonly config: ModelConfig;
  readonly sharedPrompt: boolean;
  readonly groupsMax: number;
  readonly maxNewTokens: number;
  readonly pool: BufferPool;
}

export class LaneGrid {
  readonly #options: GridOptions;
  readonly #cache: LaneCache;
  readonly groups: Group[] = [];
  /** Tokens in each lane's own cache; lanes that have ended stay where they are. */
  #lengths_NL = new Int32Array(0);
  #mask_NLT = new Float32Array(0);

  constructor(options: GridOptions) {
    this.#options = options;
    const empty = { groups: options.groupsMax, lanes: 0, promptPositions: 0, ownPositions: 0 };
    this.#cache = new LaneCache(options.config, empty, options.pool);
  }

  close(): void {
    this.#cache.close();
  }

  get laneCount(): number {
    return this.#cache.size.lanes;
  }

  /** Positions of a lane's own cache that its prompt takes. */
  #promptInOwn(group: Group): number {
    return this.#options.sharedPrompt ? 0 : group.prompt.length;
  }

  /** Makes room for groups that come in and for the next token of all; keeps what is there. */
  reserve(incoming: readonly Group[]): void {
    const { sharedPrompt, groupsMax, maxNewTokens } = this.#options;
    const size = this.#cache.size;
    const all = [...this.groups, ...incoming];
    const promptMax = Math.max(...all.map((group) => group.prompt.length));
    const lanes = Math.max(...all.map((group) => group.lanes.length));
    let needed = sharedPrompt ? 1 : promptMax + 1;
    for (const length of this.#lengths_NL.subarray(0, this.groups.length * size.lanes))
      needed = Math.max(needed, length + 1);
    const limit = Math.max(needed, (sharedPrompt ? 0 : promptMax) + maxNewTokens);
    const fits = sharedPrompt ? size.promptPositions >= promptMax : true;
    if (fits && size.lanes >= lanes && size.ownPositions >= needed) return;
    const ownPositions =
      size.ownPositions >= needed ? size.ownPositions : Math.min(limit, needed + Math.max(23, needed >> 1));
    this.#resize(
      Math.max(lanes, size.lanes),
      sharedPrompt ? Math.max(promptMax, size.promptPositions) : 0,
      ownPositions,
      groupsMax,
    );
  }

  #resize(lanes: number, promptPositions: number, ownPositions: number, groups: number): void {
    const old = this.#cache.size;
    const oldLengths = this.#lengths_NL;
    const orders = this.groups.map((group) => liveFirst(group.lanes, old.lanes));
    this.#cache.resize({ groups, lanes, promptPositions, ownPositions }, (n) => orders[n] ?? []);
    this.#lengths_NL = new Int32Array(groups * lanes);
    this.groups.forEach((group, n) => {
      const order = orders[n]!;
      for (let l = 0; l < Math.min(lanes, order.length); l++)
        this.#lengths_NL[n * lanes + l] = oldLengths[n * old.lanes + order[l]!]!;
      group.lanes = order.flatMap((l) => group.lanes[l] ?? []).slice(0, lanes);
    });
    this.#rebuildMask();
  }

  #rebuildMask(): void {
    const { groups, lanes, promptPositions, ownPositions } = this.#cache.size;
    const total = promptPositions + ownPositions + 1;
    this.#mask_NLT = new Float32Array(groups * lanes * total).fill(emptyScore);
    for (let n = 0; n < this.groups.length; n++) this.#maskGroup(n);
  }

  #maskGroup(n: number): void {
    const { lanes, promptPositions, ownPositions } = this.#cache.size;
    const total = promptPositions + ownPositions + 1;
    const promptLength = promptPositions > 0 ? this.groups[n]!.prompt.length : 0;
    for (let l = 0; l < lanes; l++) {
      const row = this.#mask_NLT.subarray((n * lanes + l) * total, (n * lanes + l + 1) * total);
      row.fill(emptyScore);
      row.fill(0, 0, promptLength);
      row.fill(0, promptPositions, promptPositions + this.#lengths_NL[n * lanes + l]!);
      row[total - 1] = 0;
    }
  }

  /** Adds a group whose prompt is row `row` of a prefill of `positions` positions. Room was made by `reserve`. */
  add(group: Group, row: number, positions: number, output: (name: string) => Float32Array): void {
    const n = this.groups.length;
    const { lanes } = this.#cache.size;
    this.groups.push(group);
    for (let layer = 0; layer < this.#options.config.layerCount; layer++) {
      const store = (which: 0 | 1, name: string) =>
        this.#cache.storePrompt({
          layer,
          which,
          group: n,
          source: output(name),
          row,
          positions,
          length: group.prompt.length,
        });
      store(0, `key_${layer}`);
      store(1, `value_${layer}`);
    }
    this.#lengths_NL.fill(this.#promptInOwn(group), n * lanes, (n + 1) * lanes);
    this.#maskGroup(n);
  }

  /** Gives new lanes a place, with the cache of the lanes that they come from. */
  fork(forks: readonly Fork[]): void {
    if (forks.length === 0) return;
    const { lanes, promptPositions, ownPositions, groups } = this.#cache.size;
    const wanted = this.groups.map((group) => group.lanes.filter((lane) => !lane.isDone).length);
    for (const { group } of forks) wanted[group]!++;
    const needed = Math.max(...wanted);
    // A little more than needed: each resize copies everything.
    if (needed > lanes) this.#resize(needed + (needed >> 2), promptPositions, ownPositions, groups);
    for (const { group, parent, lane } of forks) this.#place(group, parent, lane);
  }

  #place(n: number, parent: Lane, lane: Lane): void {
    const { lanes, promptPositions, ownPositions } = this.#cache.size;
    const own = this.groups[n]!.lanes;
    const from = own.indexOf(parent);
    const free = own.findIndex(({ isDone }) => isDone);
    const to = free < 0 ? own.length : free;
    own[to] = lane;
    this.#cache.copyLane(n, from, to);
    this.#lengths_NL[n * lanes + to] = this.#lengths_NL[n * lanes + from]!;
    const total = promptPositions + ownPositions + 1;
    const row = (n * lanes + from) * total;
    this.#mask_NLT.copyWithin((n * lanes + to) * total, row, row + total);
  }

  /** The index of a lane in every [R, …] output of the step. */
  row(n: number, l: number): number {
    return n * this.laneCount + l;
  }

  stepFeeds(inverseTemperature: Float32Array): Feeds {
    const { config, sharedPrompt } = this.#options;
    const { lanes: L, promptPositions: P, ownPositions: S } = this.#cache.size;
    const N = this.groups.length;
    const { keyValueHeadCount: K, headSize: D, layerCount } = config;
    const G = config.headCount / K;
    const tokens = new Int32Array(N * L);
    const positions = new Int32Array(N * L);
    this.groups.forEach((group, n) => {
      group.lanes.forEach((lane, l) => {
        tokens[n * L + l] = lane.tokens.at(-1)!;
        positions[n * L + l] = group.prompt.length + lane.tokens.length - 1;
      });
    });
    const mask_NLT = this.#mask_NLT.subarray(0, N * L * (P + S + 1));
    const feeds: Feeds = {
      tokens: int32(tokens, [N * L]),
      inverse_temperature: floats(inverseTemperature, []),
      positions: int64(positions, [N * L, 1]),
      mask: floats(mask_NLT, [N, 1, L, 1, P + S + 1]),
      head_grid: int64([N, K, L, -1]),
      parts: int64(sharedPrompt ? [P, S, 1] : [S, 1]),
    };
    if (sharedPrompt) {
      feeds.grid = int64([N, L, K, -1]);
      feeds.prompt_grid = int64([N, K, L, G, P]);
      feeds.prompt_flat = int64([N, K, L * G, P]);
    }
    for (let i = 0; i < layerCount; i++) {
      feeds[`own_key_${i}`] = floats(this.#cache.own(i, 0, N), [N, K, L, S, D]);
      feeds[`own_value_${i}`] = floats(this.#cache.own(i, 1, N), [N, K, L, S, D]);
      if (!sharedPrompt) continue;
      feeds[`prompt_key_${i}`] = floats(this.#cache.prompt(i, 0, N), [N, K, P, D]);
      feeds[`prompt_value_${i}`] = floats(this.#cache.prompt(i, 1, N), [N, K, P, D]);
    }
    return feeds;
  }

  /** Takes in the keys and values of the tokens that the step has read. */
  append(fresh: Float32Array): void {
    const { lanes, promptPositions, ownPositions } = this.#cache.size;
    this.#cache.append(fresh, this.groups.length, this.#lengths_NL);
    const total = promptPositions + ownPositions + 1;
    this.groups.forEach((group, n) => {
      group.lanes.forEach((lane, l) => {
        if (lane.isDone) return;
        const row = n * lanes + l;
        this.#mask_NLT[row * total + promptPositions + this.#lengths_NL[row]!] = 0;
        this.#lengths_NL[row]!++;
      });
    });
  }

  /** Removes groups that have ended, and lanes once a quarter of them have ended in every group. */
  compact(): void {
    const { lanes } = this.#cache.size;
    for (let n = this.groups.length - 1; n >= 0; n--) {
      if (!this.groups[n]!.lanes.every((lane) => lane.isDone)) continue;
      const last = this.groups.length - 1;
      if (n < last) {
        this.#cache.moveGroup(last, n);
        this.#lengths_NL.copyWithin(n * lanes, last * lanes, (last + 1) * lanes);
        this.groups[n] = this.groups[last]!;
      }
      this.groups.pop();
      if (n < last) this.#maskGroup(n);
    }
    const live = Math.max(
      0,
      ...this.groups.map((group) => group.lanes.filter((lane) => !lane.isDone).length),
    );
    if (live === 0 || live > lanes * 0.75) return;
    const { groups, promptPositions, ownPositions } = this.#cache.size;
    this.#resize(live, promptPositions, ownPositions, groups);
  }
}

/** Old lane indexes in their new order: those still running first. Ended lanes follow, to be cut off. */
function liveFirst(lanes: readonly Lane[], count: number): number[] {
  const indexes = Array.from({ length: Math.min(count, lanes.length) }, (_, l) => l);
  return [...indexes.filter((l) => !lanes[l]!.isDone), ...indexes.filter((l) => lanes[l]!.isDone)];
}
