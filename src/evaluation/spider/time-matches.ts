/**
 * Times the right predictions against their golds, for R-VES: one pair after the other, while nothing else of ours runs.
 * The official script runs as many at a time as it is told (16 in its own shell file), which disturbs what it measures.
 */
import type { Sandbox } from '../../database/sandbox.ts';
import { messageOf } from '../../foundation/errors.ts';
import { ignoreEvents, type Observe } from '../../foundation/events.ts';
import { untilInterrupted } from './interruption.ts';
import type { PredictionPair } from './prediction-files.ts';
import { rewardOf, rVesOf, timeRatioOf } from './r-ves.ts';

export interface Efficiency {
  /** Gold time by the prediction's; null where there is none: a wrong prediction, or one that could not be timed. */
  readonly timeRatio: number | null;
  readonly rVes: number;
}

export const NOT_EFFICIENT: Efficiency = { timeRatio: null, rVes: 0 };

export interface TimeMatchesOptions {
  readonly iterations: number;
  readonly databasePathOf: (databaseId: string) => string | undefined;
  readonly sandbox: Sandbox;
  /** Of a pair that gave its rows when it was judged, and does not now. */
  readonly onFailed: (pair: PredictionPair, message: string) => void;
  readonly observe?: Observe;
  readonly signal?: AbortSignal;
}

async function timeOne(pair: PredictionPair, options: TimeMatchesOptions): Promise<Efficiency | string> {
  const { databasePathOf, sandbox, iterations } = options;
  try {
    const timing = await sandbox.timePair(databasePathOf(pair.databaseId)!, pair, { iterations });
    if (timing.outcome === 'failed') {
      const whose = timing.side === 'gold' ? 'the gold' : 'the prediction';
      return `${whose} could not be timed: ${timing.end.message ?? timing.end.outcome}`;
    }
    const timeRatio = timeRatioOf(timing.goldMs, timing.predictedMs);
    return { timeRatio, rVes: rVesOf(rewardOf(timeRatio)) };
  } catch (thrown) {
    return `it could not be timed: ${messageOf(thrown)}`;
  }
}

/** `pairs`: those that match; each has a database that was found. */
export async function timeMatches(
  pairs: readonly PredictionPair[],
  options: TimeMatchesOptions,
): Promise<Map<PredictionPair, Efficiency>> {
  const { onFailed, observe = ignoreEvents, signal } = options;
  const efficiencies = new Map<PredictionPair, Efficiency>();
  for (const [at, pair] of pairs.entries()) {
    const result = await untilInterrupted(() => timeOne(pair, options), 'timing', signal);
    if (typeof result === 'string') onFailed(pair, result);
    else efficiencies.set(pair, result);
    const [done, total] = [at + 1, pairs.length];
    observe({ type: 'progress', stage: 'predictions', label: 'time predictions', done, total });
  }
  return efficiencies;
}
