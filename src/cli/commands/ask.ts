/** `querent ask "…"`: a question in words to SQL, confidence and rows. */
import type { Command } from 'commander';
import { createPolicyPredictor } from '../../agents/policy-predictor.ts';
import type { Prediction } from '../../agents/predictor.ts';
import type { Execution } from '../../database/execution.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { openWorkspace } from '../project.ts';
import { exitCodes } from '../report-error.ts';
import { rowsTable } from '../table.ts';
import { percent } from '../terminal/live-line.ts';
import { openDatabase } from '../wiring/database.ts';
import { findModel } from '../wiring/find-model.ts';
import { inspectStatements } from '../wiring/inspect-statements.ts';
import { withModel } from '../wiring/model.ts';
import { withSandbox } from '../wiring/sandbox.ts';
import { positiveInteger, withCommon } from './options.ts';

interface AskOptions extends CommonOptions {
  readonly model?: string;
  readonly rows: number;
}

export function addAsk(program: Command, run: RunCommand): void {
  const command = program
    .command('ask')
    .description('Ask a question; prints the SQL, how sure the model is, and the rows.')
    .argument('<question...>', 'in your own words')
    .option(
      '--model <directory>',
      "a model or a finished run (default: the project's newest, or the shipped one)",
    )
    .option('--rows <count>', 'rows printed at most', positiveInteger, 20);
  withCommon(command, [
    ['querent ask "How many active projects are there?"', 'the ERP demonstration, with the shipped model'],
    ['querent ask "top 3 customers by revenue" --project shop', 'your own database'],
    ['querent ask "…" --json', 'SQL, confidence and rows as JSON'],
  ]).action((words: string[], options: AskOptions) =>
    run(options, (context) => ask(context, words.join(' '), options)),
  );
}

async function ask(context: CommandContext, question: string, options: AskOptions): Promise<number> {
  const workspace = await openWorkspace(context.directory);
  const directory = findModel(workspace, options.model, context.io.workingDirectory);
  const database = await openDatabase(workspace, context.observe);
  return withModel({ directory, database, observe: context.observe }, ({ policy, format }) =>
    withSandbox(async (sandbox) => {
      const predictor = createPolicyPredictor({
        name: directory,
        policy,
        format,
        ownsPolicy: false,
        inspect: inspectStatements(sandbox, database),
      });
      const [prediction] = await predictor.predict([question]);
      const { sql } = prediction!;
      const execution = sql === '' ? undefined : await sandbox.execute(database.path, sql);
      printAnswer(context, prediction!, execution, options.rows);
      if (context.json) context.printJson(answerJson(question, prediction!, execution));
      return execution?.outcome === 'rows' ? exitCodes.ok : exitCodes.failed;
    }),
  );
}

function printAnswer(
  context: CommandContext,
  prediction: Prediction,
  execution: Execution | undefined,
  rowsShownMax: number,
): void {
  const { print, colors } = context;
  if (execution === undefined) {
    print('The model found no SQL for this question. next: ask it with other words.');
    return;
  }
  const { confidence, latencyMs, sql } = prediction;
  print(`${colors.bold(sql)};`);
  print(colors.dim(`confidence ${percent(confidence ?? 0)}, ${Math.round(latencyMs)} ms`));
  if (execution.outcome !== 'rows') {
    print(`${colors.red('not answered:')} ${failureText(execution)}`);
    return;
  }
  const { columns, rows, truncated, elapsedMs } = execution;
  if (rows.length > 0) print(rowsTable(columns, rows, rowsShownMax));
  const count = `${rows.length}${truncated ? '+' : ''} row${rows.length === 1 && !truncated ? '' : 's'}`;
  const shown = rows.length > rowsShownMax ? `, ${rowsShownMax} shown` : '';
  print(colors.dim(`${count}${shown}, ${elapsedMs.toFixed(1)} ms`));
}

function failureText(execution: Exclude<Execution, { outcome: 'rows' }>): string {
  switch (execution.outcome) {
    case 'sql-error':
      return execution.message;
    case 'refused':
      return `refused: ${execution.reason}`;
    case 'timeout':
      return `stopped after ${execution.limitMs} ms`;
    case 'out-of-memory':
      return 'it needs more memory than is allowed';
    default:
      throw execution satisfies never;
  }
}

function answerJson(question: string, prediction: Prediction, execution: Execution | undefined): unknown {
  const { sql, confidence, latencyMs } = prediction;
  const answer = { question, sql, confidence, latencyMs, outcome: execution?.outcome ?? 'no-sql' };
  if (execution === undefined) return answer;
  if (execution.outcome !== 'rows') return { ...answer, message: failureText(execution) };
  // JSON has neither 64-bit integers nor bytes.
  const plain = (value: unknown): unknown =>
    typeof value === 'bigint'
      ? String(value)
      : value instanceof Uint8Array
        ? Buffer.from(value).toString('base64')
        : value;
  const rows = execution.rows.map((row) => row.map(plain));
  return { ...answer, columns: execution.columns, rows, truncated: execution.truncated };
}
