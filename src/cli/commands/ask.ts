/** `querent ask "…"`: a question in words to SQL, confidence and rows; without a question, a conversation. */
import type { Command } from 'commander';
import { QuerentError } from '../../foundation/errors.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { answerJson, answerText, outcomeOf } from '../conversation/answer-text.ts';
import { converse } from '../conversation/conversation.ts';
import { exitCodes } from '../report-error.ts';
import { openWorkbench, type Workbench } from '../wiring/workbench.ts';
import { withCommon } from './options.ts';
import { pipelineOptions, type QuestionOptions, withQuestionOptions } from './question-options.ts';

interface AskOptions extends CommonOptions, QuestionOptions {
  readonly explain?: boolean;
}

/** Rows that are asked of the database; `--rows` is how many of them are printed. */
const ROWS_MAX = 1_000;

export function addAsk(program: Command, run: RunCommand): void {
  const command = program
    .command('ask')
    .description(
      'Ask a question; prints the SQL, how sure the model is, and the rows. Without one: a conversation.',
    )
    .argument('[question...]', 'in your own words');
  withQuestionOptions(command, { what: 'rows printed at most', count: 20 }).option(
    '--explain',
    'also what the statement does, how the database runs it, and what is doubtful',
  );
  withCommon(command, [
    ['querent ask "How many active projects are there?"', 'the ERP demonstration, with the shipped model'],
    ['querent ask "top 3 customers by revenue" --project shop', 'your own database'],
    ['querent ask', 'a conversation: \\help lists what it knows'],
    ['querent ask "…" --json', 'SQL, confidence and rows as JSON'],
  ]).action((words: string[], options: AskOptions) =>
    run(options, (context) => ask(context, words.join(' '), options)),
  );
}

async function ask(context: CommandContext, question: string, options: AskOptions): Promise<number> {
  const { io, directory, observe } = context;
  const isConversation = question === '';
  const { stdin } = io;
  if (isConversation && (stdin?.isTTY !== true || io.stdout.isTTY !== true || context.json)) {
    throw new QuerentError('usage/ask', 'there is no question, and no terminal to ask for one', {
      next: 'Give a question: querent ask "How many …?"; for a file of questions there is `querent batch`.',
    });
  }
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
    if (!isConversation) return await askOnce(context, workbench, question, options);
    context.endProgress();
    await converse(context, {
      workbench,
      stdin: stdin!,
      options: pipelineOptions(options, ROWS_MAX),
      rowsShownMax: options.rows,
      explain: options.explain === true,
    });
    return exitCodes.ok;
  } finally {
    await workbench.close();
  }
}

async function askOnce(
  context: CommandContext,
  { pipeline }: Workbench,
  question: string,
  options: AskOptions,
): Promise<number> {
  const { colors, signal } = context;
  const explain = options.explain === true;
  const answer = await pipeline.ask({ question, options: pipelineOptions(options, ROWS_MAX) }, { signal });
  context.print(answerText(answer, { rowsShownMax: options.rows, explain, colors }));
  if (context.json) {
    const more = explain ? { plan: answer.plan ?? [], candidates: answer.candidates } : {};
    context.printJson({ ...answerJson(answer), ...more });
  }
  const outcome = outcomeOf(answer);
  return outcome === 'rows' || outcome === 'not-run' ? exitCodes.ok : exitCodes.failed;
}
