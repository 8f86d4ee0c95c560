/** `Verdict`: whether a predicted query gives what the gold query gives. Results stay where they were computed. */
import type { ComparisonReason } from './comparison/strict.ts';
import type { Execution, SqlErrorClass } from './execution.ts';

/** What became of one side, without its rows. */
export interface OutcomeSummary {
  /** `not-run`: the gold was broken, so the prediction was not tried. */
  readonly outcome: Execution['outcome'] | 'not-run';
  readonly errorClass?: SqlErrorClass;
  /** The database's words, or the reason of a refusal. */
  readonly message?: string;
  /** Rows fetched: at most one more than the gold has, which is enough to know that a prediction differs. */
  readonly rowCount: number;
  readonly columnCount: number;
  readonly isEmpty: boolean;
  readonly truncated: boolean;
  readonly elapsedMs: number;
}

export type VerdictReason =
  | ComparisonReason
  /** The prediction is the gold, word for word. */
  | 'same-text'
  /** The gold failed; `gold` says how. */
  | 'gold-broken'
  /** The gold's result is larger than the limits allow to compare. */
  | 'gold-too-large'
  /** So is the prediction's, and what was seen of it does not decide (only where repeated rows do not count). */
  | 'predicted-too-large'
  /** The prediction failed; `predicted` says how. */
  | 'predicted-failed';

export interface Verdict {
  /** Null where nothing can be said: broken gold, oversized results. */
  readonly match: boolean | null;
  readonly reason: VerdictReason;
  readonly gold: OutcomeSummary;
  readonly predicted: OutcomeSummary;
  /** Where it was asked for and both gave rows: BIRD's; null where the prediction's rows were cut short. */
  readonly softF1?: number | null;
}

export const NOT_RUN: OutcomeSummary = {
  outcome: 'not-run',
  rowCount: 0,
  columnCount: 0,
  isEmpty: true,
  truncated: false,
  elapsedMs: 0,
};

function detailsOf(execution: Execution): Pick<OutcomeSummary, 'errorClass' | 'message'> {
  switch (execution.outcome) {
    case 'sql-error':
      return { errorClass: execution.errorClass, message: execution.message };
    case 'refused':
      return { message: execution.reason };
    case 'timeout':
      return { message: `stopped after ${execution.limitMs} ms` };
    case 'out-of-memory':
      return { message: `needed more than ${execution.limitBytes} bytes of memory` };
    case 'rows':
      return {};
    default:
      throw execution satisfies never;
  }
}

export function summarize(execution: Execution): OutcomeSummary {
  const isRows = execution.outcome === 'rows';
  return {
    outcome: execution.outcome,
    ...detailsOf(execution),
    rowCount: isRows ? execution.rows.length : 0,
    columnCount: isRows ? execution.columns.length : 0,
    isEmpty: !isRows || (execution.rows.length === 0 && !execution.truncated),
    truncated: isRows && execution.truncated,
    elapsedMs: execution.elapsedMs,
  };
}
