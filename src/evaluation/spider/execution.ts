/**
 * Whether the predictions for one database give what their golds give, by one of four rules. Everything runs in the
 * sandbox. Knows nothing of files and of exact match.
 */
import type { Execution } from '../../database/execution.ts';
import type { Sandbox } from '../../database/sandbox.ts';
import { haveSameItems, isSameIn2018 } from './execution-2018.ts';
import type { PredictionPair, ProblemKind } from './prediction-files.ts';
import type { Query } from './query.ts';

export const PREDICTION_PROTOCOLS = ['spider', 'spider-2018', 'bird', 'strict'] as const;
export type PredictionProtocol = (typeof PREDICTION_PROTOCOLS)[number];

/** A pair with what exact match sees of it, where both can be read; read when it is asked for. */
export interface ExecutionPair extends PredictionPair {
  readonly queries: () => { readonly gold: Query; readonly predicted: Query } | undefined;
}

export interface ExecutionResult {
  readonly isMatch: boolean;
  /** Of `bird`, where both gave rows; it is 0 where they did not. */
  readonly softF1?: number;
  /** Why nothing could be said; the row then counts as wrong. Of a match or a mismatch that is known: what is not. */
  readonly problem?: { readonly kind: ProblemKind; readonly message: string };
}

const WRONG: ExecutionResult = { isMatch: false };
const TOO_LARGE = 'the results are too large to compare';
/** BIRD's script would go on counting; what it counts then is next to nothing, unless the gold is as large. */
const CUT_SHORT: ExecutionResult['problem'] = {
  kind: 'soft-f1-unknown',
  message: 'the prediction gives more rows than are kept: its soft F1 counts as 0',
};
/** The sandbox's own limits for comparisons. */
const ROWS_MAX = 100_000;
const BYTES_MAX = 64_000_000;

function describeFailure(execution: Exclude<Execution, { readonly outcome: 'rows' }>): string {
  switch (execution.outcome) {
    case 'sql-error':
      return execution.message;
    case 'refused':
      return execution.reason;
    case 'timeout':
      return `stopped after ${execution.limitMs} ms`;
    case 'out-of-memory':
      return `needed more than ${execution.limitBytes} bytes of memory`;
    default:
      throw execution satisfies never;
  }
}

async function judge2018(sandbox: Sandbox, path: string, pair: ExecutionPair): Promise<ExecutionResult> {
  const queries = pair.queries();
  if (queries === undefined || !haveSameItems(queries.gold, queries.predicted)) return WRONG;
  const limits = { maxRows: ROWS_MAX, maxBytes: BYTES_MAX };
  const [gold, predicted] = await Promise.all([
    sandbox.execute(path, pair.gold, limits),
    sandbox.execute(path, pair.predicted, limits),
  ]);
  if (gold.outcome !== 'rows')
    return { isMatch: false, problem: { kind: 'gold-broken', message: describeFailure(gold) } };
  if (predicted.outcome !== 'rows') return WRONG;
  if (gold.truncated || predicted.truncated)
    return {
      isMatch: false,
      problem: { kind: 'too-large', message: TOO_LARGE },
    };
  return { isMatch: isSameIn2018(gold, queries.gold, predicted, queries.predicted) };
}

async function judgeByComparison(
  sandbox: Sandbox,
  path: string,
  pairs: readonly ExecutionPair[],
  protocol: Exclude<PredictionProtocol, 'spider-2018'>,
): Promise<ExecutionResult[]> {
  const items = pairs.map(({ gold, predicted }) => ({ gold, predicted }));
  const verdicts = await sandbox.judgeBatch(path, items, { protocol, softF1: protocol === 'bird' });
  return verdicts.map(({ match, reason, gold, softF1 }) => {
    if (match !== null) {
      if (softF1 === null) return { isMatch: match, problem: CUT_SHORT };
      return { isMatch: match, ...(softF1 === undefined ? {} : { softF1 }) };
    }
    const kind = reason === 'gold-broken' ? 'gold-broken' : 'too-large';
    return { isMatch: false, problem: { kind, message: gold.message ?? TOO_LARGE } };
  });
}

/** One result a pair, in order. Predictions without a statement are wrong and not run. */
export async function judgeDatabase(
  sandbox: Sandbox,
  path: string,
  pairs: readonly ExecutionPair[],
  protocol: PredictionProtocol,
): Promise<ExecutionResult[]> {
  const written = pairs.filter(({ predicted }) => predicted !== '');
  const results =
    protocol === 'spider-2018'
      ? await Promise.all(written.map((pair) => judge2018(sandbox, path, pair)))
      : await judgeByComparison(sandbox, path, written, protocol);
  const byPair = new Map(written.map((pair, at) => [pair, results[at]!]));
  return pairs.map((pair) => byPair.get(pair) ?? WRONG);
}
