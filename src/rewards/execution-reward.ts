/**
 * The reward of text-to-SQL: does the query give the rows that the gold query gives? It knows verdicts and scores; it does
 * not know how a database runs or compares (the sandbox does).
 */
import type { Execution } from '../database/execution.ts';
import { wrongOrder } from './errors.ts';
import type { Reward, RewardFunction, RewardItem } from './reward.ts';

/** The part of the sandbox's `Verdict` that is needed here. */
export interface PairVerdict {
  /** null: could not be judged (the gold query fails or is too large, the infrastructure failed). */
  readonly match: boolean | null;
  /** In a word: `same-text`, `row-count`, `gold-broken`, … */
  readonly reason: string;
  readonly gold: { readonly isEmpty: boolean; readonly message?: string };
  readonly predicted: { readonly outcome: Execution['outcome'] | 'not-run'; readonly message?: string };
}

/** The slice of the sandbox that is needed here. */
export interface PairJudge {
  judgeBatch(
    databasePath: string,
    pairs: readonly { readonly gold: string; readonly predicted: string }[],
  ): Promise<readonly PairVerdict[]>;
}

/**
 * Scores by outcome. A match with an empty gold result proves nothing (a condition that no row meets gives it too): unless
 * the text is the gold's own, it cannot be scored.
 */
export interface ExecutionScale {
  /** The rows of the gold query. */
  readonly match: number;
  /** Runs, but gives other rows. */
  readonly wrong: number;
  /** An error, a refusal, a timeout, or no query at all. */
  readonly error: number;
  /** Cut off before its end and so never run. `null` leaves the sample out of every average. */
  readonly incomplete: number | null;
}

/**
 * `default` is Arctic's scale (1 / 0.1 / 0): the 0.1 tells a policy that writes no valid SQL yet where to go, and is too
 * small to be worth staying at. No wrong answer outscores a right one because every scale is checked for it below.
 */
export const executionScales = {
  default: { match: 1, wrong: 0.1, error: 0, incomplete: 0 },
  arctic: { match: 1, wrong: 0.1, error: 0, incomplete: 0 },
  binary: { match: 1, wrong: 0, error: 0, incomplete: 0 },
} as const satisfies Readonly<Record<string, ExecutionScale>>;

export interface ExecutionRewardOptions {
  readonly sandbox: PairJudge;
  /** Where the database of an example lies. */
  readonly databasePathOf: (databaseId: string) => string;
  readonly scale?: ExecutionScale | undefined;
}

export function executionReward(options: ExecutionRewardOptions): RewardFunction {
  const scale = options.scale ?? executionScales.default;
  refuseWrongOrder(scale);
  return {
    name: 'execution',
    score: async (items) => {
      const rewards = new Array<Reward | undefined>(items.length).fill(undefined);
      for (const [databaseId, positions] of positionsByDatabase(items, rewards, scale)) {
        const pairs = positions.map((i) => ({
          gold: items[i]!.example.sql,
          predicted: items[i]!.completion.sql,
        }));
        const verdicts = await options.sandbox.judgeBatch(options.databasePathOf(databaseId), pairs);
        for (const [n, i] of positions.entries()) rewards[i] = rewardOfVerdict(verdicts[n]!, scale);
      }
      return rewards.map((reward) => reward!);
    },
  };
}

/** By how much a right answer beats the best wrong one. */
export function marginOf(scale: ExecutionScale): number {
  return scale.match - bestWrong(scale);
}

function bestWrong(scale: ExecutionScale): number {
  return Math.max(scale.wrong, scale.error, scale.incomplete ?? Number.NEGATIVE_INFINITY);
}

function refuseWrongOrder(scale: ExecutionScale): void {
  if (scale.match <= bestWrong(scale)) throw wrongOrder('execution scale', scale.match, bestWrong(scale));
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
      rewards[i] = rewardOf(scale.incomplete, 'incomplete');
    } else if (completion.sql.trim() === '') {
      rewards[i] = rewardOf(scale.error, 'no-query');
    } else {
      const list = positions.get(example.databaseId);
      if (list === undefined) positions.set(example.databaseId, [i]);
      else list.push(i);
    }
  }
  return positions;
}

function rewardOfVerdict(verdict: PairVerdict, scale: ExecutionScale): Reward {
  const { match, reason, gold, predicted } = verdict;
  if (match === null) return unscorable(reason, gold.message);
  if (match && gold.isEmpty && reason !== 'same-text') return unscorable('both-empty');
  if (match) return rewardOf(scale.match, 'match', reason);
  const { outcome } = predicted;
  if (outcome === 'rows') return rewardOf(scale.wrong, 'wrong-rows', reason);
  if (outcome === 'not-run') return unscorable(reason);
  return rewardOf(scale.error, outcome, predicted.message ?? reason);
}

function unscorable(reason: string, message?: string): Reward {
  return {
    score: null,
    components: {},
    details: { outcome: 'unscorable', reason, ...(message === undefined ? {} : { message }) },
  };
}

type Outcome = 'match' | 'wrong-rows' | 'incomplete' | 'no-query' | Execution['outcome'];

function rewardOf(score: number | null, outcome: Outcome, reason?: string): Reward {
  const details = reason === undefined ? { outcome } : { outcome, reason };
  if (score === null) return { score, components: {}, details };
  const isMatch = outcome === 'match';
  const components = { match: isMatch ? 1 : 0, executable: isMatch || outcome === 'wrong-rows' ? 1 : 0 };
  return { score, components, details };
}
