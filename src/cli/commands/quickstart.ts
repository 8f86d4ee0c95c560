/** `querent quickstart`: the whole way on the ERP demonstration. */
import { rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { QuerentError } from '../../foundation/errors.ts';
import { fanOut } from '../../foundation/events.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { openWorkspace, type Workspace } from '../project.ts';
import { type QuickstartResult, quickstartResult, writeQuickstartReport } from '../quickstart/result.ts';
import { runStages, stageLabels } from '../quickstart/stages.ts';
import { loadRecipe, type PresetName, presetNames, type Recipe } from '../recipe.ts';
import { textTable } from '../table.ts';
import { createJsonlSink } from '../terminal/jsonl-sink.ts';
import { duration, percent } from '../terminal/live-line.ts';
import { findModel } from '../wiring/find-model.ts';
import { withSandbox } from '../wiring/sandbox.ts';
import { collect, withCommon } from './options.ts';

interface QuickstartCommandOptions extends CommonOptions {
  readonly preset: PresetName;
  readonly config?: string;
  readonly set: readonly string[];
  readonly run?: string;
  readonly resume?: boolean;
}

export function addQuickstart(program: Command, run: RunCommand): void {
  const command = program
    .command('quickstart')
    .description(
      'From the ERP demonstration database to a trained model: examples, SFT, GRPO, evaluation, report. With --json the last line holds EX on unseen phrasings a stage, and every set.',
    )
    .addOption(new Option('--preset <name>', 'how much').choices(presetNames).default('default'))
    .option('--config <file>', 'recipe on top of the preset, YAML or JSON')
    .option(
      '--set <key=value>',
      'one setting on top, for example grpo.groupSize=16 (repeatable)',
      collect,
      [],
    )
    .option('--run <directory>', 'where everything of the run goes (default: quickstart/ in the runs folder)')
    .option('--resume', 'go on with an interrupted run');
  withCommon(command, [
    ['querent quickstart', 'about seven minutes on two cores'],
    ['querent quickstart --preset minimal', 'about a minute: shows that everything works'],
    [
      'querent quickstart --preset full --config recipes/shipped.yaml --run runs/shipped',
      'the last run of the shipped model, from the model of the run before',
    ],
    ['querent quickstart --set seed=7 --json', 'another seed, figures as one JSON line'],
  ]).action((options: QuickstartCommandOptions) => run(options, (context) => quickstart(context, options)));
}

async function quickstart(context: CommandContext, options: QuickstartCommandOptions): Promise<undefined> {
  const startedAt = performance.now();
  const recipe = await loadRecipe(options.preset, { configPath: options.config, overrides: options.set });
  const workspace = await openWorkspace(context.directory);
  const { workingDirectory } = context.io;
  const directory =
    options.run === undefined
      ? join(workspace.runsDirectory, 'quickstart')
      : resolve(workingDirectory, options.run);
  const isResumed = options.resume === true;
  const startModel = startModelOf(recipe, workspace, { workingDirectory, directory });
  if (!isResumed)
    for (const part of ['sft', 'grpo']) await rm(join(directory, part), { recursive: true, force: true });
  const observe = fanOut(context.observe, createJsonlSink(join(directory, 'events.jsonl')));
  const outcome = await withSandbox((sandbox) =>
    runStages({
      ...{ recipe, workspace, directory, sandbox, observe, signal: context.signal },
      startModel,
      existing: isResumed ? 'resume' : 'overwrite',
    }),
  );
  const result = quickstartResult(outcome, {
    seconds: (performance.now() - startedAt) / 1000,
    peakRssMb: process.resourceUsage().maxRSS / 1024,
  });
  const paths = await writeQuickstartReport({ directory, recipe, outcome, result });
  const model = relative(workingDirectory, outcome.model);
  context.print(stagesTable(result));
  context.print(
    `${duration(result.seconds * 1000)}, ${result.peakRssMb} MB at most, ${percent(result.validity)} valid, ${result.inventedIdentifiers} invented identifiers`,
  );
  context.print(`report: ${relative(workingDirectory, paths.html)}`);
  context.print(`next: querent ask --model ${model} "Which five projects have the largest budget?"`);
  if (context.json) context.printJson(result);
  return undefined;
}

/** The directory of the model that the recipe starts from; refused where the new run would delete it. */
function startModelOf(
  { model }: Recipe,
  workspace: Workspace,
  { workingDirectory, directory }: { readonly workingDirectory: string; readonly directory: string },
): string | undefined {
  if (model.from === undefined) return undefined;
  const found = resolve(workingDirectory, findModel(workspace, model.from, workingDirectory));
  if (relative(directory, found).startsWith('..')) return found;
  throw new QuerentError(
    'usage/model-in-run',
    `model.from (${model.from}) lies in the run that would replace it`,
    {
      next: 'Name another folder for this run, for example --run runs/second.',
    },
  );
}

function stagesTable({ sets }: QuickstartResult): string {
  const rows = Object.entries(sets).map(([name, set]) => [
    name,
    String(set.total),
    ...stageLabels.map((label) => (set[label] === undefined ? '' : percent(set[label]))),
  ]);
  return textTable(['set', 'questions', 'EX base', 'EX after SFT', 'EX after GRPO'], rows, {
    alignRight: [false, true, true, true, true],
  });
}
