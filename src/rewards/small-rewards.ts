/**
 * Rewards that need no database: form, syntax, length. Each gives a score in [0, 1] and is meant as a small part of a
 * weighted reward, never alone: all of them can be had without answering the question.
 */
import type { Completion } from '../prompts/prompt-format.ts';
import type { Reward, RewardFunction } from './reward.ts';

/** A reward whose scores are known to stay within a range. */
export interface BoundedReward extends RewardFunction {
  readonly range: readonly [number, number];
}

function bounded(name: string, score: BoundedReward['score']): BoundedReward {
  return { name, range: [0, 1], score };
}

function single(name: string, score: number, details: Reward['details'] = {}): Reward {
  return { score, components: { [name]: score }, details };
}

/** 1 for a completion that ended by itself and holds a query. */
export function formatReward(): BoundedReward {
  const isWellFormed = (completion: Completion) => completion.isComplete && completion.sql.trim() !== '';
  return bounded('format', async (items) =>
    items.map(({ completion }) => single('format', isWellFormed(completion) ? 1 : 0)),
  );
}

/** 1 for a complete query that `isValid` accepts, for example because the database can prepare it. */
export function syntaxReward(
  isValid: (databaseId: string, sql: string) => boolean | Promise<boolean>,
): BoundedReward {
  return bounded('syntax', (items) =>
    Promise.all(
      items.map(async ({ example, completion }) => {
        if (!completion.isComplete || completion.sql.trim() === '') return single('syntax', 0);
        return single('syntax', (await isValid(example.databaseId, completion.sql)) ? 1 : 0);
      }),
    ),
  );
}

/**
 * 1 up to `free` times the gold query's length, then falling to 0 at `limit` times. It can only take away: length is
 * never paid for, and neither is brevity below the gold's.
 */
export function lengthReward(
  options: { readonly free?: number; readonly limit?: number } = {},
): BoundedReward {
  const { free = 2, limit = 4 } = options;
  return bounded('length', async (items) =>
    items.map(({ example, completion }) => {
      const times = completion.sql.length / Math.max(1, example.sql.length);
      const score = Math.min(1, Math.max(0, (limit - times) / (limit - free)));
      return single('length', score, { times });
    }),
  );
}
