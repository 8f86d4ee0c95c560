/**
 * What can be typed in a conversation beside questions: a backslash, a name, the rest. Each command gives text to print; how
 * lines are read and when they are withdrawn is the conversation's.
 */
import { failureOf, rowsOf } from '../../agents/cells.ts';
import type { PipelineAnswer, PipelineRequest } from '../../agents/pipeline.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { Schema, Table } from '../../schema/schema.ts';
import { withoutHiddenValues } from '../../serving/mcp/table-facts.ts';
import type { CommandContext } from '../context.ts';
import { textTable, valueText } from '../table.ts';
import type { Workbench } from '../wiring/workbench.ts';
import { answerText, candidatesText, explanationText, printable, rowsText } from './answer-text.ts';

export interface Talk {
  readonly workbench: Workbench;
  readonly colors: CommandContext['colors'];
  readonly options: NonNullable<PipelineRequest['options']>;
  readonly rowsShownMax: number;
  readonly explain: boolean;
  /** Opens the statement in the person's editor; undefined where nothing came back. */
  readonly edit: (sql: string) => Promise<string | undefined>;
  /** Characters of a line of the terminal. */
  readonly width: () => number;
  /** Called with what is being done, for who waits. */
  readonly tell: (doing: string) => void;
  last: { readonly question?: string; readonly sql: string; readonly answer?: PipelineAnswer } | undefined;
}

interface TalkCommand {
  readonly name: string;
  readonly argument: string;
  readonly what: string;
  readonly run: (talk: Talk, rest: string, signal: AbortSignal) => Promise<string> | string;
}

export const LEAVE = Symbol('leave');

export async function askQuestion(
  talk: Talk,
  question: string,
  signal: AbortSignal,
  correction?: { readonly sql: string; readonly message: string },
): Promise<string> {
  const { workbench, colors, options, rowsShownMax, explain } = talk;
  const asked = { ...options, ...(correction === undefined ? {} : { correction }) };
  const answer = await workbench.pipeline.ask(
    { question, options: asked },
    {
      signal,
      observe: (event) => {
        if (event.type === 'step-start') talk.tell(event.step);
      },
    },
  );
  talk.last = { question, sql: answer.sql, answer };
  return answerText(answer, { rowsShownMax, explain, colors });
}

async function runStatement(talk: Talk, sql: string): Promise<string> {
  const { workbench, colors, rowsShownMax } = talk;
  talk.last = { ...talk.last, sql };
  talk.tell('execute');
  const execution = await workbench.execute(sql);
  if (execution.outcome === 'rows') return rowsText(rowsOf(execution, 1_000), rowsShownMax, colors);
  return `${colors.red('not answered:')} ${failureOf(execution)}`;
}

function needLast({ last }: Talk): NonNullable<Talk['last']> {
  if (last === undefined || last.sql === '') {
    throw new QuerentError('cli/no-statement', 'there is no statement yet', {
      next: 'Ask a question first, or write one with \\sql.',
    });
  }
  return last;
}

const withoutSemicolon = (text: string): string => text.replace(/;\s*$/, '').trim();

function tablesText({ tables }: Schema): string {
  return textTable(
    ['table', 'rows', 'columns', ''],
    tables.map(({ name, rowCount, columns, comment }) => [
      name,
      rowCount.toLocaleString('en'),
      String(columns.length),
      comment ?? '',
    ]),
    { alignRight: [false, true, true, false] },
  );
}

/** One line a column, cut where the terminal ends. */
function columnsText(table: Table, width: number): string {
  const keyOf = (column: string): string | undefined => {
    const key = table.foreignKeys.find(({ columns }) => columns.includes(column));
    return key && `-> ${key.referencedTable}.${key.referencedColumns[key.columns.indexOf(column)]}`;
  };
  const widest = (texts: readonly string[]): number => Math.max(...texts.map((text) => text.length));
  const nameWidth = widest(table.columns.map(({ name }) => name));
  const typeWidth = widest(table.columns.map(({ declaredType }) => declaredType));
  const lines = table.columns.map((column) => {
    const values = column.sampleValues.slice(0, 5).map(valueText).join(', ');
    const facts = [
      column.isPrimaryKey ? 'key' : keyOf(column.name),
      column.comment,
      values === '' ? undefined : `e.g. ${values}`,
    ].filter((fact) => fact !== undefined);
    const line = `  ${column.name.padEnd(nameWidth)}  ${column.declaredType.padEnd(typeWidth)}  ${facts.join('; ')}`;
    const plain = printable(line.replace(/\s*\n\s*/g, ' ')).trimEnd();
    return plain.length > width ? `${plain.slice(0, width - 1)}…` : plain;
  });
  const comment = table.comment === undefined ? '' : ` – ${printable(table.comment)}`;
  return [`${table.name}, ${table.rowCount.toLocaleString('en')} rows${comment}`, ...lines].join('\n');
}

