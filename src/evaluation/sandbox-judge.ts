/** The sandbox as the judge of an evaluation: an empty prediction is not run, everything else is run and compared strictly. */
import type { PairJudge, PairVerdict } from '../rewards/execution-reward.ts';
import type { Judge, Outcome, Verdict } from './verdict.ts';

function verdictOf({ match, predicted, reason }: PairVerdict): Verdict {
  const ran: Outcome = predicted === 'rows' ? 'mismatch' : predicted;
  const outcome = match === null ? 'unscored' : match ? 'match' : ran;
  return reason === undefined ? { outcome } : { outcome, message: reason };
}

export function sandboxJudge(sandbox: PairJudge, databasePath: string): Judge {
  return async (items) => {
    const written = items.filter((item) => item.predicted.trim() !== '');
    const judged = written.length === 0 ? [] : await sandbox.judgeBatch(databasePath, written);
    const verdicts = new Map(written.map((item, i) => [item, verdictOf(judged[i]!)]));
    return items.map((item) => verdicts.get(item) ?? { outcome: 'no-sql' });
  };
}
