/**
 * Where the clauses of each SELECT of a statement lie in its text, and edits of them: a further condition, a further output
 * column, an order. It knows SQL text; it does not know questions. What it does not understand it leaves alone.
 */
import { codeTokens, type SqlToken, splitAtCommas } from '../../database/sql-text.ts';
import { type FromItem, isWord, readTables, type SelectScope } from '../../schema/syntax/select-scopes.ts';
import { resolveMarks } from '../synthesis/select.ts';

/** One SELECT without the queries inside it. */
export interface SelectPart {
  readonly items: readonly FromItem[];
  /** Its words outside all parentheses. */
  readonly words: readonly SqlToken[];
  /** Names in front of a dot, in lower case. */
  readonly qualifiers: ReadonlySet<string>;
  /** Where its text ends. */
  readonly end: number;
  readonly isOutermost: boolean;
}

export interface Statement {
  readonly sql: string;
  readonly tokens: readonly SqlToken[];
  readonly selects: readonly SelectPart[];
}

const setOperators = new Set(['UNION', 'INTERSECT', 'EXCEPT']);
const afterWhere = new Set(['GROUP', 'HAVING', 'ORDER', 'LIMIT', 'WINDOW', ...setOperators]);

function selectPart(
  sql: string,
  tokens: readonly SqlToken[],
  scopes: readonly (SelectScope | undefined)[],
  scope: SelectScope,
): SelectPart {
  const first = tokens.findIndex((_, i) => scopes[i] === scope);
  const words: SqlToken[] = [];
  const qualifiers = new Set<string>();
  let end = sql.length;
  for (let i = first; i < tokens.length; i++) {
    const token = tokens[i]!;
    const isOver = token.depth < scope.depth;
    if (
      isOver ||
      (token.depth === scope.depth && token.kind === 'keyword' && setOperators.has(token.value))
    ) {
      end = token.start;
      break;
    }
    if (scopes[i] !== scope) continue;
    if (token.depth === scope.depth) words.push(token);
    if (tokens[i + 1]?.text === '.') qualifiers.add(token.value.toLowerCase());
  }
  return { items: scope.items, words, qualifiers, end, isOutermost: scope.depth === 0 };
}

export function readStatement(sql: string): Statement {
  const tokens = codeTokens(sql);
  const scopes = readTables(tokens);
  const selects = [...new Set(scopes)].flatMap((scope) =>
    scope === undefined ? [] : [selectPart(sql, tokens, scopes, scope)],
  );
  return { sql, tokens, selects };
}

export const hasWord = (words: readonly SqlToken[], word: string): boolean =>
  words.some((token) => isWord(token, word));

/** Outer joins, recursion and groups of conditions joined by OR mean something else with a further condition. */
export function canRestrict({ tokens, selects }: Statement): boolean {
  if (hasWord(tokens, 'LEFT') || hasWord(tokens, 'RECURSIVE')) return false;
  return !selects.some(({ words }) => hasWord(words, 'OR'));
}

/** The SELECTs that read a table; undefined where one of them reads it twice. */
export function readersOf({ selects }: Statement, table: string): readonly SelectPart[] | undefined {
  const readers = selects.filter(({ items }) => items.some((item) => item.table === table));
  const twice = readers.some(({ items }) => items.filter((item) => item.table === table).length > 1);
  return twice ? undefined : readers;
}

/** Whether the statement names a column, whatever the table. */
export function namesColumn({ tokens }: Statement, column: string): boolean {
  return tokens.some((token) => token.kind === 'identifier' && token.value === column);
}

/** Columns bare or with the table's name, as the SELECT already writes those of this table. */
function resolved(marked: string, { sql }: Statement, select: SelectPart, item: FromItem): string {
  if (select.items.length === 1 && !select.qualifiers.has(item.name)) return resolveMarks(marked, 'bare');
  return resolveMarks(marked, 'qualified', sql.slice(item.start, item.end).split(/\s+/).at(-1)!);
}

interface Insertion {
  readonly at: number;
  readonly text: string;
}

function inserted(sql: string, insertions: readonly Insertion[]): string {
  const ordered = [...insertions].sort((a, b) => b.at - a.at);
  return ordered.reduce((text, { at, text: added }) => {
    const rest = text.slice(at);
    const gap = rest === '' || /^[\s),]/.test(rest) ? '' : ' ';
    return `${text.slice(0, at).trimEnd()}${added}${gap}${rest}`;
  }, sql);
}

function conditionInsertion(
  statement: Statement,
  select: SelectPart,
  table: string,
  marked: string,
): Insertion {
  const item = select.items.find((candidate) => candidate.table === table)!;
  const condition = resolved(marked, statement, select, item);
  const where = select.words.findIndex((token) => isWord(token, 'WHERE'));
  const next = select.words.find(
    (token, i) =>
      i > where && token.kind === 'keyword' && afterWhere.has(token.value) && token.start > item.end,
  );
  return { at: next?.start ?? select.end, text: ` ${where < 0 ? 'WHERE' : 'AND'} ${condition}` };
}

/** The statement as if the table had only the rows that meet a condition (with column marks). */
export function withCondition(
  statement: Statement,
  readers: readonly SelectPart[],
  table: string,
  marked: string,
): string {
  return inserted(
    statement.sql,
    readers.map((select) => conditionInsertion(statement, select, table, marked)),
  );
}

/** The SELECT whose rows are the answer, where there is only one. */
export function answerSelect({ selects }: Statement): SelectPart | undefined {
  const outermost = selects.filter((select) => select.isOutermost);
  return outermost.length === 1 ? outermost[0] : undefined;
}

export function fromOf(select: SelectPart): SqlToken | undefined {
  return select.words.find((token) => isWord(token, 'FROM'));
}

/** The texts of the output columns. */
export function outputsOf({ sql, tokens }: Statement, select: SelectPart): readonly string[] {
  const from = fromOf(select);
  const first = select.words[0]!;
  if (from === undefined) return [];
  const list = tokens.filter((token) => token.start > first.start && token.start < from.start);
  return splitAtCommas(list, first.depth).map((part) => sql.slice(part[0]!.start, part.at(-1)!.end));
}

/** The statement with other output columns. */
export function withOutputs({ sql }: Statement, select: SelectPart, outputs: readonly string[]): string {
  const from = fromOf(select)!;
  return `${sql.slice(0, select.words[0]!.end)} ${outputs.join(', ')} ${sql.slice(from.start)}`;
}

/** A column of the table as this SELECT writes it. */
export function columnText(statement: Statement, select: SelectPart, table: string, marked: string): string {
  const item = select.items.find((candidate) => candidate.table === table)!;
  return resolved(marked, statement, select, item);
}
