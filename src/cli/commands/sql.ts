/** `querent sql run|attack`: one statement in the sandbox, as a model's would run; and what the sandbox withstands. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { AttackResult } from '../../database/attacks/run.ts';
import type { Execution, SqlValue } from '../../database/execution.ts';
import { createSandbox } from '../../database/sandbox.ts';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { createRandom } from '../../foundation/random.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { openWorkspace } from '../project.ts';
import { exitCodes } from '../report-error.ts';
import { rowsTable, textTable } from '../table.ts';
import { openDatabase } from '../wiring/database.ts';
import { positiveInteger, wholeNumber, withCommon } from './options.ts';

interface RunOptions extends CommonOptions {
  readonly db?: string;
  readonly sql?: string;
  readonly file?: string;
  readonly timeout: number;
  readonly maxRows: number;
}

interface AttackOptions extends CommonOptions {
  readonly mutations: number;
  readonly seed: number;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && Number.isFinite(value)))
    throw new InvalidArgumentError('expected a number above 0');
  return value;
}

export function addSql(program: Command, run: RunCommand): void {
  const sql = program.command('sql').description('Run SQL in the read-only sandbox, or attack the sandbox.');
  withCommon(
    sql
      .command('run')
      .description('Run one statement as a model’s would run. Exit code 1 unless it gives rows.')
      .option('--db <file>', "a SQLite file (default: the project's)")
      .option('--sql <text>', 'the statement')
      .option('--file <path>', 'a file that holds the statement, as UTF-8')
      .option('--timeout <seconds>', 'stop it after this time', positiveNumber, 5)
      .option('--max-rows <count>', 'rows at most', positiveInteger, 1_000),
    [
      ['querent sql run --sql "SELECT COUNT(*) FROM SRM_COMPANIES"', 'the ERP demonstration'],
      ['querent sql run --db shop.sqlite --sql "SELECT COUNT(*) FROM items"', 'a table'],
      ['querent sql run --db shop.sqlite --file report.sql --timeout 60', 'a slow one, from a file'],
      ['querent sql run --db shop.sqlite --sql "DROP TABLE items" --json', 'refused; the outcome as JSON'],
    ],
  ).action((options: RunOptions) => run(options, (context) => runOne(context, options)));
  withCommon(
    sql
      .command('attack')
      .description(
        'Attack the sandbox with hostile statements, on a database made for it. Exit code 1 if one does not end as it must.',
      )
      .option('--mutations <count>', 'seeded variations besides the hand-written attacks', wholeNumber, 200)
      .option('--seed <number>', 'seed of the variations', wholeNumber, 1),
    [
      ['querent sql attack', 'every attack and 200 variations, a minute or two'],
      ['querent sql attack --mutations 2000 --seed 7', 'other and more variations'],
      ['querent sql attack --json', 'each result and the summary, for a script'],
    ],
  ).action((options: AttackOptions) => run(options, (context) => attack(context, options)));
}

async function readStatement({ io }: CommandContext, { sql, file }: RunOptions): Promise<string> {
  if ((sql === undefined) === (file === undefined)) {
    throw new QuerentError('usage/sql', 'expected one of --sql and --file', {
      next: 'Give the statement with --sql "SELECT …", or the file that holds it with --file.',
    });
  }
  if (sql !== undefined) return sql;
  try {
    const bytes = await readFile(resolve(io.workingDirectory, file!));
    // What is no UTF-8 would run as another text than the one in the file.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (thrown) {
    throw new QuerentError('usage/sql', `cannot read the statement in ${file}: ${messageOf(thrown)}`, {
      next: 'Give an existing text file in UTF-8.',
    });
  }
}

/** A large integer as {"integer":"…"}, bytes as {"blob":"hex"}, ±Infinity as {"real":"…"}: JSON has no words for them. */
function jsonValue(value: SqlValue): unknown {
  if (typeof value === 'bigint') return { integer: String(value) };
  if (value instanceof Uint8Array) return { blob: Buffer.from(value).toString('hex') };
  if (typeof value === 'number' && !Number.isFinite(value)) return { real: String(value) };
  return value;
}

function jsonOf(execution: Execution): unknown {
  const elapsedMs = Math.round(execution.elapsedMs * 1_000) / 1_000;
  if (execution.outcome !== 'rows') return { ...execution, elapsedMs };
  return { ...execution, elapsedMs, rows: execution.rows.map((row) => row.map(jsonValue)) };
}

