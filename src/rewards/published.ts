/**
 * The scales of two published systems whose score depends on the form of the answer as well. The scales are theirs; what is
 * the same result, what cannot be scored and what a timeout is are ours: a broken gold query is null, two empty results
 * prove nothing, repeated rows and order count. `docs/rewards.md` lists the differences.
 */
import { type Outcome, outcomeOf } from './execution-scale.ts';
import { hasForm } from './parts/form.ts';
import type { Reward, RewardFunction, RewardItem } from './reward.ts';

type Scale = (item: RewardItem, outcome: Exclude<Outcome, 'unscorable'>) => Readonly<Record<string, number>>;

/** The sum of named parts by outcome; an answer without the form is never run. */
function scaled(
  name: string,
  execution: RewardFunction,
  hasItsForm: (item: RewardItem) => boolean,
  withoutForm: Readonly<Record<string, number>>,
  scale: Scale,
): RewardFunction {
  // `match` is reported like by every reward that runs queries; it is no summand.
  const sum = (parts: Readonly<Record<string, number>>, details: Reward['details']): Reward => ({
    score: Object.values(parts).reduce((total, part) => total + part, 0),
    components: { ...parts, match: details.outcome === 'match' ? 1 : 0 },
    details,
  });
  return {
    name,
    score: async (items) => {
      const formed = items.filter(hasItsForm);
      const executed = await execution.score(formed);
      const known = new Map(formed.map((item, i) => [item, executed[i]!]));
      return items.map((item) => {
        const reward = known.get(item);
        if (reward === undefined) return sum(withoutForm, { outcome: 'no-form' });
        const outcome = outcomeOf(reward);
        if (reward.score === null || outcome === undefined || outcome === 'unscorable') return reward;
        return sum(scale(item, outcome), reward.details);
      });
    },
  };
}

const runs = (outcome: Outcome): boolean =>
  ['match', 'wrong-rows', 'hard-coded', 'accident'].includes(outcome);

/** Longest thought and answer that are still paid for, in characters (the constant of the published code). */
const SQL_R1_LENGTH = 2_048;

/**
 * Only for a right answer: half a point for length up to the limit, and up to a point for how much of the answer is SQL
 * (SQL-R1, arXiv 2504.08600, section on rewards, in the form of the published code). Without the model's own text, reasoning
 * and SQL stand for thought and answer.
 */
export function sqlR1Length({ completion, text }: RewardItem): number {
  const thought = text === undefined ? (completion.reasoning ?? '') : between(text, '<think>', '</think>');
  const answer = text === undefined ? completion.sql : between(text, '<answer>', '</answer>');
  const length = thought.trim().length + answer.trim().length;
  const share = completion.sql.length / Math.max(1, answer.trim().length);
  return 0.5 * Math.min(1, length / SQL_R1_LENGTH) + Math.min(1, share);
}

function between(text: string, open: string, close: string): string {
  const start = text.indexOf(open);
  const end = text.indexOf(close, start);
  return start < 0 || end < 0 ? '' : text.slice(start + open.length, end);
}

/** Format +1 or -1; then execution +2 or -2, result +3 or -3, and the length of right answers. 6 to 7.5, 0, -1, -1. */
export function sqlR1Reward(execution: RewardFunction): RewardFunction {
  return scaled(
    'sql-r1',
    execution,
    (item) => hasForm(item, 'sql-r1'),
    { format: -1 },
    (item, outcome) => {
      if (outcome === 'match') return { format: 1, execution: 2, result: 3, length: sqlR1Length(item) };
      if (runs(outcome)) return { format: 1, execution: 2, result: -3, length: 0 };
      return { format: 1, execution: -2, result: 0, length: 0 };
    },
  );
}

/** -1 without the form, 1 for the right rows, else 0 (SkyRL-SQL). */
export function skyrlReward(execution: RewardFunction): RewardFunction {
  return scaled(
    'skyrl',
    execution,
    (item) => hasForm(item, 'skyrl'),
    { format: -1 },
    (_, outcome) => ({ result: outcome === 'match' ? 1 : 0 }),
  );
}
