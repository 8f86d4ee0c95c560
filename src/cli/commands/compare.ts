/** `querent compare`: several models on the same questions, side by side, with a significance test. */
import { basename, dirname, join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { BaseFormat } from '../../engine/model/base-tensor.ts';
import {
  comparePairs,
  type NamedEvaluation,
  type SideBySideRow,
  sideBySide,
} from '../../evaluation/compare.ts';
import { evaluationsBySet } from '../../evaluation/report/report.ts';
import { comparisonText } from '../../evaluation/report/words.ts';
import { writeReport } from '../../evaluation/report/write-report.ts';
import { isRight } from '../../evaluation/verdict.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { codeVersion } from '../../training/code-version.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { openWorkspace } from '../project.ts';
import { openDatabase } from '../wiring/database.ts';
import { evaluateModel, reportedRows } from '../wiring/evaluation.ts';
import { findModel } from '../wiring/find-model.ts';
import { withModel } from '../wiring/model.ts';
import { withSandbox } from '../wiring/sandbox.ts';
import { chooseSets, figuresTable } from './evaluate.ts';
import { baseWeightsOption, collect, positiveInteger, withCommon } from './options.ts';

interface CompareOptions extends CommonOptions {
  readonly set: readonly string[];
  readonly limit?: number;
  readonly show: number;
  readonly baseWeights: BaseFormat;
  readonly output?: string;
  readonly report?: string;
}

type LabelledAnswer = SideBySideRow['answers'][number];

interface LabelledModel {
  readonly label: string;
  readonly path: string;
}

/** `label=directory`, or a directory whose own name (or its run's) is the label. */
function parseModel(text: string, previous: readonly LabelledModel[] = []): LabelledModel[] {
  const at = text.indexOf('=');
  const path = text.slice(at + 1);
  const name = ['final', 'best'].includes(basename(path))
    ? basename(dirname(resolve(path)))
    : basename(resolve(path));
  const label = at > 0 ? text.slice(0, at) : name;
  if (path === '') throw new InvalidArgumentError('expected label=directory');
  return [...previous, { label, path }];
}

export function addCompare(program: Command, run: RunCommand): void {
  const command = program
    .command('compare')
    .description(
      'Evaluate models on the same questions and list them side by side, every pair with a significance test.',
    )
    .argument('<models...>', 'model directories or runs, as `directory` or `label=directory`', parseModel)
    .option(
      '--set <name>',
      'set by name or path of a JSONL file (repeatable; default: the test sets here)',
      collect,
      [],
    )
    .option('--limit <count>', 'first questions of each set only', positiveInteger)
    .option('--show <count>', 'questions printed on which the models differ', positiveInteger, 10)
    .addOption(baseWeightsOption())
    .option('--report <directory>', 'where the report goes (default: comparison/ in the runs folder)')
    .option('--output <directory>', 'the same as --report');
  withCommon(command, [
    ['querent compare runs/sft runs/grpo', 'SFT against GRPO on the test sets'],
    ['querent compare old=a/model new=b/model --set complex', 'two checkpoints, one set'],
  ]).action((models: LabelledModel[], options: CompareOptions) =>
    run(options, (context) => compare(context, models, options)),
  );
}

async function compare(
  context: CommandContext,
  models: readonly LabelledModel[],
  options: CompareOptions,
): Promise<undefined> {
  const { observe, signal, io } = context;
  if (new Set(models.map(({ label }) => label)).size < models.length || models.length < 2) {
    throw new QuerentError('usage/compare', 'expected two or more models with different labels', {
      next: 'Write label=directory, for example `querent compare sft=runs/sft grpo=runs/grpo`.',
    });
  }
  const workspace = await openWorkspace(context.directory);
  const found = models.map(({ label, path }) => ({
    label,
    directory: findModel(workspace, path, io.workingDirectory),
  }));
  const sets = await chooseSets(workspace, options, io.workingDirectory);
  const database = await openDatabase(workspace, observe);
  const evaluations: NamedEvaluation[] = [];
  await withSandbox(async (sandbox) => {
    for (const { label, directory } of found) {
      await withModel(
        { directory, database, observe, baseWeights: options.baseWeights },
        async ({ policy, format }) => {
          const run = {
            label,
            policy,
            format,
            database,
            sandbox,
            maxNewTokens: 160,
            observe,
            signal,
            previewRows: reportedRows,
          };
          for (const evaluation of await evaluateModel(run, sets)) evaluations.push({ label, evaluation });
        },
      );
    }
  });
  const bySet = [...evaluationsBySet(evaluations).values()];
  const comparisons = bySet.flatMap(comparePairs);
  const named = options.report ?? options.output ?? join(workspace.runsDirectory, 'comparison');
  const output = resolve(io.workingDirectory, named);
  const facts = Object.fromEntries(found.map(({ label, directory }) => [label, directory]));
  const paths = await writeReport(
    {
      title: `Comparison on ${workspace.databaseId}`,
      facts: { ...facts, 'code version': await codeVersion() },
      notes: [],
      evaluations,
      comparisons,
      charts: [],
    },
    output,
  );
  context.print(figuresTable(bySet.flat().map(({ label, evaluation }) => [label, evaluation])));
  for (const pair of comparisons) context.print(`${pair.set}, ${comparisonText(pair)}`);
  for (const named of bySet) context.print(contestedText(named, options.show, context.colors));
  context.print(`report: ${paths.html}`);
  if (context.json) {
    context.printJson({
      evaluations: evaluations.map(({ label, evaluation }) => ({
        label,
        set: evaluation.set,
        summary: evaluation.summary,
      })),
      comparisons,
      report: paths.json,
    });
  }
  return undefined;
}

/** Labels that wrote the same statement, together. */
function bySql(answers: readonly LabelledAnswer[]): { sql: string; isRight: boolean; labels: string[] }[] {
  const found = new Map<string, { sql: string; isRight: boolean; labels: string[] }>();
  for (const { label, item } of answers) {
    const same = found.get(item.predictedSql);
    if (same !== undefined) same.labels.push(label);
    else found.set(item.predictedSql, { sql: item.predictedSql, isRight: isRight(item), labels: [label] });
  }
  return [...found.values()];
}

/** The questions that only some got right. */
export function contestedText(
  evaluations: readonly NamedEvaluation[],
  shownMax: number,
  colors: CommandContext['colors'],
): string {
  const rows = sideBySide(evaluations);
  const contested = rows.filter((row) => row.isContested);
  const different = rows.filter((row) => row.hasDifferentSql).length;
  const head = `\n${evaluations[0]!.evaluation.set}: ${contested.length} questions that only some answer rightly, ${different} answered with different SQL`;
  const shown = contested.slice(0, shownMax).map(({ question, gold, answers }) => {
    const written = bySql(answers);
    const width = Math.max(4, ...written.map(({ labels }) => labels.join(', ').length + 2));
    const lines = written.map(({ sql, isRight: right, labels }) => {
      const name = `${right ? '✓' : '✗'} ${labels.join(', ')}`.padEnd(width);
      return `  ${right ? colors.green(name) : colors.red(name)}  ${sql || '(nothing)'}`;
    });
    return [`\n${colors.bold(question)}`, `  ${'gold'.padEnd(width)}  ${gold}`, ...lines].join('\n');
  });
  const more = contested.length - shown.length;
  return [head, ...shown, ...(more > 0 ? [`\n… and ${more} more in the report`] : [])].join('\n');
}
