/** The sandbox as the judge of an evaluation: an empty prediction is not run, everything else is run and compared strictly. */
import type { Verdict as PairVerdict } from '../database/verdict.ts';
import type { Judge, Verdict } from './verdict.ts';

/** The slice of the sandbox that is needed here. */
export interface JudgingSandbox {
  judgeBatch(
    databasePath: string,
    pairs: readonly { readonly gold: string; readonly predicted: string }[],
  ): Promise<readonly PairVerdict[]>;
}

function verdictOf({ match, reason, gold, predicted }: PairVerdict): Verdict {
  if (match === true) return { outcome: 'match' };
  if (match === null || predicted.outcome === 'not-run') {
    return { outcome: 'unscored', message: `${reason}: ${gold.message ?? gold.outcome}` };
  }
  if (predicted.outcome !== 'rows') {
    return { outcome: predicted.outcome, message: predicted.message ?? reason };
  }
  const size = `${predicted.rowCount} rows × ${predicted.columnCount} columns`;
  return {
    outcome: 'mismatch',
    message: `${reason}: gold ${gold.rowCount} rows × ${gold.columnCount} columns, got ${size}`,
  };
}

export function sandboxJudge(sandbox: JudgingSandbox, databasePath: string): Judge {
  return async (items) => {
    const written = items.filter((item) => item.predicted.trim() !== '');
    const judged = written.length === 0 ? [] : await sandbox.judgeBatch(databasePath, written);
    const verdicts = new Map(written.map((item, i) => [item, verdictOf(judged[i]!)]));
    return items.map((item) => verdicts.get(item) ?? { outcome: 'no-sql' });
  };
}