/** The line of the statement with a mark under the place. */
function pointAt(sql: string, position: number): string {
  const start = position === 0 ? 0 : sql.lastIndexOf('\n', position - 1) + 1;
  const line = sql.slice(start).split('\n', 1)[0]!;
  const from = Math.max(0, position - start - 60);
  return `  ${line.slice(from, from + 100)}\n  ${' '.repeat(position - start - from)}^`;
}

/** For a person; what is printed comes from the database and the statement, so control characters are taken out. */
function describe(execution: Execution, sql: string): string {
  const clean = (text: string) => text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ');
  switch (execution.outcome) {
    case 'rows': {
      const { rows, columns, truncated, elapsedMs } = execution;
      const count = `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`;
      const cut = truncated ? ', cut off at the limit' : '';
      return `${rowsTable(columns, rows, rows.length)}\n${count}${cut}, ${elapsedMs.toFixed(1)} ms`;
    }
    case 'sql-error': {
      const { errorClass, message, position } = execution;
      const place = position === undefined ? '' : `\n${clean(pointAt(sql, position))}`;
      return `error (${errorClass}): ${clean(message)}${place}`;
    }
    case 'timeout':
      return `stopped after ${execution.limitMs / 1_000} s (--timeout)`;
    case 'refused':
      return `refused: ${clean(execution.reason)}`;
    case 'out-of-memory':
      return `stopped: needs more than ${Math.round(execution.limitBytes / 1_048_576)} MB of memory`;
    default:
      throw execution satisfies never;
  }
}

async function databasePathOf(
  { io, directory, observe }: CommandContext,
  { db }: RunOptions,
): Promise<string> {
  if (db !== undefined) return resolve(io.workingDirectory, db);
  return (await openDatabase(await openWorkspace(directory), observe)).path;
}

async function runOne(context: CommandContext, options: RunOptions): Promise<number> {
  const { signal } = context;
  const sql = await readStatement(context, options);
  const path = await databasePathOf(context, options);
  const limits = { timeoutMs: options.timeout * 1_000, maxRows: options.maxRows };
  const sandbox = createSandbox({ workers: 1, limits });
  const stop = () => void sandbox.close();
  signal.addEventListener('abort', stop);
  try {
    const execution = await sandbox.execute(path, sql);
    context.print(describe(execution, sql));
    if (context.json) context.printJson(jsonOf(execution));
    return execution.outcome === 'rows' ? exitCodes.ok : exitCodes.failed;
  } catch (thrown) {
    if (signal.aborted) throw new QuerentError('sql/interrupted', 'the statement was stopped');
    throw thrown;
  } finally {
    signal.removeEventListener('abort', stop);
    await sandbox.close();
  }
}

const attackRow = ({ id, outcome, errorClass, ms, memoryMb, problem }: AttackResult): string[] => [
  id,
  errorClass === undefined ? outcome : `${outcome} (${errorClass})`,
  ms.toFixed(0),
  memoryMb.toFixed(0),
  problem ?? 'ok',
];

async function attack(context: CommandContext, options: AttackOptions): Promise<number> {
  const { observe, signal } = context;
  // Only here: the attacks are megabytes of text, which no other command should wait for.
  const { everyAttack } = await import('../../database/attacks/all.ts');
  const { mutations } = await import('../../database/attacks/mutations.ts');
  const { runAttacks } = await import('../../database/attacks/run.ts');
  const random = createRandom(options.seed);
  const attacks = [...everyAttack, ...mutations(everyAttack, options.mutations, random)];
  const total = attacks.length;
  const { results, summary } = await runAttacks({
    attacks,
    signal,
    onResult: ({ id, problem }, done) => {
      observe({ type: 'progress', stage: 'attack', label: 'attacks', done, total });
      if (problem !== undefined)
        observe({ type: 'warning', code: 'sql/attack', message: `${id}: ${problem}` });
    },
  });
  context.print(
    textTable(['attack', 'outcome', 'ms', 'memory MB', ''], results.map(attackRow), {
      alignRight: [false, false, true, true, false],
    }),
  );
  const { asExpected, longestBlockMs, hostGrowthMb, peakGrowthMb, workersLost } = summary;
  context.print(
    `${asExpected} of ${summary.attacks} ended as they must; ${workersLost} workers stopped and replaced
longest stand-still of the host ${longestBlockMs.toFixed(0)} ms; memory ${hostGrowthMb.toFixed(0)} MB above the start, at most ${peakGrowthMb.toFixed(0)} MB`,
  );
  if (context.json) context.printJson({ summary, results });
  if (asExpected < summary.attacks) return exitCodes.failed;
  return signal.aborted ? exitCodes.interrupted : exitCodes.ok;
}
