/** Rewards for the form of an answer: complete, tagged as asked, not longer than it needs to be. None of them knows SQL. */
import { type AnswerForm, formsOf } from '../../prompts/answer-text.ts';
import type { Completion } from '../../prompts/prompt-format.ts';
import { type BoundedReward, type RewardItem, ruleReward, single } from '../reward.ts';

const isWellFormed = (completion: Completion): boolean =>
  completion.isComplete && completion.sql.trim() !== '';

/**
 * Whether an item has the form: complete, with a query, and tagged as the form wants. Where the model's own text is not
 * given, its format has no tags to judge.
 */
export function hasForm({ completion, text }: RewardItem, form: AnswerForm = 'any'): boolean {
  return isWellFormed(completion) && (text === undefined || formsOf(text).has(form));
}

/** 1 for a completion that ended by itself, holds a query and has the form; else 0. */
export function formatReward(form: AnswerForm = 'any'): BoundedReward {
  return ruleReward('format', (item) => single('format', hasForm(item, form) ? 1 : 0));
}

/**
 * 1 up to `free` times the gold query's length, then falling to 0 at `limit` times. It can only take away: length is
 * never paid for, and neither is brevity below the gold's.
 */
export function lengthReward(
  options: { readonly free?: number; readonly limit?: number } = {},
): BoundedReward {
  const { free = 2, limit = 4 } = options;
  return ruleReward('length', ({ example, completion }) => {
    const times = completion.sql.length / Math.max(1, example.sql.length);
    const score = Math.min(1, Math.max(0, (limit - times) / (limit - free)));
    return single('length', score, { times });
  });
}
