/**
 * Predictions against golds, row by row: hardness, whether the official parser reads the prediction, exact match and
 * execution; for BIRD its soft F1 and, where asked for, its R-VES. A row that cannot be judged counts as wrong and is reported; it never stops the others.
 */
import type { Agreement } from '../../data/neighbours/agreement.ts';
import type { Sandbox } from '../../database/sandbox.ts';
import { messageOf } from '../../foundation/errors.ts';
import { ignoreEvents, type Observe } from '../../foundation/events.ts';
import type { Difficulty } from '../suites/bird.ts';
import { type AskNeighboursOptions, askNeighbours } from './ask-neighbours.ts';
import { comparable } from './comparable.ts';
import { type Components, compareComponents, isExactMatch } from './components.ts';
import {
  type ExecutionPair,
  type ExecutionResult,
  judgeDatabase,
  type PredictionProtocol,
} from './execution.ts';
import { type Hardness, hardnessOf } from './hardness.ts';
import { interrupted, untilInterrupted } from './interruption.ts';
import { parseSpider } from './parse.ts';
import type { PredictionPair, PredictionPairs, ProblemKind, RowProblem } from './prediction-files.ts';
import { EMPTY_QUERY, type Query } from './query.ts';
import type { SpiderSchemas } from './schema.ts';
import { type Efficiency, NOT_EFFICIENT, timeMatches } from './time-matches.ts';

export interface PredictionVerdict {
  readonly row: number;
  readonly databaseId: string;
  /** Null where there are no schemas, or the gold cannot be read. */
  readonly hardness: Hardness | null;
  readonly isOfficiallyParsed: boolean | null;
  /** Null only without schemas. */
  readonly isExactMatch: boolean | null;
  /** On the database, and where neighbours are asked on none of them otherwise. */
  readonly isExecutionMatch: boolean;
  /** What the neighbours say; null where they were not asked, as of what is wrong on the database already. */
  readonly agreement: Agreement | null;
  readonly components: Components | undefined;
  /** BIRD's own class of the question; null where it is not known. */
  readonly difficulty: Difficulty | null;
  /** Null under every protocol but `bird`; there a row that cannot be judged has 0. */
  readonly softF1: number | null;
  /** Null where nothing was timed. */
  readonly efficiency: Efficiency | null;
}

export interface EvaluatePredictionsOptions {
  readonly files: PredictionPairs;
  readonly protocol: PredictionProtocol;
  /** Needed for exact match, and for `spider-2018`. */
  readonly schemas: SpiderSchemas | undefined;
  readonly databasePathOf: (databaseId: string) => string | undefined;
  /** By row. */
  readonly difficulties?: ReadonlyMap<number, Difficulty>;
  /** Times what matches; see `time-matches.ts`. */
  readonly ves?: { readonly iterations: number };
  /** Asks neighbours of what matches. Only they tell `strict`'s matches from accidents, so it is for `strict`. */
  readonly neighbours?: Pick<AskNeighboursOptions, 'judgeOf'>;
  readonly sandbox: Sandbox;
  readonly observe?: Observe;
  /** Ends the evaluation at once; what runs then goes on until its limit, or until the sandbox is closed. */
  readonly signal?: AbortSignal;
}

export interface PredictionEvaluation {
  readonly verdicts: readonly PredictionVerdict[];
  readonly problems: readonly RowProblem[];
}

type Reading = Pick<PredictionVerdict, 'hardness' | 'isOfficiallyParsed' | 'isExactMatch' | 'components'> & {
  readonly queries: { readonly gold: Query; readonly predicted: Query } | undefined;
};
type Report = (pair: PredictionPair, kind: ProblemKind, message: string) => void;

const UNSEEN: Reading = {
  hardness: null,
  isOfficiallyParsed: null,
  isExactMatch: null,
  components: undefined,
  queries: undefined,
};
const UNREADABLE: Reading = { ...UNSEEN, isOfficiallyParsed: false, isExactMatch: false };

/** What exact match sees of a pair, and what it says. */
function readPair(
  pair: PredictionPair,
  { schemas, databasePathOf }: EvaluatePredictionsOptions,
  report: Report,
): Reading {
  if (schemas === undefined) return UNSEEN;
  if (!pair.isUsable) return UNREADABLE;
  const schema = schemas.get(pair.databaseId);
  if (schema === undefined) {
    const { databaseId } = pair;
    const file = databasePathOf(databaseId) === undefined ? ', and there is no file for it' : '';
    report(pair, 'unknown-database', `the schemas have no database ${databaseId}${file}`);
    return UNREADABLE;
  }
  const gold = parseSpider(pair.gold, schema);
  const predicted = parseSpider(pair.predicted, schema);
  const isOfficiallyParsed = predicted !== undefined;
  if (gold === undefined) {
    report(pair, 'gold-unreadable', 'the official parser cannot read the gold statement');
    return { ...UNREADABLE, isOfficiallyParsed };
  }
  const queries = {
    gold: comparable(gold, schema),
    predicted: comparable(predicted ?? EMPTY_QUERY, schema),
  };
  const components = compareComponents(queries.gold, queries.predicted);
  return {
    hardness: hardnessOf(gold),
    isOfficiallyParsed,
    isExactMatch: isExactMatch(queries.gold, queries.predicted, components),
    components,
    queries: predicted === undefined ? undefined : queries,
  };
}

