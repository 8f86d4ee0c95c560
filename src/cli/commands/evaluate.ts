/** `querent evaluate`: how often a model's queries return the right rows, on named sets. */
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Evaluation } from '../../evaluation/evaluate.ts';
import { proportionText } from '../../evaluation/report/words.ts';
import { writeReport } from '../../evaluation/report/write-report.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { codeVersion } from '../../training/code-version.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { openWorkspace, type Workspace } from '../project.ts';
import { exitCodes } from '../report-error.ts';
import { textTable } from '../table.ts';
import { percent } from '../terminal/live-line.ts';
import type { EvaluatedSet } from '../wiring/candidate-sources.ts';
import { defaultTestSets, loadSet } from '../wiring/data.ts';
import { openDatabase } from '../wiring/database.ts';
import { openSuite, setsOfProject } from '../wiring/evaluated-sets.ts';
import type { NamedSet } from '../wiring/evaluation.ts';
import {
  type AnswerOptions,
  answerSets,
  passAtJson,
  passAtTable,
  withAnswerOptions,
} from './evaluate-options.ts';
import { addEvaluatePredictions } from './evaluate-predictions.ts';
import { collect, positiveInteger, share, withCommon } from './options.ts';

interface EvaluateOptions extends CommonOptions, AnswerOptions {
  readonly set: readonly string[];
  readonly limit?: number;
  readonly output?: string;
  readonly report?: string;
  readonly minEx?: number;
}

export function addEvaluate(program: Command, run: RunCommand): void {
  const command = program
    .command('evaluate')
    .description('Execution accuracy (EX), exact match, validity and latency of a model; writes a report.')
    .option(
      '--model <directory>',
      "a model, a finished run or a GGUF file (default: the project's newest, or the shipped one)",
    )
    .option(
      '--set <name>',
      'set by name or path of a JSONL file (repeatable; default: the test sets here)',
      collect,
      [],
    )
    .option('--limit <count>', 'first questions of each set only', positiveInteger)
    .option(
      '--batch-size <count>',
      'questions asked together; 1 measures the latency of a single question',
      positiveInteger,
      64,
    )
    .option('--max-new-tokens <count>', 'longest answer in tokens', positiveInteger, 160)
    .option('--report <directory>', 'where the report goes (default: evaluation/ in the runs folder)')
    .option('--output <directory>', 'the same as --report')
    .option('--min-ex <share>', 'fail where EX of a set is below, for example 0.9', share);
  withCommon(withAnswerOptions(command), [
    ['querent evaluate', 'every test set, with the model that `ask` uses'],
    ['querent evaluate --model runs/sft --set complex', 'one set, the SFT model'],
    ['querent evaluate --set my-questions.jsonl --json', 'your own questions, figures as JSON'],
    ['querent evaluate --suite spider:spider --predictions p.sql', 'published questions, a file of answers'],
    ['querent evaluate --neighbours 4', 'right rows by chance are found out on databases with other rows'],
    ['querent evaluate --min-ex 0.9 --report ex', 'a gate for a pipeline: exit code 1 below 90%'],
  ]).action((options: EvaluateOptions) => run(options, (context) => evaluate(context, options)));
  command.enablePositionalOptions();
  addEvaluatePredictions(command, run);
}

/** The sets that a command names, or the test sets that are there. */
export async function chooseSets(
  workspace: Workspace,
  options: { readonly set: readonly string[]; readonly limit?: number },
  workingDirectory: string,
): Promise<NamedSet[]> {
  const names = options.set.length > 0 ? options.set : defaultTestSets(workspace);
  if (names.length === 0) {
    throw new QuerentError('cli/no-data', 'there is no test set here', {
      next: 'Run `querent data synthesize`, or name a JSONL file with --set.',
    });
  }
  const sets: NamedSet[] = [];
  for (const name of names) {
    const examples = await loadSet(workspace, name, workingDirectory);
    sets.push([name, options.limit === undefined ? examples : examples.slice(0, options.limit)]);
  }
  return sets;
}

