/** `querent data compose`: further training examples from those that people wrote. */
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { composeExamples } from '../../data/composition/compose.ts';
import { writeExamples } from '../../data/example-file.ts';
import { withoutQuestionsOf } from '../../data/held-out.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { openWorkspace } from '../project.ts';
import { loadSet, loadSynonyms, loadTests } from '../wiring/data.ts';
import { openDatabase } from '../wiring/database.ts';
import { withSandbox } from '../wiring/sandbox.ts';
import { collect, wholeNumber, withCommon } from './options.ts';

interface ComposeOptions extends CommonOptions {
  readonly set: readonly string[];
  readonly variants: number;
  readonly seed?: number;
  readonly output?: string;
}

/** Shown at the end, so that people see what they get. */
const shownCount = 3;

export function addDataCompose(data: Command, run: RunCommand): void {
  withCommon(
    data
      .command('compose')
      .description(
        'Make further examples from hand-written ones, with a condition, a column, an order or a count more, or another column; each is executed.',
      )
      .option('--set <name>', 'set by name or path of a JSONL file (repeatable)', collect, [])
      .option('--variants <count>', 'further examples of each, at most', wholeNumber, 2)
      .option('--seed <number>', 'another seed gives others (default: that of the project)', wholeNumber)
      .option('--output <file>', 'where they go (default: composed.jsonl in the data folder)'),
    [
      ['querent data compose --set mine.jsonl', 'two more of each of your own'],
      ['querent data compose --set .querent/data/feedback.jsonl --variants 4', 'of what people accepted'],
      [
        'querent train sft --examples mine.jsonl --examples .querent/data/composed.jsonl',
        'and train on both',
      ],
    ],
  ).action((options: ComposeOptions) => run(options, (context) => compose(context, options)));
}

async function compose(context: CommandContext, options: ComposeOptions): Promise<undefined> {
  if (options.set.length === 0) {
    throw new QuerentError('usage/arguments', 'nothing says which examples to start from', {
      next: 'Name a JSONL file of question–SQL pairs: `querent data compose --set mine.jsonl`.',
    });
  }
  const { observe, signal, io } = context;
  const { workingDirectory } = io;
  const workspace = await openWorkspace(context.directory);
  const sets = [];
  for (const name of options.set) sets.push(await loadSet(workspace, name, workingDirectory));
  const written = sets.flat();
  const database = await openDatabase(workspace, observe);
  const synonyms = await loadSynonyms(workspace);
  const result = await withSandbox((sandbox) =>
    composeExamples({
      schema: database.schema,
      synonyms,
      seed: options.seed ?? workspace.seed,
      examples: written,
      variants: options.variants,
      executeAll: (sqls) => Promise.all(sqls.map((sql) => sandbox.execute(database.path, sql))),
      observe,
      signal,
    }),
  );
  const tests = await loadTests(workspace, workingDirectory);
  const examples = withoutQuestionsOf(tests, result.examples);
  const path =
    options.output === undefined
      ? join(workspace.dataDirectory, 'composed.jsonl')
      : resolve(workingDirectory, options.output);
  if (examples.length > 0) await writeExamples(path, examples);
  const dropped = Object.entries(result.dropped).map(([reason, count]) => `${count} ${reason}`);
  context.print(`dropped: ${dropped.join(', ') || 'none'}`);
  for (const { question, sql } of examples.slice(0, shownCount)) context.print(`${question}\n  ${sql}`);
  context.print(
    examples.length === 0
      ? `Nothing could be made from ${written.length} examples: there is no word for the tables, or no statement that takes a further condition.`
      : `${examples.length} from ${written.length} examples: ${path}`,
  );
  if (context.json) {
    const made = examples.length;
    context.printJson({
      path: made === 0 ? null : path,
      from: written.length,
      made,
      dropped: result.dropped,
    });
  }
  return undefined;
}
