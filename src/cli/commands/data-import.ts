/** `querent data import --feedback`: what people accepted and corrected, as training examples. */
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Example } from '../../data/example.ts';
import { writeExamples } from '../../data/example-file.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { AcceptedExample } from '../../serving/store/history.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { openWorkspace } from '../project.ts';
import { openDatabase } from '../wiring/database.ts';
import { withSandbox } from '../wiring/sandbox.ts';
import { openProjectStore } from '../wiring/serve.ts';
import { withCommon } from './options.ts';

interface ImportOptions extends CommonOptions {
  readonly feedback?: boolean;
  readonly store?: string;
  readonly output?: string;
}

export function addDataImport(data: Command, run: RunCommand): void {
  withCommon(
    data
      .command('import')
      .description('Take examples from elsewhere: the answers that people accepted or corrected.')
      .option('--feedback', 'from the feedback that `querent serve` collected')
      .option('--store <file>', 'the file of the server (default: .querent/serve.sqlite)')
      .option('--output <file>', 'where they go (default: feedback.jsonl in the data folder)'),
    [['querent data import --feedback', 'accepted and corrected answers as JSONL']],
  ).action((options: ImportOptions) => run(options, (context) => importData(context, options)));
}

const sameWords = (question: string): string => question.trim().toLowerCase().replace(/\s+/g, ' ');

/** The last word on a question counts. */
function latestByQuestion(accepted: readonly AcceptedExample[]): readonly AcceptedExample[] {
  return [...new Map(accepted.map((one) => [sameWords(one.question), one])).values()];
}

const exampleOf = (
  { answerId, question, sql, isCorrection }: AcceptedExample,
  databaseId: string,
): Example => ({
  id: `feedback/${answerId}`,
  question,
  sql,
  databaseId,
  tags: ['feedback', isCorrection ? 'correction' : 'confirmed'],
});

async function importData(context: CommandContext, options: ImportOptions): Promise<undefined> {
  if (options.feedback !== true) {
    throw new QuerentError('usage/arguments', 'nothing says where the examples come from', {
      next: 'Run `querent data import --feedback`.',
    });
  }
  const { workingDirectory } = context.io;
  const workspace = await openWorkspace(context.directory);
  const store = openProjectStore(workspace, options.store, workingDirectory);
  let accepted: readonly AcceptedExample[];
  try {
    accepted = latestByQuestion(store.history.accepted(workspace.databaseId));
  } finally {
    store.close();
  }
  const database = await openDatabase(workspace, context.observe);
  // What ran when it was accepted need not run on the database of today.
  const runs = await withSandbox((sandbox) =>
    Promise.all(
      accepted.map(async ({ sql }) => (await sandbox.execute(database.path, sql)).outcome === 'rows'),
    ),
  );
  const examples = accepted.flatMap((one, at) => (runs[at] ? [exampleOf(one, workspace.databaseId)] : []));
  const dropped = accepted.length - examples.length;
  const path =
    options.output === undefined
      ? join(workspace.dataDirectory, 'feedback.jsonl')
      : resolve(workingDirectory, options.output);
  if (examples.length > 0) await writeExamples(path, examples);
  const corrections = examples.filter(({ tags }) => tags.includes('correction')).length;
  context.print(
    examples.length === 0
      ? 'There is no accepted answer yet. next: querent serve, and say of answers whether they are right'
      : `${examples.length} examples, ${corrections} of them corrections: ${path}`,
  );
  if (dropped > 0) context.print(`note: ${dropped} left out, their statements no longer run`);
  if (context.json) context.printJson({ path, examples: examples.length, corrections, dropped });
  return undefined;
}
