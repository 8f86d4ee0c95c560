/**
 * How long a prediction and its gold take, side by side: in turns, so that a machine that is slow for a while is slow for
 * both. Each run starts as a new connection would, without pages and schema; the system's own cache of the file is warm.
 * Knows nothing of what becomes of the times. Synchronous: it belongs into a worker.
 */
import type { Execution } from './execution.ts';
import { type OutcomeSummary, summarize } from './verdict.ts';

export interface TimedPair {
  readonly gold: string;
  readonly predicted: string;
  readonly iterations: number;
}

export type Timing =
  /** One time an iteration, of preparing the statement, stepping through it and reading its cells. */
  | { readonly outcome: 'timed'; readonly goldMs: readonly number[]; readonly predictedMs: readonly number[] }
  /** One of the two gave no rows, the first time or later. */
  | { readonly outcome: 'failed'; readonly side: Side; readonly end: OutcomeSummary };

export type Side = 'gold' | 'predicted';

export const failedTiming = (side: Side, execution: Execution): Timing => ({
  outcome: 'failed',
  side,
  end: summarize(execution),
});

/** `run`: from a cold start. Once for each side untimed, so that the file has been read; then in turns. */
export function timePair(
  { gold, predicted, iterations }: TimedPair,
  run: (side: Side, sql: string) => Execution,
): Timing {
  const times: Record<Side, number[]> = { gold: [], predicted: [] };
  for (let at = 0; at <= iterations; at++) {
    for (const side of ['predicted', 'gold'] as const) {
      const execution = run(side, side === 'gold' ? gold : predicted);
      if (execution.outcome !== 'rows') return failedTiming(side, execution);
      if (at > 0) times[side].push(execution.elapsedMs);
    }
  }
  return { outcome: 'timed', goldMs: times.gold, predictedMs: times.predicted };
}
