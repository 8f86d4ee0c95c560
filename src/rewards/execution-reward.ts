/**
 * The reward of text-to-SQL: does the query give the rows that the gold query gives? It knows verdicts and scores; it does
 * not know how a database runs or compares (the sandbox does).
 */
import {
  type ExecutionScale,
  executionScales,
  refuseWrongOrder,
  rewardOfOutcome,
} from './execution-scale.ts';
import {
  type AskNeighbours,
  type Judged,
  type Judging,
  judgePairs,
  type OnDatabaseError,
  type Pair,
  type PairJudge,
} from './judge-pairs.ts';
import { type Reward, type RewardFunction, type RewardItem, unscorable } from './reward.ts';
import { rememberingQueryKey } from './same-query.ts';

export interface ExecutionRewardOptions {
  readonly sandbox: PairJudge;
  /** Where the database of an example lies. */
  readonly databasePathOf: (databaseId: string) => string;
  readonly scale?: ExecutionScale | undefined;
  readonly judging?: Judging | undefined;
  readonly askNeighbours?: AskNeighbours | undefined;
  /**
   * What to do where a database cannot be opened. Training stops (`throw`, the default); a service answers the items of
   * other databases (`unscorable`).
   */
  readonly onDatabaseError?: OnDatabaseError | undefined;
}

export function executionReward(options: ExecutionRewardOptions): RewardFunction {
  const scale = options.scale ?? executionScales.default;
  refuseWrongOrder(scale);
  const keyOf = rememberingQueryKey();
  return {
    name: 'execution',
    score: async (items) => {
      const rewards = new Array<Reward | undefined>(items.length).fill(undefined);
      const groups = positionsByDatabase(items, rewards, scale);
      await Promise.all(
        [...groups].map(async ([databaseId, positions]) => {
          const { pairs, pairOf } = onceEach(items, positions, keyOf);
          const judged = await judgePairs(pairs, {
            sandbox: options.sandbox,
            databaseId,
            databasePath: () => options.databasePathOf(databaseId),
            judging: options.judging,
            askNeighbours: options.askNeighbours,
            onDatabaseError: options.onDatabaseError ?? 'throw',
          });
          const scored = judged.map((each) => rewardOf(each, scale));
          for (const [n, i] of positions.entries()) rewards[i] = scored[pairOf[n]!];
        }),
      );
      return rewards.map((reward) => reward!);
    },
  };
}

/** What need not run is scored at once; the rest is returned by database, one batch each. */
function positionsByDatabase(
  items: readonly RewardItem[],
  rewards: (Reward | undefined)[],
  scale: ExecutionScale,
): Map<string, number[]> {
  const positions = new Map<string, number[]>();
  for (const [i, { example, completion }] of items.entries()) {
    if (!completion.isComplete) {
      rewards[i] = rewardOfOutcome(scale, 'incomplete');
    } else if (completion.sql.trim() === '') {
      rewards[i] = rewardOfOutcome(scale, 'no-query');
    } else {
      const list = positions.get(example.databaseId);
      if (list === undefined) positions.set(example.databaseId, [i]);
      else list.push(i);
    }
  }
  return positions;
}

/** The pairs of some items, each once: of texts that mean the same the gold's own, else the first one. */
function onceEach(
  items: readonly RewardItem[],
  positions: readonly number[],
  keyOf: (sql: string) => string,
): { readonly pairs: readonly Pair[]; readonly pairOf: readonly number[] } {
  const pairs: Pair[] = [];
  const byGold = new Map<string, Map<string, number>>();
  const pairOf = positions.map((i) => {
    const gold = items[i]!.example.sql;
    const { sql } = items[i]!.completion;
    const key = keyOf(sql);
    let known = byGold.get(gold);
    if (known === undefined) {
      known = new Map();
      byGold.set(gold, known);
    }
    const same = known.get(key);
    if (same !== undefined) return same;
    known.set(key, pairs.length);
    pairs.push({ gold, predicted: key === keyOf(gold) ? gold : sql });
    return pairs.length - 1;
  });
  return { pairs, pairOf };
}

/** Equal results that prove nothing – both empty – count only where the neighbours told them apart. */
function rewardOf({ verdict, isHardCoded, agrees }: Judged, scale: ExecutionScale): Reward {
  const { match, reason, gold, predicted } = verdict;
  if (match === null) return unscorable(reason, gold.message === undefined ? {} : { message: gold.message });
  if (isHardCoded) return rewardOfOutcome(scale, 'hard-coded', 'constant');
  if (agrees === false) return rewardOfOutcome(scale, 'accident', 'differs-on-a-neighbour');
  if (match && gold.isEmpty && reason !== 'same-text' && agrees === null) return unscorable('both-empty');
  if (match) return rewardOfOutcome(scale, 'match', reason);
  const { outcome, errorClass, message } = predicted;
  if (outcome === 'rows') return rewardOfOutcome(scale, 'wrong-rows', reason);
  if (outcome === 'not-run') return unscorable(reason);
  return rewardOfOutcome(scale, outcome, message ?? reason, errorClass);
}
