/** Judges predictions against gold on one guarded connection, and remembers what the gold queries gave. */

import type { CellReading } from './cell-reading.ts';
import { isSubset } from './comparison/bird.ts';
import { type Protocol, protocols } from './comparison/protocol.ts';
import { softF1 } from './comparison/soft-f1.ts';
import type { Execution, ExecutionLimits } from './execution.ts';
import type { JudgeOptions } from './sandbox-protocol.ts';
import { isBlankSql } from './sql-text.ts';
import { objectionToLength } from './statement.ts';
import { NOT_RUN, summarize, type Verdict } from './verdict.ts';

export type Run = (sql: string, limits: ExecutionLimits, reading: CellReading) => Execution;

/** Gold results by query, the least recently used ones dropped beyond a number of cells; a long value counts as many. */
export interface GoldCache {
  get(key: string, compute: () => Execution): Execution;
}

const CELL_LENGTH = 32;

function sizeOf(key: string, execution: Execution): number {
  let size = 1 + key.length / CELL_LENGTH;
  if (execution.outcome !== 'rows') return size;
  for (const row of execution.rows) {
    size += row.length;
    for (const value of row)
      if (typeof value === 'string' || value instanceof Uint8Array) size += value.length / CELL_LENGTH;
  }
  return size;
}

export function createGoldCache(cellsMax: number): GoldCache {
  const entries = new Map<string, { readonly execution: Execution; readonly size: number }>();
  let cells = 0;
  return {
    get: (key, compute) => {
      const known = entries.get(key);
      if (known !== undefined) {
        entries.delete(key);
        entries.set(key, known);
        return known.execution;
      }
      const execution = compute();
      const size = sizeOf(key, execution);
      entries.set(key, { execution, size });
      cells += size;
      for (const [oldest, old] of entries) {
        if (cells <= cellsMax || oldest === key) break;
        entries.delete(oldest);
        cells -= old.size;
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

/** What needs no database: a text that a script refuses before it runs anything, and a blank one. */
function withoutRunning(text: string | undefined, protocol: Protocol): Execution | undefined {
  if (text === undefined) {
    return { outcome: 'sql-error', errorClass: 'syntax', message: 'there is no statement', elapsedMs: 0 };
  }
  if (!protocol.isBlankEmpty || !isBlankSql(text)) return undefined;
  return { outcome: 'rows', columns: [], rows: [], truncated: false, elapsedMs: 0 };
}

export function judge(
  { gold: goldSql, predicted: predictedSql, predictedEnd, limits, options }: Judgement,
  runGold: (sql: string, reading: CellReading) => Execution,
  runPredicted: Run,
): Verdict {
  const protocol = protocols[options.protocol];
  const goldText = protocol.prepare(goldSql);
  const gold =
    objectionToLength(goldSql) ?? withoutRunning(goldText, protocol) ?? runGold(goldText!, protocol.reading);
  const goldSummary = summarize(gold);
  if (gold.outcome !== 'rows')
    return { match: null, reason: 'gold-broken', gold: goldSummary, predicted: NOT_RUN };
  if (gold.truncated) return { match: null, reason: 'gold-too-large', gold: goldSummary, predicted: NOT_RUN };
  const tooLong = objectionToLength(predictedSql);
  if (tooLong === undefined && predictedSql.trim() === goldSql.trim()) {
    const same: Verdict = { match: true, reason: 'same-text', gold: goldSummary, predicted: goldSummary };
    return options.softF1 === true ? { ...same, softF1: 1 } : same;
  }
  // One row more than the gold has is enough to know that the results differ, where rows are counted.
  const itsLimits = protocol.countsRows ? { ...limits, maxRows: gold.rows.length + 1 } : limits;
  const predictedText = protocol.prepare(predictedSql);
  const predicted =
    predictedEnd ??
    tooLong ??
    withoutRunning(predictedText, protocol) ??
    runPredicted(predictedText!, itsLimits, protocol.reading);
  const summary = summarize(predicted);
  if (predicted.outcome !== 'rows') {
    return { match: false, reason: 'predicted-failed', gold: goldSummary, predicted: summary };
  }
  if (predicted.truncated && protocol.countsRows)
    return { match: false, reason: 'row-count', gold: goldSummary, predicted: summary };
  const comparison = protocol.compare(gold, predicted, goldText!, options);
  const score =
    options.softF1 === true ? { softF1: predicted.truncated ? null : softF1(gold, predicted) } : {};
  // The rows that were cut off could only have been rows of the gold, or repeated ones.
  if (predicted.truncated && (comparison.match || isSubset(predicted, gold)))
    return { match: null, reason: 'predicted-too-large', gold: goldSummary, predicted: summary, ...score };
  return { ...comparison, gold: goldSummary, predicted: summary, ...score };
}
