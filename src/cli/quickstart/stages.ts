/**
 * The whole way from database to a trained model, as a list of stages that can be read aloud:
 * database, data, model, evaluate (base), SFT, evaluate, GRPO, evaluate, report.
 */
import { join } from 'node:path';
import type { Example } from '../../data/example.ts';
import { withoutQuestionsOf, withoutShapesOf } from '../../data/held-out.ts';
import type { Sandbox } from '../../database/sandbox.ts';
import type { NamedEvaluation } from '../../evaluation/compare.ts';
import type { Observe } from '../../foundation/events.ts';
import { writeFileAtomic } from '../../foundation/files.ts';
import { runPaths } from '../../training/checkpoint.ts';
import type { ExistingRun } from '../../training/training-run.ts';
import type { Workspace } from '../project.ts';
import type { Recipe } from '../recipe.ts';
import {
  defaultTestSets,
  inStyle,
  loadCurated,
  loadSet,
  saveParts,
  synthesizeParts,
} from '../wiring/data.ts';
import { type OpenedDatabase, openDatabase } from '../wiring/database.ts';
import { evaluateModel, type NamedSet, reportedRows } from '../wiring/evaluation.ts';
import { completeModels, createModel, type Model, openModel, rememberStart } from '../wiring/model.ts';
import { runGrpo, runSft, type StageRun, splitValidation } from '../wiring/training.ts';

export interface QuickstartOptions {
  readonly recipe: Recipe;
  readonly workspace: Workspace;
  /** Everything of this run: data, models, report. */
  readonly directory: string;
  readonly existing: Exclude<ExistingRun, 'refuse'>;
  readonly sandbox: Sandbox;
  readonly observe: Observe;
  readonly signal: AbortSignal;
  /** The directory of the model to start from; undefined: fresh weights. */
  readonly startModel: string | undefined;
}

export interface QuickstartOutcome {
  readonly evaluations: readonly NamedEvaluation[];
  readonly model: string;
}

export const stageLabels = ['base', 'sft', 'grpo'] as const;

export async function runStages(options: QuickstartOptions): Promise<QuickstartOutcome> {
  const { recipe, workspace, directory, observe, startModel } = options;
  await writeFileAtomic(join(directory, 'recipe.json'), `${JSON.stringify(recipe, null, 2)}\n`);
  const stage = stageRunner(observe);
  const sftRun = join(directory, 'sft');
  const grpoRun = join(directory, 'grpo');

  const database = await openDatabase(workspace, observe);
  const data = await stage('data', 'Make examples: synthesise, execute, split', () =>
    prepareData(options, database),
  );
  const evaluate = async (label: string, model: Model): Promise<NamedEvaluation[]> =>
    stage(`evaluate-${label}`, `Evaluate: ${label}`, () =>
      evaluateStage(options, database, data.tests, label, model),
    );

  const first =
    startModel === undefined
      ? await stage('model', 'Make a small model with fresh weights', () =>
          createModel({ recipe, workspace, database, examples: data.vocabulary, runDirectory: sftRun }),
        )
      : await stage('model', `Open the model to start from: ${startModel}`, async () => {
          await rememberStart(startModel, sftRun, { database, recipe });
          return openModel({ directory: startModel, database, observe, recipe });
        });
  const base = await withPolicy(first, async (model) => {
    const before = await evaluate('base', model);
    const run = stageRun(options, database, model, data, data.train, sftRun);
    await stage('sft', 'SFT: learn to write the gold SQL', () => runSft(run));
    await completeModels(sftRun);
    return before;
  });

  // GRPO starts from the files of the SFT model, as anybody would start it: no moments, no state carried over.
  const sftModel = runPaths(sftRun).final;
  await rememberStart(sftModel, grpoRun, { database, recipe });
  const trained = await openModel({ directory: sftModel, database, observe, recipe: withoutDropout(recipe) });
  const later = await withPolicy(trained, async (model) => {
    const afterSft = await evaluate('sft', model);
    const run = { ...stageRun(options, database, model, data, data.practice, grpoRun), replay: data.train };
    await stage('grpo', 'GRPO: learn from the rows that its queries return', () => runGrpo(run));
    await completeModels(grpoRun);
    return [...afterSft, ...(await evaluate('grpo', model))];
  });
  return { evaluations: [...base, ...later], model: runPaths(grpoRun).final };
}

