/**
 * A model trained from nothing on a published set, by the set's own split, and judged on a part that it was not trained on.
 * The gold statements are said in their short form first; a set without a database is judged by exact match alone.
 */
import { join } from 'node:path';
import { createPolicyPredictor } from '../../agents/policy-predictor.ts';
import { type Example, tagValue } from '../../data/example.ts';
import { writeGoldDatabase } from '../../data/gold-database.ts';
import { type SqlFeature, sqlFeatures } from '../../data/sql-features.ts';
import { synthesize } from '../../data/synthesis/synthesize.ts';
import type { Sandbox } from '../../database/sandbox.ts';
import { type Evaluation, evaluateSet } from '../../evaluation/evaluate.ts';
import { isExactMatch } from '../../evaluation/exact-match.ts';
import { exactMatchJudge } from '../../evaluation/exact-match-judge.ts';
import { sandboxJudge } from '../../evaluation/sandbox-judge.ts';
import { loadSuite, type SuiteAddress } from '../../evaluation/suites/load-suite.ts';
import { problemText, type Suite } from '../../evaluation/suites/suite.ts';
import type { Judge } from '../../evaluation/verdict.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { Observe } from '../../foundation/events.ts';
import { type RewardFunction, single } from '../../rewards/reward.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import { normalForm } from '../../schema/syntax/normal-form.ts';
import { loadParser } from '../../schema/syntax/parser.ts';
import { inSchemaCase, singleQuoted } from '../../schema/syntax/short-form.ts';
import { runPaths } from '../../training/checkpoint.ts';
import { trainGrpo } from '../../training/grpo.ts';
import { trainSft } from '../../training/sft.ts';
import type { ExistingRun } from '../../training/training-run.ts';
import type { Workspace } from '../project.ts';
import type { Recipe } from '../recipe.ts';
import type { OpenedDatabase } from './database.ts';
import { reportedRows } from './evaluation.ts';
import { inspectStatements } from './inspect-statements.ts';
import { completeModels, createModel, type Model, openModel, rememberStart } from './model.ts';
import { executionRewardOf } from './reward.ts';
import { refuseIfAborted } from './training.ts';

