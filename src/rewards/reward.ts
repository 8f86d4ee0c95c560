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
}

export interface RewardFunction {
  readonly name: string;
  /** One reward an item, in order; never throws for what a model wrote. */
  score(items: readonly RewardItem[]): Promise<readonly Reward[]>;
}