/** The sampler and the trainer must see one model: dropout belongs to SFT alone. */
function withoutDropout(recipe: Recipe): Recipe {
  return { ...recipe, model: { ...recipe.model, dropout: 0 } };
}

function stageRunner(observe: Observe) {
  return async <T>(stage: string, title: string, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    observe({ type: 'stage-start', stage, title });
    const result = await work();
    observe({ type: 'stage-end', stage, title, elapsedMs: performance.now() - startedAt });
    return result;
  };
}

async function withPolicy<T>(model: Model, work: (model: Model) => Promise<T>): Promise<T> {
  try {
    return await work(model);
  } finally {
    await model.policy.close();
  }
}

interface QuickstartData {
  readonly train: readonly Example[];
  /** For GRPO: phrasings that SFT has not seen. */
  readonly practice: readonly Example[];
  readonly validation: readonly Example[];
  readonly vocabulary: readonly Example[];
  readonly tests: readonly NamedSet[];
}

async function prepareData(options: QuickstartOptions, database: OpenedDatabase): Promise<QuickstartData> {
  const { recipe, directory, sandbox, observe, signal } = options;
  const workspace: Workspace = { ...options.workspace, dataDirectory: join(directory, 'data') };
  const { data } = recipe;
  const outcome = await synthesizeParts({ workspace, database, sandbox, data, observe, signal });
  await saveParts(workspace, outcome, { schemaHash: database.schema.hash, data });
  const curated = await loadCurated(workspace, data.curated);
  const { practice, validation } = splitValidation(outcome.parts.rl, recipe.evaluation.validationSize);
  const tests: NamedSet[] = [];
  for (const name of defaultTestSets(workspace))
    tests.push([name, await loadSet(workspace, name, directory)]);
  const unseen = withoutShapesOf(outcome.parts.shapes, curated);
  const repeated = Array.from({ length: data.curatedRepeats }, () => unseen).flat();
  const notTested = (examples: readonly Example[]): readonly Example[] =>
    withoutQuestionsOf(
      tests.map(([, set]) => set),
      examples,
    );
  const train = inStyle(data, notTested([...outcome.parts.train, ...repeated]));
  return {
    train,
    practice: notTested(practice),
    validation,
    vocabulary: [...train, ...outcome.parts.rl],
    tests,
  };
}

function stageRun(
  options: QuickstartOptions,
  database: OpenedDatabase,
  model: Model,
  data: QuickstartData,
  examples: readonly Example[],
  runDirectory: string,
): StageRun {
  const { recipe, sandbox, existing, observe, signal } = options;
  const { validation } = data;
  return { model, recipe, examples, validation, database, sandbox, runDirectory, existing, observe, signal };
}

async function evaluateStage(
  options: QuickstartOptions,
  database: OpenedDatabase,
  tests: readonly NamedSet[],
  label: string,
  { policy, format }: Model,
): Promise<NamedEvaluation[]> {
  const { sandbox, observe, signal, recipe, startModel } = options;
  const { maxNewTokens } = recipe.evaluation;
  // Fresh weights write nothing that could be repaired.
  const repair = label === 'base' && startModel === undefined ? { repairSamples: 0 } : {};
  const what = { label, policy, format, database, sandbox, maxNewTokens, ...repair };
  const run = { ...what, previewRows: reportedRows, observe, signal };
  return (await evaluateModel(run, tests)).map((evaluation) => ({ label, evaluation }));
}
