/** `querent batch FILE`: every question of a file, answers into another, from where the last run stopped. */
import { basename, dirname, extname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { QuerentError } from '../../foundation/errors.ts';
import { openAnswers } from '../batch/answers-file.ts';
import { type BatchFormat, batchFormats, formatOf, readQuestions } from '../batch/questions-file.ts';
import { type BatchSummary, runBatch } from '../batch/run-batch.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { exitCodes } from '../report-error.ts';
import { duration } from '../terminal/live-line.ts';
import { openWorkbench } from '../wiring/workbench.ts';
import { positiveInteger, withCommon } from './options.ts';
import { pipelineOptions, type QuestionOptions, withQuestionOptions } from './question-options.ts';

interface BatchOptions extends CommonOptions, QuestionOptions {
  readonly output?: string;
  readonly format?: BatchFormat;
  readonly outputFormat?: BatchFormat;
  readonly parallel: number;
  readonly force?: boolean;
}

export function addBatch(program: Command, run: RunCommand): void {
  const format = (flags: string, what: string): Option => new Option(flags, what).choices(batchFormats);
  const command = program
    .command('batch')
    .description(
      'Answer every question of a file (JSON lines or CSV); a run that was stopped goes on where it was.',
    )
    .argument('<file>', 'JSON lines or CSV with "question" (or "query"), and "id" where there is one');
  withQuestionOptions(command, { what: 'rows kept of each answer at most', count: 100 })
    .option('--output <file>', 'answers (default: FILE.answers.jsonl beside it, or .csv)')
    .addOption(format('--format <name>', 'of the questions (default: by the name of the file)'))
    .addOption(
      format(
        '--output-format <name>',
        'of the answers (default: by the name of the output, or as the questions)',
      ),
    )
    .option('--parallel <count>', 'questions at the same time', positiveInteger, 2)
    .option('--force', 'begin anew where the output is there already');
  withCommon(command, [
    ['querent batch questions.jsonl', 'answers into questions.answers.jsonl'],
    ['querent batch questions.csv --output answers.csv', 'for a spreadsheet'],
    ['querent batch questions.jsonl --no-run --candidates 0', 'only the SQL, as fast as it goes'],
  ]).action((file: string, options: BatchOptions) =>
    run(options, (context) => batch(context, file, options)),
  );
}

function needFormat(path: string): BatchFormat {
  const format = formatOf(path);
  if (format !== undefined) return format;
  throw new QuerentError('usage/format', `the name ${basename(path)} does not say in which form it is`, {
    next: 'Name the form with --format jsonl or --format csv.',
  });
}

async function count(items: AsyncIterable<unknown>): Promise<number> {
  let total = 0;
  for await (const _ of items) total += 1;
  return total;
}

async function batch(context: CommandContext, file: string, options: BatchOptions): Promise<number> {
  const { io, directory, observe, signal } = context;
  const path = resolve(io.workingDirectory, file);
  const format = options.format ?? needFormat(path);
  const named = options.output === undefined ? undefined : resolve(io.workingDirectory, options.output);
  const outputFormat = options.outputFormat ?? (named === undefined ? undefined : formatOf(named)) ?? format;
  const output = named ?? join(dirname(path), `${basename(path, extname(path))}.answers.${outputFormat}`);
  if (output === path) {
    throw new QuerentError('usage/output', 'the answers would overwrite the questions', {
      next: 'Name another file with --output.',
    });
  }
  // Before a model is loaded: a file that cannot be read is said at once.
  const total = await count(readQuestions(path, format));
  const answers = await openAnswers(output, outputFormat, { force: options.force === true });
  const startedAt = performance.now();
  try {
    const { model, rules, baseWeights } = options;
    const workbench = await openWorkbench({
      directory,
      workingDirectory: io.workingDirectory,
      observe,
      model,
      rules,
      baseWeights,
    });
    try {
      const summary = await runBatch({
        questions: readQuestions(path, format),
        total,
        answers,
        pipeline: workbench.pipeline,
        options: pipelineOptions(options, options.rows),
        parallel: options.parallel,
        observe,
        signal,
      });
      const elapsedMs = performance.now() - startedAt;
      context.print(summaryText(summary, output, elapsedMs));
      if (context.json) context.printJson({ output, ...summary, elapsedMs });
    } finally {
      await workbench.close();
    }
  } finally {
    answers.close();
  }
  return exitCodes.ok;
}

function summaryText(
  { questions, known, answered, unanswered, failed }: BatchSummary,
  output: string,
  elapsedMs: number,
): string {
  const parts = [
    `${answered} answered`,
    ...(unanswered === 0 ? [] : [`${unanswered} without an answer`]),
    ...(failed === 0 ? [] : [`${failed} could not be asked`]),
    ...(known === 0 ? [] : [`${known} known from before`]),
  ];
  return `${questions} questions: ${parts.join(', ')} (${duration(elapsedMs)})\n${output}`;
}
