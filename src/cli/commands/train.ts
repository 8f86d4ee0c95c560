/** `querent train sft|grpo`: one training stage on the project's examples. */
import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Example } from '../../data/example.ts';
import { readExamples } from '../../data/example-file.ts';
import { withoutQuestionsOf, withoutShapesOf } from '../../data/held-out.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { latestCheckpoint, runPaths } from '../../training/checkpoint.ts';
import type { ExistingRun, TrainingResult } from '../../training/training-run.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { openWorkspace, type Workspace } from '../project.ts';
import { loadRecipe, type Recipe } from '../recipe.ts';
import { liveLine } from '../terminal/live-line.ts';
import { availableSets, inStyle, loadCurated, loadSet, loadTests } from '../wiring/data.ts';
import { type OpenedDatabase, openDatabase } from '../wiring/database.ts';
import { findModel, grpoRunDirectory, sftRunDirectory } from '../wiring/find-model.ts';
import {
  completeModels,
  createModel,
  type Model,
  openCheckpoint,
  openModel,
  rememberStart,
} from '../wiring/model.ts';
import { openRemoteModel, remoteToken } from '../wiring/remote-policy.ts';
import { withSandbox } from '../wiring/sandbox.ts';
import { runGrpo, runSft, type StageRun, splitValidation } from '../wiring/training.ts';
import { collect, withCommon } from './options.ts';
import { addTrainSuite } from './train-suite.ts';

interface TrainOptions extends CommonOptions {
  readonly config?: string;
  readonly set: readonly string[];
  readonly examples: readonly string[];
  readonly model?: string;
  readonly policy?: string;
  readonly policyModel?: string;
  readonly run?: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
}

type Stage = 'sft' | 'grpo';

export function addTrain(program: Command, run: RunCommand): void {
  const train = program.command('train').description('Train a model on the examples of the project.');
  const stage = (name: Stage, description: string, modelHelp: string): Command =>
    train
      .command(name)
      .description(description)
      .option('--config <file>', 'recipe, YAML or JSON')
      .option(
        '--set <key=value>',
        `one setting, for example ${name}.learningRate=0.001 (repeatable)`,
        collect,
        [],
      )
      .option(
        '--examples <file>',
        'JSONL of your own instead of the synthesised part (repeatable)',
        collect,
        [],
      )
      .option('--model <directory>', modelHelp)
      .option('--policy <url>', 'train on this server of the Tinker API, see `querent worker start`')
      .option('--policy-model <name>', 'the model of that server, where it has several')
      .option('--run <directory>', `folder of the run (default: ${name} in the runs folder)`)
      .option('--resume', 'go on with the run of that folder, exactly where it stopped')
      .option('--overwrite', 'delete the run of that folder first');
  withCommon(
    stage(
      'sft',
      'Supervised fine-tuning: learn to write the gold SQL.',
      'start from this model (default: a fresh one)',
    ),
    [
      ['querent train sft', 'a fresh small model on the synthesised examples'],
      ['querent train sft --set sft.maxSeconds=600', 'for ten minutes'],
      ['querent train sft --resume', 'after Ctrl-C or a crash'],
    ],
  ).action((options: TrainOptions) => run(options, (context) => trainStage(context, 'sft', options)));
  withCommon(
    stage(
      'grpo',
      'GRPO: sample answers, run them, learn from which ones return the right rows.',
      'start from this model (default: the SFT run)',
    ),
    [
      ['querent train grpo', 'from runs/sft'],
      ['querent train grpo --set grpo.groupSize=16', 'sixteen samples a question'],
      ['querent train grpo --model runs/other --run runs/grpo-2', 'another start, another run'],
      ['querent train grpo --policy http://127.0.0.1:8788', 'on a GPU, through `querent worker start`'],
    ],
  ).action((options: TrainOptions) => run(options, (context) => trainStage(context, 'grpo', options)));
  addTrainSuite(train, run);
}

function existingRun({ resume, overwrite }: TrainOptions): ExistingRun {
  if (resume === true) return 'resume';
  return overwrite === true ? 'overwrite' : 'refuse';
}

interface StageExamples {
  readonly examples: readonly Example[];
  readonly validation: readonly Example[];
  /** Gold examples beside the practice of GRPO, where the recipe asks for them. */
  readonly replay?: readonly Example[];
  /** What the vocabulary of a fresh model is made from. */
  readonly vocabulary: readonly Example[];
}

async function loadStageExamples(
  context: CommandContext,
  workspace: Workspace,
  stage: Stage,
  options: TrainOptions,
  recipe: Recipe,
): Promise<StageExamples> {
  const { workingDirectory } = context.io;
  const rl = await loadSet(workspace, 'rl', workingDirectory);
  const { practice, validation } = splitValidation(rl, recipe.evaluation.validationSize);
  const own: Example[] = [];
  for (const file of options.examples) {
    own.push(...(await readExamples(resolve(workingDirectory, file), workspace.databaseId)));
  }
  const isShapes = availableSets(workspace).includes('shapes');
  const shapes = isShapes ? await loadSet(workspace, 'shapes', workingDirectory) : [];
  const curated = withoutShapesOf(shapes, await loadCurated(workspace, recipe.data.curated));
  const tests = await loadTests(workspace, workingDirectory);
  const notTested = (set: readonly Example[]): readonly Example[] =>
    inStyle(recipe.data, withoutQuestionsOf(tests, set));
  if (stage === 'grpo') {
    const examples = notTested(own.length > 0 ? own : practice);
    if (recipe.grpo.replayExamples === 0) return { examples, validation, vocabulary: [] };
    const replay = notTested([...(await loadSet(workspace, 'train', workingDirectory)), ...curated]);
    return { examples, replay, validation, vocabulary: [] };
  }
  const synthesised = own.length > 0 ? own : await loadSet(workspace, 'train', workingDirectory);
  const examples = notTested([...synthesised, ...curated]);
  return { examples, validation, vocabulary: [...examples, ...rl] };
}

