/** From item results to the figures of a report: shares with intervals, slices, latency. Pure; knows no database. */
import { tagValue } from '../data/example.ts';
import { sqlFeatureNames } from '../data/sql-features.ts';
import { type Proportion, percentile, proportion } from './statistics.ts';
import { type ItemResult, isRight, isScored, type Outcome } from './verdict.ts';

export interface Slice {
  readonly name: string;
  readonly ex: Proportion;
}

export interface Summary {
  /** Execution accuracy: the same rows as gold, strictly compared. */
  readonly ex: Proportion;
  /** Exact match of the statements (see exact-match.ts). */
  readonly em: Proportion;
  /** Statements that ran without an error. */
  readonly validity: Proportion;
  /** Statements that name at least one table of the schema and nothing that it lacks. */
  readonly realTables: Proportion;
  /** Identifiers outside the schema, counted over every prediction. */
  readonly inventedIdentifiers: number;
  /** Share with a reward over 0.5 and over 0.95; undefined without a reward function. */
  readonly successRate: Proportion | undefined;
  readonly perfectRate: Proportion | undefined;
  readonly rewardMean: number | undefined;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly max: number };
  /** Items whose gold could not run; they are in no share. */
  readonly unscored: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  readonly tables: Readonly<Record<string, number>>;
  readonly byDifficulty: readonly Slice[];
  readonly byCategory: readonly Slice[];
  readonly byFeature: readonly Slice[];
}

const share = (items: readonly ItemResult[], test: (item: ItemResult) => boolean): Proportion =>
  proportion(items.filter(test).length, items.length);

function countBy<T extends string>(keys: readonly T[]): Record<T, number> {
  const counts = {} as Record<T, number>;
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

/** EX of each group of items; an item may be in several groups. Groups keep the order of `names`. */
function slices(
  items: readonly ItemResult[],
  groupsOf: (item: ItemResult) => readonly string[],
  names: readonly string[],
): Slice[] {
  return names.flatMap((name) => {
    const members = items.filter((item) => groupsOf(item).includes(name));
    return members.length === 0 ? [] : [{ name, ex: share(members, isRight) }];
  });
}

function slicesByTag(items: readonly ItemResult[], prefix: string, order: readonly string[] = []): Slice[] {
  const tagOf = (item: ItemResult) => tagValue(item.example, prefix);
  const found = [...new Set(items.map(tagOf))].filter((value) => value !== undefined).sort();
  const names = [
    ...order.filter((name) => found.includes(name)),
    ...found.filter((name) => !order.includes(name)),
  ];
  return slices(items, (item) => [tagOf(item) ?? ''], names);
}

function rewardShares(items: readonly ItemResult[]) {
  const rewards = items.flatMap((item) => (typeof item.reward === 'number' ? [item.reward] : []));
  if (rewards.length === 0) return { successRate: undefined, perfectRate: undefined, rewardMean: undefined };
  return {
    successRate: proportion(rewards.filter((reward) => reward > 0.5).length, rewards.length),
    perfectRate: proportion(rewards.filter((reward) => reward > 0.95).length, rewards.length),
    rewardMean: rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length,
  };
}

const difficulties = ['easy', 'medium', 'hard', 'very hard'];

export function summarize(items: readonly ItemResult[]): Summary {
  const scored = items.filter(isScored);
  const latencies = items.map((item) => item.latencyMs);
  return {
    ex: share(scored, isRight),
    em: share(scored, (item) => item.isExactMatch),
    validity: share(scored, (item) => item.isValid),
    realTables: share(items, (item) => item.tables.length > 0 && item.inventedIdentifiers.length === 0),
    inventedIdentifiers: items.reduce((sum, item) => sum + item.inventedIdentifiers.length, 0),
    ...rewardShares(items),
    latencyMs: {
      p50: percentile(latencies, 0.5),
      p95: percentile(latencies, 0.95),
      max: percentile(latencies, 1),
    },
    unscored: items.length - scored.length,
    outcomes: countBy(items.map((item) => item.verdict.outcome)),
    tables: countBy(items.flatMap((item) => item.tables)),
    byDifficulty: slicesByTag(scored, 'difficulty', difficulties),
    byCategory: slicesByTag(scored, 'category'),
    byFeature: slices(scored, (item) => item.features, sqlFeatureNames),
  };
}
