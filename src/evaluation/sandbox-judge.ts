/**
 * The sandbox as the judge of an evaluation: an empty prediction is not run, everything else is run and compared strictly.
 * Where a report will show them, the first rows of both sides are fetched besides; where there are neighbours of the
 * database, they are asked of what matches.
 */
import type { AgreementJudge } from '../data/neighbours/agreement.ts';
import type { Execution, ExecutionLimits } from '../database/execution.ts';
import type { OutcomeSummary, Verdict as PairVerdict, VerdictReason } from '../database/verdict.ts';
import { previewOf, type ResultPreview } from './result-preview.ts';
import type { Judge, JudgeItem, Verdict } from './verdict.ts';

/** The slice of the sandbox that is needed here. */
export interface JudgingSandbox {
  judgeBatch(
    databasePath: string,
    pairs: readonly { readonly gold: string; readonly predicted: string }[],
  ): Promise<readonly PairVerdict[]>;
  execute(databasePath: string, sql: string, limits?: Partial<ExecutionLimits>): Promise<Execution>;
}

export interface SandboxJudgeOptions {
  /** Rows of both results kept for a person to see. Default 0: nothing is run for that. */
  readonly previewRows?: number;
  /** Neighbours of the database: what differs on one of them is no match. */
  readonly neighbours?: AgreementJudge;
}

function verdictOf({ match, reason, gold, predicted }: PairVerdict): Verdict {
  if (match === true) return { outcome: 'match' };
  if (match === null || predicted.outcome === 'not-run') {
    return { outcome: 'unscored', message: `${reason}: ${gold.message ?? gold.outcome}` };
  }
  if (predicted.outcome !== 'rows') {
    const { outcome, message = reason, errorClass } = predicted;
    return { outcome, message, ...(errorClass === undefined ? {} : { errorClass }) };
  }
  return { outcome: 'mismatch', message: differenceText(reason, gold, predicted) };
}

function differenceText(reason: VerdictReason, gold: OutcomeSummary, predicted: OutcomeSummary): string {
  switch (reason) {
    case 'column-count':
      return `gold has ${gold.columnCount} columns, got ${predicted.columnCount}`;
    case 'row-count': {
      // The sandbox fetches one row more than gold has: enough to know that there are more.
      const isMore = predicted.rowCount > gold.rowCount;
      return `gold has ${gold.rowCount} rows, got ${isMore ? 'more' : predicted.rowCount}`;
    }
    case 'row-order':
      return 'the rows of gold in another order';
    case 'values':
      return 'as many rows and columns as gold, other values';
    default:
      return reason;
  }
}

/** Runs each text once, and only for its first rows. */
function createPreviewer(sandbox: JudgingSandbox, databasePath: string, rowsMax: number) {
  const known = new Map<string, Promise<ResultPreview | undefined>>();
  return (sql: string): Promise<ResultPreview | undefined> => {
    const preview =
      known.get(sql) ??
      sandbox
        .execute(databasePath, sql, { maxRows: rowsMax })
        .then((execution) => previewOf(execution, rowsMax));
    known.set(sql, preview);
    return preview;
  };
}

/** A side that did not run has no rows to show; gold has, unless it is what failed. */
async function withResults(
  preview: ReturnType<typeof createPreviewer>,
  { gold, predicted }: JudgeItem,
  verdict: Verdict,
): Promise<Verdict> {
  if (verdict.outcome === 'unscored') return verdict;
  const hasRun = verdict.outcome === 'match' || verdict.outcome === 'mismatch';
  const [goldResult, predictedResult] = await Promise.all([
    preview(gold),
    hasRun ? preview(predicted) : undefined,
  ]);
  return {
    ...verdict,
    ...(goldResult === undefined ? {} : { goldResult }),
    ...(predictedResult === undefined ? {} : { predictedResult }),
  };
}

async function withNeighbours(
  neighbours: AgreementJudge,
  items: readonly JudgeItem[],
  verdicts: readonly Verdict[],
): Promise<readonly Verdict[]> {
  const matching = verdicts.flatMap(({ outcome }, at) => (outcome === 'match' ? [at] : []));
  const said = await neighbours.judge(matching.map((at) => items[at]!));
  const differences = new Map(matching.map((at, n) => [at, said[n]!.difference]));
  return verdicts.map((verdict, at): Verdict => {
    const difference = differences.get(at);
    if (difference === undefined) return verdict;
    const message = `agrees on the database but differs on a neighbour (${difference.reason})`;
    return { outcome: 'mismatch', message };
  });
}

export function sandboxJudge(
  sandbox: JudgingSandbox,
  databasePath: string,
  { previewRows = 0, neighbours }: SandboxJudgeOptions = {},
): Judge {
  const preview = createPreviewer(sandbox, databasePath, previewRows);
  return async (items) => {
    const written = items.filter((item) => item.predicted.trim() !== '');
    const judged = written.length === 0 ? [] : await sandbox.judgeBatch(databasePath, written);
    const byItem = new Map(written.map((item, i) => [item, verdictOf(judged[i]!)]));
    const onDatabase = items.map((item): Verdict => byItem.get(item) ?? { outcome: 'no-sql' });
    const verdicts =
      neighbours === undefined ? onDatabase : await withNeighbours(neighbours, items, onDatabase);
    if (previewRows === 0) return verdicts;
    return Promise.all(verdicts.map((verdict, i) => withResults(preview, items[i]!, verdict)));
  };
}
