/** A reward that scores nothing twice: equal completions of an example, in one batch or in later ones, are looked up. */
import type { Reward, RewardFunction, RewardItem } from './reward.ts';

export interface CachedReward extends RewardFunction {
  readonly statistics: { readonly hits: number; readonly misses: number };
}

function keyOf({ example, completion }: RewardItem): string {
  const { sql, reasoning, isComplete } = completion;
  return JSON.stringify([example.databaseId, example.sql, sql, reasoning, isComplete]);
}

/** Keeps the most recently used `maxEntries`. What could not be scored is not kept: it may be scorable later. */
export function cachedReward(inner: RewardFunction, maxEntries = 100_000): CachedReward {
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

  const trim = (): void => {
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
      trim();
      return Promise.all(rewards);
    },
  };
}
