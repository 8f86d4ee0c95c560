/** Judges predictions against gold on one guarded connection, and remembers what the gold queries gave. */

import { orderingOf } from './comparison/ordering.ts';
import { compareResults } from './comparison/strict.ts';
import type { Execution, ExecutionLimits } from './execution.ts';
import type { JudgeOptions } from './sandbox-protocol.ts';
import { NOT_RUN, summarize, type Verdict } from './verdict.ts';

export type Run = (sql: string, limits: ExecutionLimits) => Execution;

/** Gold results by query, the least recently used ones dropped beyond a number of cells. */
export interface GoldCache {
  get(key: string, compute: () => Execution): Execution;
}

function sizeOf(execution: Execution): number {
  return execution.outcome === 'rows' ? 1 + execution.rows.length * execution.columns.length : 1;
}

export function createGoldCache(cellsMax: number): GoldCache {
  const entries = new Map<string, Execution>();
  let cells = 0;
  return {
    get: (key, compute) => {
      const known = entries.get(key);
      if (known !== undefined) {
        entries.delete(key);
        entries.set(key, known);
        return known;
      }
      const execution = compute();
      entries.set(key, execution);
      cells += sizeOf(execution);
      for (const [oldest, old] of entries) {
        if (cells <= cellsMax || oldest === key) break;
        entries.delete(oldest);
        cells -= sizeOf(old);
      }
      return execution;
    },
  };
}

export interface Judgement {
  readonly gold: string;
  readonly predicted: string;
  /** Known beforehand where it had to be stopped from outside. */
  readonly predictedEnd: Execution | undefined;
  readonly limits: ExecutionLimits;
  readonly options: JudgeOptions;
}

export function judge(
  { gold: goldSql, predicted: predictedSql, predictedEnd, limits, options }: Judgement,
  runGold: () => Execution,
  runPredicted: Run,
): Verdict {
  const gold = runGold();
  const goldSummary = summarize(gold);
  if (gold.outcome !== 'rows')
    return { match: null, reason: 'gold-broken', gold: goldSummary, predicted: NOT_RUN };
  if (gold.truncated) return { match: null, reason: 'gold-too-large', gold: goldSummary, predicted: NOT_RUN };
  if (predictedSql.trim() === goldSql.trim()) {
    return { match: true, reason: 'same-text', gold: goldSummary, predicted: goldSummary };
  }
  // One row more than the gold has is enough to know that the results differ.
  const predicted = predictedEnd ?? runPredicted(predictedSql, { ...limits, maxRows: gold.rows.length + 1 });
  const summary = summarize(predicted);
  if (predicted.outcome !== 'rows') {
    return { match: false, reason: 'predicted-failed', gold: goldSummary, predicted: summary };
  }
  if (predicted.truncated)
    return { match: false, reason: 'row-count', gold: goldSummary, predicted: summary };
  const ordering = orderingOf(goldSql, gold.columns);
  return {
    ...compareResults(gold, predicted, { ordering, ...options }),
    gold: goldSummary,
    predicted: summary,
  };
}
