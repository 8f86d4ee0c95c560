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
  const known = new Map<string, Promise<Reward>>();
  const statistics = { hits: 0, misses: 0 };

  const scoreMissing = (missing: ReadonlyMap<string, RewardItem>): void => {
    const keys = [...missing.keys()];
    const batch = inner.score([...missing.values()]);
    for (const [i, key] of keys.entries()) {
      const reward = batch.then((rewards) => rewards[i]!);
      known.set(key, reward);
      reward.then(
        ({ score }) => score === null && known.delete(key),
        () => known.delete(key),
      );
    }
  };

  const trim = (keys: readonly string[]): void => {
    for (const key of keys) if (key.length > KEY_CHARACTERS_MAX) known.delete(key);
    for (const key of known.keys()) {
      if (known.size <= maxEntries) return;
      known.delete(key);
    }
  };

  return {
    name: inner.name,
    statistics,
    score: (items) => {
      const keys = items.map(keyOf);
      const missing = new Map<string, RewardItem>();
      for (const [i, key] of keys.entries()) if (!known.has(key)) missing.set(key, items[i]!);
      statistics.misses += missing.size;
      statistics.hits += items.length - missing.size;
      if (missing.size > 0) scoreMissing(missing);
      const rewards = keys.map((key) => {
        const reward = known.get(key)!;
        known.delete(key);
        known.set(key, reward); // most recently used last
        return reward;
      });
      trim(keys);
      return Promise.all(rewards);
    },
  };
}
