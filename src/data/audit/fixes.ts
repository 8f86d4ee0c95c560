/**
 * Corrections of a gold query that suggest themselves: a "text" in the quotes of a name, the word null for NULL, a name or
 * a value that is spelt a little differently in the database. A correction is offered only if it runs and gives rows, and
 * if there is just one.
 */
import type { Execution } from '../../database/execution.ts';
import { codeTokens, isKeyword, isName, type SqlToken } from '../../database/sql-text.ts';
import type { Schema } from '../../schema/schema.ts';

export type Execute = (sql: string) => Promise<Execution>;

/** Letters and digits only: how people spell the same thing differently. */
const folded = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

/** Optimal string alignment distance, given up beyond `max`. */
export function editDistance(a: string, b: string, max: number): number {
  if (Math.abs(a.length - b.length) > max) return max + 1;
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    if (Math.min(...row) > max) return max + 1;
    [before, last] = [last, row];
  }
  return last[b.length]!;
}

const DISTANCE_MAX = 2;
const CANDIDATES_MAX = 4;

/** The nearest ones, those that differ only in case and signs first; none for a text too short to be told from others. */
function nearest(wanted: string, known: readonly string[]): string[] {
  const same = known.filter((name) => name !== wanted && folded(name) === folded(wanted));
  if (same.length > 0) return same;
  if (wanted.length < 4) return [];
  const measured = known.map(
    (name) => [name, editDistance(name.toLowerCase(), wanted.toLowerCase(), DISTANCE_MAX)] as const,
  );
  const best = Math.min(DISTANCE_MAX, ...measured.map(([, distance]) => distance));
  return measured
    .filter(([name, distance]) => name !== wanted && distance === best && distance <= DISTANCE_MAX)
    .map(([name]) => name);
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function replaced(sql: string, token: SqlToken, text: string): string {
  return sql.slice(0, token.start) + text + sql.slice(token.end);
}

/** `= 'null'` asks for a text; what is meant is NULL. */
function withRealNull(sql: string): string[] {
  const tokens = codeTokens(sql);
  return tokens.flatMap((token, at) => {
    const operator = tokens[at - 1];
    const isText = token.kind === 'string' || token.text.startsWith('"');
    if (operator === undefined || !isText || !/^null$/i.test(token.value)) return [];
    const word =
      operator.text === '=' ? 'IS' : operator.text === '!=' || operator.text === '<>' ? 'IS NOT' : undefined;
    return word === undefined ? [] : [`${sql.slice(0, operator.start)}${word} NULL${sql.slice(token.end)}`];
  });
}

const isTextToken = (token: SqlToken): boolean => token.kind === 'string' || token.text.startsWith('"');

/** Each text of the query as the database spells it. */
function withStoredValues(sql: string, schema: Schema): string[] {
  const texts = [
    ...new Set(schema.tables.flatMap((table) => table.columns.flatMap((column) => column.textValues))),
  ];
  return codeTokens(sql)
    .filter((token) => isTextToken(token) && !token.value.includes('%') && !texts.includes(token.value))
    .flatMap((token) =>
      nearest(token.value, texts)
        .slice(0, CANDIDATES_MAX)
        .map((text) => replaced(sql, token, literal(text))),
    );
}

/** The name that the database does not know, as it spells it. */
function withKnownNames(sql: string, message: string, schema: Schema): string[] {
  const unknown = /no such (?:column|table): (?:\w+\.)*"?([^"]+?)"?$/i.exec(message)?.[1];
  if (unknown === undefined) return [];
  const isTable = /no such table/i.test(message);
  const names = isTable
    ? schema.tables.map(({ name }) => name)
    : [...new Set(schema.tables.flatMap(({ columns }) => columns.map(({ name }) => name)))];
  const tokens = codeTokens(sql).filter(
    (token) => isName(token) && token.value.toLowerCase() === unknown.toLowerCase(),
  );
  return nearest(unknown, names)
    .slice(0, CANDIDATES_MAX)
    .map((name) => tokens.toReversed().reduce((text, token) => replaced(text, token, name), sql));
}

/** Names in double quotes that are no names. */
function withSingleQuotes(sql: string, schema: Schema): string[] {
  const names = new Set(
    schema.tables.flatMap(({ name, columns }) =>
      [name, ...columns.map((column) => column.name)].map((n) => n.toLowerCase()),
    ),
  );
  const wrong = codeTokens(sql).filter(
    (token, at, all) =>
      token.text.startsWith('"') &&
      !names.has(token.value.toLowerCase()) &&
      !isKeyword(all[at - 1], 'AS') &&
      all[at - 1]?.text !== '.',
  );
  if (wrong.length === 0) return [];
  return [wrong.toReversed().reduce((text, token) => replaced(text, token, literal(token.value)), sql)];
}

async function theOnlyOneWithRows(
  candidates: readonly string[],
  execute: Execute,
): Promise<string | undefined> {
  const good: string[] = [];
  for (const sql of new Set(candidates)) {
    const execution = await execute(sql);
    const hasRows =
      execution.outcome === 'rows' && execution.rows.some((row) => row.some((value) => value !== null));
    if (hasRows) good.push(sql);
  }
  return good.length === 1 ? good[0] : undefined;
}

/** Of a query that fails with this message. */
export function fixForError(
  sql: string,
  message: string,
  schema: Schema,
  execute: Execute,
): Promise<string | undefined> {
  return theOnlyOneWithRows(
    [...withSingleQuotes(sql, schema), ...withKnownNames(sql, message, schema)],
    execute,
  );
}

/** Of a query that gives no rows. */
export function fixForEmpty(sql: string, schema: Schema, execute: Execute): Promise<string | undefined> {
  return theOnlyOneWithRows([...withRealNull(sql), ...withStoredValues(sql, schema)], execute);
}
