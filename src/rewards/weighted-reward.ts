/** Several rewards as one weighted sum, built so that no wrong answer can outscore a right one. */
import { wrongOrder } from './errors.ts';
import type { Reward, RewardFunction, RewardItem } from './reward.ts';
import type { BoundedReward } from './small-rewards.ts';

export interface WeightedParts {
  /** The reward that knows right from wrong, and by how much at least it tells them apart. */
  readonly primary: { readonly reward: RewardFunction; readonly weight: number; readonly margin: number };
  readonly parts: readonly { readonly reward: BoundedReward; readonly weight: number }[];
}

/**
 * score = sum of weight x score. A right answer that loses every other part must still beat a wrong one that gains them
 * all: primary weight x margin > sum of weight x range of the parts. Refused otherwise.
 */
export function weightedReward({ primary, parts }: WeightedParts): RewardFunction {
  const others = parts.reduce(
    (sum, { reward, weight }) => sum + Math.abs(weight) * (reward.range[1] - reward.range[0]),
    0,
  );
  const gain = primary.weight * primary.margin;
  if (gain <= others) throw wrongOrder('weighted reward', gain, others);
  const all = [primary, ...parts];
  return {
    name: all.map(({ reward }) => reward.name).join('+'),
    score: async (items) => {
      const scored = await Promise.all(all.map(({ reward }) => reward.score(items)));
      return items.map((_: RewardItem, i) =>
        combine(all.map(({ reward, weight }, p) => ({ name: reward.name, weight, reward: scored[p]![i]! }))),
      );
    },
  };
}

/** One part that cannot be scored makes the whole unscorable: a sum without it would be another scale. */
function combine(
  parts: readonly { readonly name: string; readonly weight: number; readonly reward: Reward }[],
): Reward {
  let score: number | null = 0;
  for (const { weight, reward } of parts) {
    score = score === null || reward.score === null ? null : score + weight * reward.score;
  }
  return {
    score,
    components: Object.assign({}, ...parts.map(({ reward }) => reward.components)) as Reward['components'],
    details: Object.fromEntries(parts.map(({ name, reward }) => [name, reward.details])),
  };
}
