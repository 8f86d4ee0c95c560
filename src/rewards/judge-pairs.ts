/**
 * Verdicts on pairs of one database, and what two equal results hide: constants instead of a query, and matches by accident.
 * It knows the slices of the sandbox and of the neighbours that it needs, and no scores.
 */
import type { Execution, SqlErrorClass } from '../database/execution.ts';
import { isQuerentError } from '../foundation/errors.ts';
import { isHardCoded } from './hard-coded.ts';

export interface Pair {
  readonly gold: string;
  readonly predicted: string;
}

/** The part of the sandbox's `Verdict` that is needed here. */
export interface PairVerdict {
  /** null: could not be judged (the gold query fails or is too large, the infrastructure failed). */
  readonly match: boolean | null;
  /** In a word: `same-text`, `row-count`, `gold-broken`, … */
  readonly reason: string;
  readonly gold: { readonly isEmpty: boolean; readonly message?: string };
  readonly predicted: {
    readonly outcome: Execution['outcome'] | 'not-run';
    readonly errorClass?: SqlErrorClass;
    readonly message?: string;
  };
}

/** What "the same result" means; see `JudgeBatchOptions` of the sandbox. */
export interface Judging {
  readonly protocol?: 'strict' | 'spider' | 'bird';
  readonly columnOrder?: 'exact' | 'any';
}

/** The slice of the sandbox that is needed here. */
export interface PairJudge {
  judgeBatch(
    databasePath: string,
    pairs: readonly Pair[],
    judging?: Judging,
  ): Promise<readonly PairVerdict[]>;
}

/**
 * Asks whether pairs that give the same rows also do so on neighbours of the database (`data/neighbours`). Per pair:
 * false = not, so the first agreement was an accident; true = yes; null = no neighbour tells.
 */
export type AskNeighbours = (
  databaseId: string,
  pairs: readonly Pair[],
) => Promise<readonly (boolean | null)[]>;

/** What to do where a database cannot be opened. */
export type OnDatabaseError = 'throw' | 'unscorable';

export interface Judged {
  readonly verdict: PairVerdict;
  /** Constants instead of a query. */
  readonly isHardCoded: boolean;
  /** What the neighbours say, where they were asked. */
  readonly agrees: boolean | null;
}

export interface JudgePairsOptions {
  readonly sandbox: PairJudge;
  readonly databaseId: string;
  readonly databasePath: () => string;
  readonly judging?: Judging | undefined;
  readonly askNeighbours?: AskNeighbours | undefined;
  readonly onDatabaseError: OnDatabaseError;
}

export async function judgePairs(
  pairs: readonly Pair[],
  options: JudgePairsOptions,
): Promise<readonly Judged[]> {
  const verdicts = await verdictsOf(pairs, options);
  // The gold's own text needs no second look.
  const suspects = pairs.flatMap((_, i) =>
    verdicts[i]!.match === true && verdicts[i]!.reason !== 'same-text' ? [i] : [],
  );
  const hardCoded = new Set(suspects.filter((i) => isHardCoded(pairs[i]!.predicted, pairs[i]!.gold)));
  const open = suspects.filter((i) => !hardCoded.has(i));
  const asked = open.map((i) => pairs[i]!);
  const said = asked.length === 0 ? [] : ((await options.askNeighbours?.(options.databaseId, asked)) ?? []);
  const agreements = new Map(open.map((i, n) => [i, said[n] ?? null]));
  return verdicts.map((verdict, i) => ({
    verdict,
    isHardCoded: hardCoded.has(i),
    agrees: agreements.get(i) ?? null,
  }));
}

async function verdictsOf(
  pairs: readonly Pair[],
  { sandbox, databasePath, judging, onDatabaseError }: JudgePairsOptions,
): Promise<readonly PairVerdict[]> {
  try {
    return await sandbox.judgeBatch(databasePath(), pairs, judging);
  } catch (thrown) {
    if (onDatabaseError === 'throw' || !isQuerentError(thrown)) throw thrown;
    const verdict: PairVerdict = {
      match: null,
      reason: 'database-unavailable',
      gold: { isEmpty: true, message: thrown.code },
      predicted: { outcome: 'not-run' },
    };
    return pairs.map(() => verdict);
  }
}
