/** For sets without a database: right is what says the same as gold (EM). Nothing is run. */
import { isExactMatch } from './exact-match.ts';
import type { Judge } from './verdict.ts';

/** Needs `loadParser()` first. */
export const exactMatchJudge: Judge = async (items) =>
  items.map(({ gold, predicted }) => {
    if (predicted.trim() === '') return { outcome: 'no-sql' };
    if (isExactMatch(predicted, gold)) return { outcome: 'match' };
    return {
      outcome: 'mismatch',
      message: 'another statement than gold; there is no database to run them on',
    };
  });
