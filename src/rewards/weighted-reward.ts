/**
 * Several rewards as one weighted sum: free of any promise (`compositeReward`), or built so that no wrong answer can outscore
 * a right one (`weightedReward`).
 */
import { wrongOrder } from './errors.ts';
import type { BoundedReward, Reward, RewardFunction } from './reward.ts';

export interface WeightedPart<R extends RewardFunction = RewardFunction> {
  readonly reward: R;
  readonly weight: number;
}

export interface CompositeOptions {
  readonly parts: readonly WeightedPart[];
  /** The sum is cut to it. */
  readonly range?: readonly [number, number];
  readonly name?: string;
}

/** score = sum of weight x score. One part that cannot be scored makes the whole unscorable: a sum without it would be another scale. */
export function compositeReward({ parts, range, name }: CompositeOptions): RewardFunction {
  return {
    name: name ?? parts.map(({ reward }) => reward.name).join('+'),
    score: async (items) => {
      const scored = await Promise.all(parts.map(({ reward }) => reward.score(items)));
      return items.map((_, i) =>
        combine(
          parts.map(({ reward, weight }, p) => ({ name: reward.name, weight, reward: scored[p]![i]! })),
          range,
        ),
      );
    },
  };
}

export interface WeightedParts {
  /** The reward that knows right from wrong, and by how much at least it tells them apart. */
  readonly primary: WeightedPart & { readonly margin: number };
  readonly parts: readonly WeightedPart<BoundedReward>[];
  readonly range?: readonly [number, number];
}

/**
 * A right answer that loses every other part must still beat a wrong one that gains them all:
 * primary weight x margin > sum over the parts of weight x (most that a wrong answer gets - least that a right one gets).
 * Refused otherwise. Weights must be positive.
 */
export function weightedReward({ primary, parts, range }: WeightedParts): RewardFunction {
  const others = parts.reduce((sum, { reward, weight }) => {
    const [least, most] = reward.range;
    return sum + Math.abs(weight) * (most - (weight > 0 ? (reward.leastWhenRight ?? least) : least));
  }, 0);
  const gain = primary.weight * primary.margin;
  if (!(gain > others)) throw wrongOrder('weighted reward', gain, others);
  return compositeReward({ parts: [primary, ...parts], ...(range === undefined ? {} : { range }) });
}

function combine(
  parts: readonly { readonly name: string; readonly weight: number; readonly reward: Reward }[],
  range: readonly [number, number] | undefined,
): Reward {
  let score: number | null = 0;
  for (const { weight, reward } of parts) {
    score = score === null || reward.score === null ? null : score + weight * reward.score;
  }
  if (score !== null && range !== undefined) score = Math.min(range[1], Math.max(range[0], score));
  return {
    score,
    components: Object.assign({}, ...parts.map(({ reward }) => reward.components)) as Reward['components'],
    details: Object.fromEntries(parts.map(({ name, reward }) => [name, reward.details])),
  };
}