export function figuresTable(
  evaluations: readonly (readonly [label: string, evaluation: Evaluation])[],
): string {
  const rows = evaluations.map(([label, { set, summary }]) => [
    set,
    label,
    `${summary.ex.passed}/${summary.ex.total}`,
    proportionText(summary.ex),
    percent(summary.em.share),
    percent(summary.validity.share),
    String(summary.inventedIdentifiers),
    `${summary.latencyMs.p50.toFixed(0)} / ${summary.latencyMs.p95.toFixed(0)}`,
  ]);
  return textTable(['set', 'model', 'right', 'EX [95%]', 'EM', 'valid', 'invented', 'p50 / p95 ms'], rows);
}

/** One line for each set whose EX is below what was asked for. */
export function linesBelow(evaluations: readonly Evaluation[], minEx: number): string[] {
  return evaluations
    .filter(({ summary }) => summary.ex.share < minEx)
    .map(({ set, summary: { ex } }) => {
      const figures = `EX ${percent(ex.share)} (${ex.passed} of ${ex.total})`;
      return `${set}: ${figures} is below ${percent(minEx)}, the --min-ex`;
    });
}

/** Suites with their databases, sets with the project's; without either, the test sets here. */
async function chooseEvaluated(
  context: CommandContext,
  workspace: Workspace,
  options: EvaluateOptions,
): Promise<EvaluatedSet[]> {
  const { observe, io } = context;
  const { workingDirectory } = io;
  const { databases, limit } = options;
  const wish = { workspace, workingDirectory, databases, limit, observe };
  const suites = await Promise.all(options.suite.map((text) => openSuite(text, wish)));
  if (suites.length > 0 && options.set.length === 0) return suites;
  const sets = await chooseSets(workspace, { set: options.set }, workingDirectory);
  const database = await openDatabase(workspace, observe);
  return [...setsOfProject(sets, database, limit), ...suites];
}

/** Suites have databases of their own, so a report of suites alone is not one on the project's. */
const titleOf = ({ databaseId }: Workspace, { set, suite }: EvaluateOptions): string =>
  suite.length > 0 && set.length === 0 ? 'Evaluation on published questions' : `Evaluation on ${databaseId}`;

async function evaluate(context: CommandContext, options: EvaluateOptions): Promise<number> {
  const { io } = context;
  const workspace = await openWorkspace(context.directory);
  const named = options.report ?? options.output ?? join(workspace.runsDirectory, 'evaluation');
  const output = resolve(io.workingDirectory, named);
  const sets = await chooseEvaluated(context, workspace, options);
  const { evaluations, label, identity } = await answerSets(context, workspace, { ...options, output }, sets);
  const paths = await writeReport(
    {
      title: titleOf(workspace, options),
      facts: {
        model: identity,
        ...(options.neighbours === 0 ? {} : { neighbours: String(options.neighbours) }),
        'code version': await codeVersion(),
      },
      notes: [],
      evaluations: evaluations.map((evaluation) => ({ label, evaluation })),
      comparisons: [],
      charts: [],
    },
    output,
  );
  context.print(figuresTable(evaluations.map((evaluation) => [label, evaluation])));
  const sampled = passAtTable(evaluations);
  if (sampled !== undefined) context.print(sampled);
  context.print(`report: ${paths.html}`);
  const below = linesBelow(evaluations, options.minEx ?? 0);
  // On standard error, so that it is also seen beside the one line of --json.
  for (const line of below) io.stderr.write(`${line}\n`);
  if (context.json) {
    const figures = Object.fromEntries(evaluations.map(({ set, summary }) => [set, summary]));
    context.printJson({
      model: identity,
      sets: figures,
      passAt: passAtJson(evaluations),
      report: paths.json,
      below,
    });
  }
  return below.length === 0 ? exitCodes.ok : exitCodes.failed;
}
