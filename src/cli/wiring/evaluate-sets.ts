/**
 * Sets of questions over one or many databases, evaluated with whoever answers: each database's questions together, the
 * results in the order of the set. Knows sandboxes, databases and the journal; does not know where answers come from.
 */
import type { Example } from '../../data/example.ts';
import type { AgreementJudge } from '../../data/neighbours/agreement.ts';
import { resultKey } from '../../database/comparison/result-key.ts';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import {
  type Evaluation,
  evaluateSet,
  evaluationOf,
  metricsOf,
  refuseIfAborted,
} from '../../evaluation/evaluate.ts';
import type { Journal } from '../../evaluation/journal.ts';
import type { CandidateOptions } from '../../evaluation/judged-batch.ts';
import { sandboxJudge } from '../../evaluation/sandbox-judge.ts';
import type { SampledItem } from '../../evaluation/selection/pass-at-k.ts';
import type { Observe } from '../../foundation/events.ts';
import type { EvaluatedSet, SourceKeeper } from './candidate-sources.ts';
import type { OpenedDatabase } from './database.ts';
import { reportedRows } from './evaluation.ts';
import { keepNeighbours, type NeighbourKeeper } from './neighbours.ts';
import { executionRewardOf } from './reward.ts';

export interface SetsRun {
  readonly label: string;
  readonly keeper: SourceKeeper;
  readonly journal: Journal;
  readonly candidates: CandidateOptions;
  readonly passAt: readonly number[];
  /** Of each database, on which an answer must be right too; 0 for none. */
  readonly neighbours: number;
  readonly batchSize: number;
  readonly parallel: number;
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

/** Rows that a vote compares at most. */
const VOTE_ROWS_MAX = 10_000;

/** Progress over the whole set, and one end, from those of its parts. */
function observePart(observe: Observe, before: number, total: number): Observe {
  return (event) => {
    if (event.type === 'progress') observe({ ...event, done: before + event.done, total });
    else if (event.type !== 'evaluation-end') observe(event);
  };
}

function resultKeys(sandbox: Sandbox, { path }: OpenedDatabase) {
  return (statements: readonly string[]): Promise<(string | null)[]> =>
    Promise.all(
      statements.map(async (sql) =>
        sql === '' ? null : resultKey(await sandbox.execute(path, sql, { maxRows: VOTE_ROWS_MAX })),
      ),
    );
}

/** By database; of all its questions, so that a limit does not change them. */
async function neighboursOf(
  { label, observe, signal }: SetsRun,
  set: EvaluatedSet,
  keeper: NeighbourKeeper,
): Promise<ReadonlyMap<string, AgreementJudge>> {
  const ids = [...new Set(set.examples.map(({ databaseId }) => databaseId))];
  const judges = new Map<string, AgreementJudge>();
  const advance = () =>
    observe({
      type: 'progress',
      stage: label,
      label: 'build neighbours',
      done: judges.size,
      total: ids.length,
    });
  advance();
  for (const id of ids) {
    refuseIfAborted(signal, set.name);
    const { path } = await set.databaseOf(id);
    const golds = set.all.filter(({ databaseId }) => databaseId === id).map(({ sql }) => sql);
    judges.set(id, await keeper.judgeOf(path, golds));
    advance();
  }
  return judges;
}

async function evaluateOne(
  run: SetsRun,
  set: EvaluatedSet,
  sandbox: Sandbox,
  judges: ReadonlyMap<string, AgreementJudge>,
): Promise<Evaluation> {
  const { candidates, observe, label } = run;
  const items = new Map<Example, SampledItem>();
  for (const databaseId of new Set(set.examples.map((example) => example.databaseId))) {
    const database = await set.databaseOf(databaseId);
    const neighbours = judges.get(databaseId);
    const part = await evaluateSet({
      predictor: await run.keeper.sourceFor(set, database, sandbox),
      set: set.name,
      examples: set.examples.filter((example) => example.databaseId === databaseId),
      judge: sandboxJudge(sandbox, database.path, {
        previewRows: reportedRows,
        ...(neighbours === undefined ? {} : { neighbours }),
      }),
      schema: database.schema,
      doubleQuotedStrings: set.doubleQuotedStrings,
      reward: executionRewardOf(sandbox, database.path, neighbours),
      candidates,
      ...(candidates.select === 'vote' ? { resultKeysOf: resultKeys(sandbox, database) } : {}),
      journal: run.journal.forSet(set.name),
      batchSize: run.batchSize,
      parallel: run.parallel,
      stage: label,
      observe: observePart(observe, items.size, set.examples.length),
      signal: run.signal,
    });
    for (const item of part.items) items.set(item.example, item);
  }
  const inOrder = set.examples.map((example) => items.get(example)!);
  const evaluation = evaluationOf(set.name, label, inOrder, run.passAt);
  observe({
    type: 'evaluation-end',
    stage: label,
    set: set.name,
    step: 0,
    metrics: metricsOf(evaluation.summary),
  });
  return evaluation;
}

export async function evaluateSets(run: SetsRun, sets: readonly EvaluatedSet[]): Promise<Evaluation[]> {
  const evaluations: Evaluation[] = [];
  for (const set of sets) {
    const sandbox = createSandbox({ doubleQuotedStrings: set.doubleQuotedStrings });
    const count = run.neighbours;
    const keeper = count === 0 ? undefined : await keepNeighbours({ sandbox, count });
    try {
      const judges = keeper === undefined ? new Map() : await neighboursOf(run, set, keeper);
      evaluations.push(await evaluateOne(run, set, sandbox, judges));
    } finally {
      await sandbox.close();
      await keeper?.close();
    }
  }
  return evaluations;
}
