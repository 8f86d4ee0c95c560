/**
 * Asks the neighbours of each database whether the predictions that are right on it are right on other rows as well. Knows
 * judges of agreement; does not know how neighbours are built.
 */
import type { Agreement, AgreementJudge } from '../../data/neighbours/agreement.ts';
import { messageOf } from '../../foundation/errors.ts';
import { ignoreEvents, type Observe } from '../../foundation/events.ts';
import { interrupted, untilInterrupted } from './interruption.ts';
import type { PredictionPair } from './prediction-files.ts';

export interface AskNeighboursOptions {
  /** Called once a database, with all its gold queries. */
  readonly judgeOf: (databasePath: string, golds: readonly string[]) => Promise<AgreementJudge>;
  readonly databasePathOf: (databaseId: string) => string | undefined;
  /** Every pair that can be used, right or not: the neighbours must not depend on who is judged. */
  readonly all: readonly PredictionPair[];
  readonly onFailed: (pair: PredictionPair, message: string) => void;
  readonly observe?: Observe;
  readonly signal?: AbortSignal;
}

/** Pairs between two steps of the bar. */
const PAIRS_AT_ONCE = 32;

/** `pairs`: those that match on their database. What could not be asked is reported and left out. */
export function askNeighbours(
  pairs: readonly PredictionPair[],
  options: AskNeighboursOptions,
): Promise<Map<PredictionPair, Agreement>> {
  const { judgeOf, databasePathOf, all, onFailed, observe = ignoreEvents, signal } = options;
  const agreements = new Map<PredictionPair, Agreement>();
  let done = 0;
  const advance = (count: number): void => {
    if (signal?.aborted === true) throw interrupted('asking neighbours of');
    done += count;
    const total = pairs.length;
    observe({ type: 'progress', stage: 'predictions', label: 'ask neighbours', done, total });
  };
  const askDatabase = async (path: string, its: readonly PredictionPair[]): Promise<void> => {
    const isHere = ({ databaseId }: PredictionPair) => databasePathOf(databaseId) === path;
    const golds = all.filter(isHere).map(({ gold }) => gold);
    const judge = await judgeOf(path, golds);
    for (let start = 0; start < its.length; start += PAIRS_AT_ONCE) {
      const chunk = its.slice(start, start + PAIRS_AT_ONCE);
      const said = await judge.judge(chunk.map(({ gold, predicted }) => ({ gold, predicted })));
      advance(chunk.length);
      chunk.forEach((pair, at) => {
        agreements.set(pair, said[at]!);
      });
    }
  };
  const askAll = async () => {
    advance(0);
    for (const path of new Set(pairs.map(({ databaseId }) => databasePathOf(databaseId)!))) {
      const its = pairs.filter(({ databaseId }) => databasePathOf(databaseId) === path);
      try {
        await askDatabase(path, its);
      } catch (thrown) {
        if (signal?.aborted === true) throw thrown;
        const open = its.filter((pair) => !agreements.has(pair));
        for (const pair of open) onFailed(pair, `its neighbours cannot be asked: ${messageOf(thrown)}`);
      }
    }
    return agreements;
  };
  return untilInterrupted(askAll, 'asking neighbours of', signal);
}
