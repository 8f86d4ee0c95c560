/**
 * Sets of questions over one or many databases, evaluated with whoever answers: each database's questions together, the
 * results in the order of the set. Knows sandboxes, databases and the journal; does not know where answers come from.
 */
import type { Example } from '../../data/example.ts';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { type Evaluation, evaluateSet, evaluationOf, metricsOf } from '../../evaluation/evaluate.ts';
import type { Journal } from '../../evaluation/journal.ts';
import type { CandidateOptions } from '../../evaluation/judged-batch.ts';
import { sandboxJudge } from '../../evaluation/sandbox-judge.ts';
import type { SampledItem } from '../../evaluation/selection/pass-at-k.ts';
import { resultKey } from '../../evaluation/selection/result-key.ts';
import type { Observe } from '../../foundation/events.ts';
import type { EvaluatedSet, SourceKeeper } from './candidate-sources.ts';
import type { OpenedDatabase } from './database.ts';
import { reportedRows } from './evaluation.ts';
import { executionRewardOf } from './reward.ts';

export interface SetsRun {
  readonly label: string;
  readonly keeper: SourceKeeper;
  readonly journal: Journal;
  readonly candidates: CandidateOptions;
  readonly passAt: readonly number[];
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

async function evaluateOne(run: SetsRun, set: EvaluatedSet, sandbox: Sandbox): Promise<Evaluation> {
  const { candidates, observe, label } = run;
  const items = new Map<Example, SampledItem>();
  for (const databaseId of new Set(set.examples.map((example) => example.databaseId))) {
    const database = await set.databaseOf(databaseId);
    const part = await evaluateSet({
      predictor: await run.keeper.sourceFor(set, database, sandbox),
      set: set.name,
      examples: set.examples.filter((example) => example.databaseId === databaseId),
      judge: sandboxJudge(sandbox, database.path, { previewRows: reportedRows }),
      schema: database.schema,
      doubleQuotedStrings: set.doubleQuotedStrings,
      reward: executionRewardOf(sandbox, database.path),
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
    try {
      evaluations.push(await evaluateOne(run, set, sandbox));
    } finally {
      await sandbox.close();
    }
  }
  return evaluations;
}