async function judgeRows(
  { databasePathOf, protocol, sandbox, schemas }: EvaluatePredictionsOptions,
  databaseId: string,
  pairs: readonly ExecutionPair[],
): Promise<ExecutionResult[]> {
  const all = (message: string): ExecutionResult[] =>
    pairs.map(() => ({ isMatch: false, problem: { kind: 'no-database', message } }));
  const path = databasePathOf(databaseId);
  if (path === undefined) {
    // Said of it already: `readPair` names what neither the schemas nor the files have.
    if (schemas?.has(databaseId) === false) return pairs.map(() => ({ isMatch: false }));
    return all(`there is no file for the database ${databaseId}`);
  }
  try {
    return await judgeDatabase(sandbox, path, pairs, protocol);
  } catch (thrown) {
    return all(`the database ${databaseId} cannot be used: ${messageOf(thrown)}`);
  }
}

/** Databases wait for their turn a few at a time, so that an interruption is not followed by all of them. */
const DATABASES_AT_ONCE = 8;

async function judgeAll(
  options: EvaluatePredictionsOptions,
  pairs: readonly ExecutionPair[],
): Promise<Map<PredictionPair, ExecutionResult>> {
  const { observe = ignoreEvents, signal } = options;
  const usable = pairs.filter(({ isUsable }) => isUsable);
  const waiting = [...new Set(usable.map(({ databaseId }) => databaseId))];
  const results = new Map<PredictionPair, ExecutionResult>();
  const workOff = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      const its = usable.filter(({ databaseId }) => databaseId === id);
      const judged = await judgeRows(options, id, its);
      // Nobody waits any more, and progress would be shown of what is over.
      if (signal?.aborted === true) throw interrupted('running');
      its.forEach((pair, at) => {
        results.set(pair, judged[at]!);
      });
      const [done, total] = [results.size, usable.length];
      observe({ type: 'progress', stage: 'predictions', label: 'run predictions', done, total });
    }
  };
  await Promise.all(Array.from({ length: DATABASES_AT_ONCE }, workOff));
  return results;
}

function once<T>(compute: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => {
    known ??= { value: compute() };
    return known.value;
  };
}

/**
 * The test-suite script takes every `value` of a prediction for the placeholder of models that predict no values, in names
 * too (taoyds/test-suite-sql-eval, issue 21).
 */
function asProtocolReads(pair: PredictionPair, protocol: PredictionProtocol): PredictionPair {
  if (protocol !== 'spider') return pair;
  return { ...pair, predicted: pair.predicted.replaceAll('value', '1') };
}

const OF_PREDICTION_FILE: readonly ProblemKind[] = ['value-replaced', 'soft-f1-unknown', 'not-timed'];

export async function evaluatePredictions(
  options: EvaluatePredictionsOptions,
): Promise<PredictionEvaluation> {
  const { files, protocol, difficulties, ves, neighbours } = options;
  const problems = [...files.problems];
  const report: Report = ({ line }, kind, message) => {
    const file = OF_PREDICTION_FILE.includes(kind) ? files.predictionFile : files.goldFile;
    problems.push({ kind, file, line, message });
  };
  const asRead = files.pairs.map((given) => {
    const pair = asProtocolReads(given, protocol);
    if (pair.predicted !== given.predicted)
      report(pair, 'value-replaced', 'the official script reads `value` as 1');
    return { pair, reading: once(() => readPair(pair, options, report)) };
  });
  const pairs = asRead.map(
    ({ pair, reading }): ExecutionPair => ({ ...pair, queries: () => reading().queries }),
  );
  // The sandbox starts its workers while the statements are read here.
  const judging = untilInterrupted(() => judgeAll(options, pairs), 'running', options.signal);
  const readings = asRead.map(({ reading }) => reading());
  const results = await judging;
  const matches = pairs.filter((pair) => results.get(pair)?.isMatch === true);
  const efficiencies =
    ves === undefined
      ? undefined
      : await timeMatches(matches, {
          ...options,
          ...ves,
          onFailed: (pair, message) => report(pair, 'not-timed', message),
        });
  const agreements =
    neighbours === undefined
      ? undefined
      : await askNeighbours(matches, {
          ...options,
          ...neighbours,
          all: pairs.filter(({ isUsable }) => isUsable),
          onFailed: (pair, message) => report(pair, 'no-neighbours', message),
        });
  const verdicts = pairs.map((pair, at): PredictionVerdict => {
    const { row, databaseId } = pair;
    const result = results.get(pair);
    if (result?.problem !== undefined) report(pair, result.problem.kind, result.problem.message);
    const { queries, ...rest } = readings[at]!;
    const isMatch = result?.isMatch ?? false;
    const agreement = agreements?.get(pair) ?? null;
    // What could not be asked counts as wrong, like everything that cannot be judged.
    const isRefuted = agreements !== undefined && (agreement === null || agreement.match === false);
    return {
      row,
      databaseId,
      ...rest,
      isExecutionMatch: isMatch && !isRefuted,
      agreement,
      difficulty: difficulties?.get(row) ?? null,
      softF1: protocol === 'bird' ? (result?.softF1 ?? 0) : null,
      efficiency: efficiencies === undefined ? null : (efficiencies.get(pair) ?? NOT_EFFICIENT),
    };
  });
  return { verdicts, problems };
}
