/** `Reward`: how good one completion is, and the small interface of everything that gives one. */
import type { Example } from '../data/example.ts';
import type { Completion } from '../prompts/prompt-format.ts';

export interface Reward {
  /** `null` = could not be scored (broken gold, infrastructure) and is left out of every average. */
  readonly score: number | null;
  /** Parts of the score by name (for example `execution`: 1), before weighting. */
  readonly components: Readonly<Record<string, number>>;
  /** What a person needs to understand the score: outcome, error text, first difference. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface RewardItem {
  readonly example: Example;
  readonly completion: Completion;
  /** All that the model wrote, markup included; absent where its format has none (the embedded model writes only SQL). */
  readonly text?: string;
}

export interface RewardFunction {
  readonly name: string;
  /** One reward an item, in order; never throws for what a model wrote. */
  score(items: readonly RewardItem[]): Promise<readonly Reward[]>;
}

/** A reward whose scores are known to stay within a range. */
export interface BoundedReward extends RewardFunction {
  readonly range: readonly [number, number];
  /** The least that an answer with the right rows gets, where that is more than the lower end of the range. */
  readonly leastWhenRight?: number;
}

/** A reward of one component, under its own name. */
export function single(name: string, score: number, details: Reward['details'] = {}): Reward {
  return { score, components: { [name]: score }, details };
}

export function unscorable(reason: string, more: Reward['details'] = {}): Reward {
  return { score: null, components: {}, details: { outcome: 'unscorable', reason, ...more } };
}

/** A reward in [0, 1] from a rule that needs nothing but the item. */
export function ruleReward(name: string, rule: (item: RewardItem) => Reward): BoundedReward {
  return { name, range: [0, 1], score: async (items) => items.map(rule) };
}