export interface SuiteTraining {
  readonly address: SuiteAddress;
  /** What the model is judged on: `test` trains on `train` and `dev`, `dev` on `train` alone. */
  readonly part: 'dev' | 'test';
  readonly recipe: Recipe;
  /** Everything of this run: database, models, curves. */
  readonly directory: string;
  readonly databases: string | undefined;
  readonly existing: ExistingRun;
  readonly sandbox: Sandbox;
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

export interface SuiteOutcome {
  readonly name: string;
  /** False where there is no database: EX is then the same as EM. */
  readonly isExecuted: boolean;
  readonly trainingCount: number;
  readonly evaluations: readonly { readonly label: string; readonly evaluation: Evaluation }[];
  readonly model: string;
}

const startAgain = 'Start it again: it takes minutes.';
const trainedParts = { dev: ['train'], test: ['train', 'dev'] } as const;

async function loadPart(run: SuiteTraining, part: string): Promise<Suite> {
  const { address, databases } = run;
  const source = { ...address, part, databaseId: 'suite', ...(databases === undefined ? {} : { databases }) };
  const suite = await loadSuite(source);
  const [problem] = suite.problems;
  if (problem !== undefined) {
    run.observe({
      type: 'warning',
      code: 'suite/problems',
      message: `${suite.name}: ${suite.problems.length} problems, the first: ${problemText(problem)}`,
    });
  }
  return suite;
}

/** Gold statements in one form, with the names of the schema. */
function trainable({ examples, doubleQuotedStrings }: Suite, { schema }: OpenedDatabase): Example[] {
  return examples.map((example) => {
    const sql = doubleQuotedStrings ? singleQuoted(example.sql) : example.sql;
    return { ...example, sql: normalForm(inSchemaCase(sql, schema)) };
  });
}

interface OpenedSuite {
  readonly database: OpenedDatabase;
  readonly isExecuted: boolean;
}

/** The set's own database, or one made of what the statements trained on name. */
async function openSuiteDatabase(run: SuiteTraining, trained: readonly Suite[]): Promise<OpenedSuite> {
  const ids = new Set(trained.flatMap(({ examples }) => examples.map(({ databaseId }) => databaseId)));
  const [databaseId] = ids;
  if (databaseId === undefined || ids.size > 1) {
    throw new QuerentError('suite/databases', `the part to train on asks ${ids.size} databases`, {
      next: 'A fresh model learns one database: name a set over one.',
    });
  }
  const own = trained[0]!.databasePathOf(databaseId);
  const path = own ?? join(run.directory, 'gold.sqlite');
  if (own === undefined) {
    const golds = trained.flatMap(({ examples }) => examples.map(({ sql }) => sql));
    await writeGoldDatabase(path, golds.map(singleQuoted));
  }
  return {
    database: { path, schema: await introspectSqlite(path, { databaseId }) },
    isExecuted: own !== undefined,
  };
}

/** What the published statements say in a form of their own (rankings, joins) is not made up beside them. */
const plainIntents = new Set(['lookup', 'list', 'count', 'aggregate', 'distinct']);
const plainFeatures: ReadonlySet<SqlFeature> = new Set<SqlFeature>(['aggregate', 'distinct']);
/** Most of what is drawn is not as plain as that. */
const drawnPerLookup = 5;

/** Plain questions about single tables, so that a column that no published question asks for is known all the same. */
async function schemaLookups(run: SuiteTraining, { path, schema }: OpenedDatabase): Promise<Example[]> {
  const { recipe, sandbox, observe, signal } = run;
  const { lookups } = recipe.suite;
  if (lookups === 0) return [];
  const { parts } = await synthesize({
    schema,
    seed: recipe.data.seed,
    analysisShare: 0,
    counts: { train: drawnPerLookup * lookups, rl: 0, phrasings: 0, shapes: 0 },
    executeAll: (statements) => Promise.all(statements.map((sql) => sandbox.execute(path, sql))),
    observe,
    signal,
  });
  const plain = parts.train.filter((example) => plainIntents.has(tagValue(example, 'intent') ?? ''));
  return plain
    .filter(({ sql }) => sqlFeatures(sql).every((feature) => plainFeatures.has(feature)))
    .slice(0, lookups);
}

/** Scores by what the statement says, for sets without a database. */
const exactMatchReward: RewardFunction = {
  name: 'exact-match',
  score: async (items) =>
    items.map(({ example, completion }) =>
      single('exact_match', isExactMatch(completion.sql, example.sql) ? 1 : 0),
    ),
};

/** How statements of one suite are judged, rewarded and looked at before one is the answer. */
interface Judging {
  readonly judge: Judge;
  readonly reward: RewardFunction;
  readonly inspect: ReturnType<typeof inspectStatements>;
}

function judgingOf({ sandbox }: SuiteTraining, { database, isExecuted }: OpenedSuite): Judging {
  const inspect = inspectStatements(sandbox, database);
  if (isExecuted) {
    const judge = sandboxJudge(sandbox, database.path, { previewRows: reportedRows });
    return { judge, reward: executionRewardOf(sandbox, database.path), inspect };
  }
  return {
    judge: exactMatchJudge,
    reward: exactMatchReward,
    // Whether it finds anything says nothing there.
    inspect: async (statements) => (await inspect(statements)).map((doubt) => (doubt === null ? null : 0)),
  };
}

/** What the stages of one run share. */
interface SuiteRun extends SuiteTraining {
  readonly name: string;
  readonly opened: OpenedSuite;
  readonly judging: Judging;
  /** Published pairs to train on. */
  readonly published: readonly Example[];
  readonly judged: readonly Example[];
}

function evaluateOn(run: SuiteRun, label: string, { policy, format }: Model): Promise<Evaluation> {
  const { judging, opened, recipe, name, observe, signal } = run;
  const { maxNewTokens } = recipe.evaluation;
  const { inspect, judge } = judging;
  const { schema } = opened.database;
  const predictor = createPolicyPredictor({
    ...{ name: label, policy, format, maxNewTokens, inspect },
    ownsPolicy: false,
  });
  const what = { predictor, set: name, examples: run.judged, judge, schema };
  return evaluateSet({ ...what, stage: label, observe, signal });
}

async function trainFirst(run: SuiteRun): Promise<Evaluation> {
  const { recipe, published, opened, directory, observe, signal, existing } = run;
  const { database } = opened;
  const runDirectory = join(directory, 'sft');
  const repeated = Array.from({ length: recipe.suite.repeats }, () => published).flat();
  const examples = [...repeated, ...(await schemaLookups(run, database))];
  const workspace = workspaceOf(run, database);
  const model = await createModel({ recipe, workspace, database, examples, runDirectory });
  try {
    const { policy, format } = model;
    const config = recipe.sft;
    const what = { policy, format, examples, validation: [], config, runDirectory };
    refuseIfAborted(await trainSft({ ...what, existing, observe, signal }), startAgain);
    await completeModels(runDirectory);
    return await evaluateOn(run, 'sft', model);
  } finally {
    await model.policy.close();
  }
}

async function trainFurther(run: SuiteRun, from: string): Promise<Evaluation> {
  const { recipe, published, opened, judging, directory, observe, signal, existing } = run;
  const { database } = opened;
  const runDirectory = join(directory, 'grpo');
  await rememberStart(from, runDirectory, { database, recipe });
  const withoutDropout = { ...recipe, model: { ...recipe.model, dropout: 0 } };
  const model = await openModel({ directory: from, database, observe, recipe: withoutDropout });
  try {
    const { policy, format } = model;
    const { reward } = judging;
    const config = recipe.grpo;
    const what = { policy, format, reward, examples: published, replay: published, config, runDirectory };
    refuseIfAborted(await trainGrpo({ ...what, existing, observe, signal }), startAgain);
    await completeModels(runDirectory);
    return await evaluateOn(run, 'grpo', model);
  } finally {
    await model.policy.close();
  }
}

export async function trainOnSuite(training: SuiteTraining): Promise<SuiteOutcome> {
  const { recipe, part, directory } = training;
  await loadParser();
  const suite = await loadPart(training, part);
  const trained = await Promise.all(trainedParts[part].map((name) => loadPart(training, name)));
  const opened = await openSuiteDatabase(training, trained);
  const run: SuiteRun = {
    ...training,
    name: suite.name,
    opened,
    judging: judgingOf(training, opened),
    published: trained.flatMap((one) => trainable(one, opened.database)),
    judged: trainable(suite, opened.database),
  };
  const evaluations = [{ label: 'sft', evaluation: await trainFirst(run) }];
  let model = runPaths(join(directory, 'sft')).final;
  if (recipe.grpo.maxSteps !== undefined) {
    evaluations.push({ label: 'grpo', evaluation: await trainFurther(run, model) });
    model = runPaths(join(directory, 'grpo')).final;
  }
  const { isExecuted } = opened;
  return { name: suite.name, isExecuted, trainingCount: run.published.length, evaluations, model };
}

/** No project: the words of the schema and today's date are unknown. */
function workspaceOf({ directory, recipe }: SuiteTraining, { path, schema }: OpenedDatabase): Workspace {
  return {
    isDemo: false,
    directory,
    databasePath: path,
    databaseId: schema.databaseId,
    schemaHash: undefined,
    seed: recipe.seed,
    today: undefined,
    synonymsPath: undefined,
    dataDirectory: directory,
    runsDirectory: directory,
  };
}
