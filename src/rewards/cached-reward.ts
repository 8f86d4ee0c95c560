/** A reward that scores nothing twice: equal completions of an example, in one batch or in later ones, are looked up. */
import type { Reward, RewardFunction, RewardItem } from './reward.ts';

export interface CachedReward extends RewardFunction {
  readonly statistics: { readonly hits: number; readonly misses: number };
}

export type RewardKey = (item: RewardItem) => string;

/** For rewards that look at nothing but the query and its gold. */
export const queryKeyOf: RewardKey = ({ example, completion }) =>
  `${completion.isComplete}\0${example.databaseId}\0${example.sql}\0${completion.sql}`;

/** For rewards that may look at everything that the model wrote or the example says. */
export const itemKeyOf: RewardKey = ({ example, completion, text }) =>
  JSON.stringify([example, completion, text]);

/** Longer items are scored each time: what a hostile model writes must not fill the memory. */
const KEY_CHARACTERS_MAX = 16_000;

/** Keeps the most recently used `maxEntries`. What could not be scored is not kept: it may be scorable later. */
export function cachedReward(
  inner: RewardFunction,
  maxEntries = 50_000,
  keyOf: RewardKey = itemKeyOf,
): CachedReward {
  const known = new Map<string, Reward>();
  const running = new Map<string, Running>();
  const statistics = { hits: 0, misses: 0 };

  const remember = (key: string, reward: Reward): void => {
    if (reward.score === null || key.length > KEY_CHARACTERS_MAX) return;
    known.set(key, reward);
    const [oldest] = known.keys();
    if (known.size > maxEntries && oldest !== undefined) known.delete(oldest);
  };

  const start = (missing: ReadonlyMap<string, RewardItem>): void => {
    const keys = [...missing.keys()];
    const batch = inner.score([...missing.values()]);
    for (const [at, key] of keys.entries()) running.set(key, { batch, at });
    const settle = (rewards: readonly Reward[] | undefined): void => {
      for (const [at, key] of keys.entries()) {
        running.delete(key);
        if (rewards !== undefined) remember(key, rewards[at]!);
      }
    };
    batch.then(settle, () => settle(undefined));
  };

  const find = (key: string): Reward | Running => {
    const reward = known.get(key);
    if (reward === undefined) return running.get(key)!;
    known.delete(key);
    known.set(key, reward); // most recently used last
    return reward;
  };

  return {
    name: inner.name,
    statistics,
    score: async (items) => {
      const keys = items.map(keyOf);
      const missing = new Map<string, RewardItem>();
      for (const [i, key] of keys.entries()) {
        if (!known.has(key) && !running.has(key)) missing.set(key, items[i]!);
      }
      statistics.misses += missing.size;
      statistics.hits += items.length - missing.size;
      if (missing.size > 0) start(missing);
      const found = keys.map(find);
      const rewards: Reward[] = [];
      for (const reward of found) rewards.push('batch' in reward ? (await reward.batch)[reward.at]! : reward);
      return rewards;
    },
  };
}

/** A batch that is being scored, and the place of a key in it. */
interface Running {
  readonly batch: Promise<readonly Reward[]>;
  readonly at: number;
}