function describe({ workbench, width }: Talk, name: string): string {
  const schema = withoutHiddenValues(workbench.schema, workbench.rules);
  if (name === '') return tablesText(schema);
  const wanted = withoutSemicolon(name).toLowerCase();
  const exact = schema.tables.filter((table) => table.name.toLowerCase() === wanted);
  const found =
    exact.length > 0 ? exact : schema.tables.filter((table) => table.name.toLowerCase().includes(wanted));
  if (found.length === 1) return columnsText(found[0]!, width());
  if (found.length > 1) return tablesText({ ...schema, tables: found });
  throw new QuerentError('cli/no-such-table', `there is no table "${name}"`, { next: '\\d lists them.' });
}

export const talkCommands: readonly TalkCommand[] = [
  { name: 'd', argument: '[table]', what: 'all tables, or the columns of one', run: describe },
  {
    name: 'explain',
    argument: '[statement]',
    what: 'what the last (or this) statement does, its plan, what would make it faster',
    run: async (talk, rest) => {
      const sql = rest === '' ? needLast(talk).sql : withoutSemicolon(rest);
      talk.tell('explain');
      return explanationText(await talk.workbench.explain(sql, { advice: true }), talk.colors);
    },
  },
  {
    name: 'edit',
    argument: '',
    what: 'the last statement in your editor ($EDITOR), then run it',
    run: async (talk) => {
      const edited = await talk.edit(`${talk.last?.sql ?? ''};`);
      const sql = withoutSemicolon(edited ?? '');
      if (sql === '') return 'nothing to run';
      return `${talk.colors.bold(sql)};\n${await runStatement(talk, sql)}`;
    },
  },
  {
    name: 'sql',
    argument: 'STATEMENT',
    what: 'run a statement, read-only',
    run: (talk, rest) => {
      const sql = withoutSemicolon(rest);
      return runStatement(talk, sql === '' ? needLast(talk).sql : sql);
    },
  },
  {
    name: 'candidates',
    argument: '',
    what: 'the statements that the last answer was chosen from',
    run: (talk) => candidatesText(needLast(talk).answer?.candidates ?? [], talk.colors),
  },
  {
    name: 'fix',
    argument: 'WORDS',
    what: 'say what is wrong with the last answer, and have it answered again',
    run: (talk, message, signal) => {
      const { question, sql } = needLast(talk);
      if (question === undefined || message === '') {
        throw new QuerentError('cli/nothing-to-fix', 'expected an answered question, and words after \\fix', {
          next: 'For example: \\fix only those of 2024',
        });
      }
      return askQuestion(talk, question, signal, { sql, message });
    },
  },
  { name: 'help', argument: '', what: 'this list', run: () => helpText() },
  { name: 'q', argument: '', what: 'leave (also Ctrl-D)', run: () => '' },
];

function helpText(): string {
  const names = talkCommands.map(({ name, argument }) => `\\${name} ${argument}`.trim());
  const width = Math.max(...names.map((name) => name.length));
  const lines = talkCommands.map(({ what }, at) => `  ${names[at]!.padEnd(width)}   ${what}`);
  return ['Ask in your own words, or:', ...lines, 'Ctrl-C withdraws what is running.'].join('\n');
}

/** One line: a question, or a command. */
export async function answerLine(
  talk: Talk,
  line: string,
  signal: AbortSignal,
): Promise<string | typeof LEAVE> {
  const text = line.trim();
  if (!text.startsWith('\\')) return askQuestion(talk, text, signal);
  const [, name = '', rest = ''] = /^\\(\S*)\s*(.*)$/s.exec(text)!;
  if (name === 'q' || name === 'quit') return LEAVE;
  const command = talkCommands.find((candidate) => candidate.name === name);
  if (command === undefined) {
    throw new QuerentError('cli/no-such-command', `there is no \\${name}`, {
      next: '\\help lists what there is.',
    });
  }
  return command.run(talk, rest.trim(), signal);
}