async function trainStage(context: CommandContext, stage: Stage, options: TrainOptions): Promise<undefined> {
  const { observe, signal, io } = context;
  const workspace = await openWorkspace(context.directory);
  const recipe = await loadRecipe(undefined, {
    base: { seed: workspace.seed },
    configPath: options.config,
    overrides: options.set,
  });
  const defaultRun = stage === 'sft' ? sftRunDirectory(workspace) : grpoRunDirectory(workspace);
  const runDirectory = options.run === undefined ? defaultRun : resolve(io.workingDirectory, options.run);
  const data = await loadStageExamples(context, workspace, stage, options, recipe);
  const database = await openDatabase(workspace, observe);
  const model = await startModel({
    context,
    workspace,
    database,
    recipe,
    stage,
    options,
    runDirectory,
    data,
  });
  try {
    const result = await withSandbox((sandbox) => {
      const { examples, validation, replay } = data;
      const existing = existingRun(options);
      const run: StageRun = {
        ...{
          isRemote: options.policy !== undefined,
          model,
          recipe,
          examples,
          validation,
          database,
          sandbox,
          runDirectory,
          existing,
          observe,
          signal,
        },
        ...(replay === undefined ? {} : { replay }),
      };
      return stage === 'sft' ? runSft(run) : runGrpo(run);
    });
    await completeModels(runDirectory);
    report(context, result, runDirectory);
  } finally {
    await model.policy.close();
  }
  return undefined;
}

interface StartOptions {
  readonly context: CommandContext;
  readonly workspace: Workspace;
  readonly database: OpenedDatabase;
  readonly recipe: Recipe;
  readonly stage: Stage;
  readonly options: TrainOptions;
  readonly runDirectory: string;
  readonly data: StageExamples;
}

/** The checkpoint of a run that goes on, else the named model, else (SFT) a fresh one or (GRPO) the SFT run's. */
async function startModel(start: StartOptions): Promise<Model> {
  const { context, workspace, database, recipe, stage, options, runDirectory, data } = start;
  const opening = { database, recipe, observe: context.observe };
  const checkpoint = options.resume === true ? await latestCheckpoint(runDirectory) : undefined;
  if (options.policy !== undefined) return startRemote(start, options.policy, checkpoint !== undefined);
  if (checkpoint !== undefined) return openCheckpoint(checkpoint, runDirectory, opening);
  refuseExistingRun(runDirectory, options);
  const from = options.model ?? recipe.model.from;
  if (from === undefined && stage === 'sft') {
    return createModel({ recipe, workspace, database, examples: data.vocabulary, runDirectory });
  }
  const named = from ?? relative(context.io.workingDirectory, sftRunDirectory(workspace));
  const directory = findModel(workspace, named, context.io.workingDirectory);
  await rememberStart(directory, runDirectory, opening);
  return openModel({ ...opening, directory });
}

/** The directory of the named model gives tokenizer and prompts; the server has the weights. */
async function startRemote(start: StartOptions, url: string, isResumed: boolean): Promise<Model> {
  const { context, workspace, database, recipe, options, runDirectory } = start;
  if (recipe.model.growTo !== undefined) {
    throw new QuerentError('cli/grow-elsewhere', 'model.growTo is for models that train in this process', {
      next: 'Leave model.growTo out: the server at --policy has the model.',
    });
  }
  if (!isResumed) refuseExistingRun(runDirectory, options);
  const named = options.model ?? recipe.model.from;
  const directory = findModel(workspace, named, context.io.workingDirectory);
  if (!isResumed) await rememberStart(directory, runDirectory, { database, recipe });
  return openRemoteModel({
    url,
    baseModel: options.policyModel,
    token: remoteToken(context.io.env),
    directory,
    runDirectory,
    isResumed,
    recipe,
    database,
    observe: context.observe,
    signal: context.signal,
  });
}

/** Before anything is made beside the run: the trainer would refuse too, but later. */
function refuseExistingRun(runDirectory: string, options: TrainOptions): void {
  if (options.resume === true || options.overwrite === true || !existsSync(runDirectory)) return;
  throw new QuerentError('training/run-exists', `${runDirectory} already holds a run`, {
    next: 'Add --resume to go on with it, --overwrite to delete it, or --run DIRECTORY for another one.',
  });
}

function report(context: CommandContext, result: TrainingResult, runDirectory: string): void {
  const { stage, steps, stopReason, best, lastMetrics } = result;
  const { final, curves, metrics } = runPaths(runDirectory);
  const bestText = best === null ? '' : `, best ${best.value.toFixed(4)} at step ${best.step}`;
  context.print(`${stage}: ${steps} steps, ${stopReason.replace('-', ' ')}${bestText}`);
  context.print(liveLine(lastMetrics));
  context.print(`model: ${final}\ncurves: ${curves}`);
  context.print(stage === 'sft' ? 'next: querent train grpo' : 'next: querent ask "…", or querent evaluate');
  if (context.json) context.printJson({ ...result, model: final, curves, metrics });
}
