/** `querent train suite`: a small model from nothing on a published set, judged on the part that its split keeps apart. */
import { join, relative, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { proportionText } from '../../evaluation/report/words.ts';
import { writeReport } from '../../evaluation/report/write-report.ts';
import { parseSuiteAddress } from '../../evaluation/suites/load-suite.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { codeVersion } from '../../training/code-version.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { loadRecipe } from '../recipe.ts';
import { textTable } from '../table.ts';
import { withSandbox } from '../wiring/sandbox.ts';
import { type SuiteOutcome, trainOnSuite } from '../wiring/suite-training.ts';
import { collect, withCommon } from './options.ts';

interface TrainSuiteOptions extends CommonOptions {
  readonly config?: string;
  readonly set: readonly string[];
  readonly run: string;
  readonly databases?: string;
}

export function addTrainSuite(train: Command, run: RunCommand): void {
  const command = train
    .command('suite')
    .argument(
      '<suite>',
      'the set and the part to judge: FILE#query/test; dev trains on train, test on train and dev',
    )
    .description(
      'A small model from nothing on a published set over one database: short gold statements, SFT, GRPO, EX and EM on the part that was kept apart.',
    )
    .option('--config <file>', 'recipe, YAML or JSON')
    .option('--set <key=value>', 'one setting, for example seed=2 (repeatable)', collect, [])
    .option('--databases <path>', 'where the database lies, if not beside the questions')
    .addOption(new Option('--run <directory>', 'where everything of the run goes').default('runs/suite'));
  withCommon(command, [
    [
      'querent train suite geography.json#question/dev --config recipes/geoquery.yaml',
      'GeoQuery, tuned on dev',
    ],
    [
      'querent train suite geography.json#query/test --config recipes/geoquery.yaml --json',
      'the figure to report',
    ],
    ['querent train suite atis.json#query/test --config recipes/atis.yaml --set seed=2', 'another seed'],
  ]).action((suite: string, options: TrainSuiteOptions) =>
    run(options, (context) => trainSuite(context, suite, options)),
  );
}

function figures({ evaluations }: SuiteOutcome) {
  return Object.fromEntries(
    evaluations.map(({ label, evaluation: { summary } }) => [
      label,
      { ex: summary.ex, em: summary.em, validity: summary.validity },
    ]),
  );
}

async function trainSuite(
  context: CommandContext,
  text: string,
  options: TrainSuiteOptions,
): Promise<undefined> {
  const startedAt = performance.now();
  const { workingDirectory } = context.io;
  const address = parseSuiteAddress(text);
  const { part } = address;
  if (part !== 'dev' && part !== 'test') {
    throw new QuerentError('usage/bad-suite', `${text} names no part to judge`, {
      next: 'Write it as FILE#question/dev, FILE#question/test, FILE#query/dev or FILE#query/test.',
    });
  }
  const configPath = options.config === undefined ? undefined : resolve(workingDirectory, options.config);
  const recipe = await loadRecipe(undefined, { configPath, overrides: options.set });
  const directory = resolve(workingDirectory, options.run);
  const outcome = await withSandbox((sandbox) =>
    trainOnSuite({
      address: { ...address, path: resolve(workingDirectory, address.path) },
      ...{ part, recipe, directory, sandbox },
      databases: options.databases === undefined ? undefined : resolve(workingDirectory, options.databases),
      existing: 'overwrite',
      observe: context.observe,
      signal: context.signal,
    }),
  );
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const paths = await writeReport(
    {
      title: `${outcome.name}, a small model from nothing`,
      facts: {
        'trained on': `${outcome.trainingCount} questions`,
        seed: String(recipe.seed),
        'code version': await codeVersion(),
      },
      notes: outcome.isExecuted ? [] : ['There is no database: right means exact match.'],
      evaluations: outcome.evaluations,
      comparisons: [],
      charts: [],
    },
    join(directory, 'report'),
  );
  const rows = outcome.evaluations.map(({ label, evaluation: { summary } }) => [
    label,
    String(summary.em.total),
    outcome.isExecuted ? proportionText(summary.ex) : 'no database',
    proportionText(summary.em),
  ]);
  context.print(textTable(['stage', 'questions', 'EX [95%]', 'EM [95%]'], rows));
  context.print(`report: ${relative(workingDirectory, paths.html)}`);
  if (context.json) {
    const { name: suite, isExecuted, trainingCount } = outcome;
    const { seed } = recipe;
    context.printJson({
      suite,
      seed,
      seconds,
      isExecuted,
      trainingCount,
      ...figures(outcome),
      report: paths.json,
    });
  }
  return undefined;
}
