/**
 * The names that a statement uses: tables, columns, and the names that it makes itself (aliases, common tables, output
 * columns). Reads tokens, so it also reads statements that no parser accepts; it knows no schema. Scopes are not told
 * apart: an alias counts in the whole statement.
 */
import { codeTokens, isKeyword, isName, type SqlToken } from '../database/sql-text.ts';

export interface ColumnUse {
  /** As written; the table or alias in front of the dot. */
  readonly qualifier: string | undefined;
  readonly name: string;
  /** Written in double quotes, which old SQLite may read as a string. */
  readonly isDoubleQuoted: boolean;
}

export interface NamesInSql {
  /** Names that stand where a table stands, common tables left out. */
  readonly tables: readonly string[];
  readonly columns: readonly ColumnUse[];
  /** Aliases in lower case with the tables they stand for; null where it is a subquery or a common table. */
  readonly aliases: ReadonlyMap<string, readonly (string | null)[]>;
  /** Names made by the statement: output columns, columns of common tables, windows; in lower case. */
  readonly madeNames: ReadonlySet<string>;
  /** True where a table function or VALUES brings columns of its own. */
  readonly hasOwnColumns: boolean;
}

interface Scope {
  isInFrom: boolean;
  expectsTable: boolean;
  /** `EXTRACT(… FROM …)` and its like: FROM starts no clause in there. */
  readonly isSpecialCall: boolean;
}

interface Reader {
  readonly tokens: readonly SqlToken[];
  at: number;
  readonly scopes: Scope[];
  readonly tables: string[];
  readonly columns: ColumnUse[];
  readonly aliases: Map<string, (string | null)[]>;
  readonly commonTables: Set<string>;
  readonly madeNames: Set<string>;
  hasOwnColumns: boolean;
}

const SPECIAL_CALLS = new Set(['extract', 'trim', 'substring', 'overlay', 'position']);
const FROM_ENDS = [
  'WHERE',
  'GROUP',
  'HAVING',
  'ORDER',
  'LIMIT',
  'WINDOW',
  'UNION',
  'INTERSECT',
  'EXCEPT',
  'SELECT',
  'SET',
];
/** Words of the language that the lexer takes for names. */
const LANGUAGE_WORDS = new Set(
  `true false current_date current_time current_timestamp localtime localtimestamp first last row others ties exclude
no current both leading trailing interval materialized`.split(/\s+/),
);

/** Keywords that SQLite nevertheless takes as the bare name of a table. */
const TABLE_KEYWORDS = [
  'MATCH',
  'RELEASE',
  'PLAN',
  'VIEW',
  'TRIGGER',
  'RANGE',
  'GROUPS',
  'ROWS',
  'BEGIN',
  'END',
];

const folded = (token: SqlToken): string => token.value.toLowerCase();

function addAlias(reader: Reader, alias: string, table: string | null): void {
  const isCommon = table !== null && reader.commonTables.has(table.toLowerCase());
  const target = isCommon ? null : table;
  reader.aliases.set(alias.toLowerCase(), [...(reader.aliases.get(alias.toLowerCase()) ?? []), target]);
}

/** An alias behind a table or a subquery: `AS a`, or just `a`. */
function readAlias(reader: Reader, table: string | null): void {
  const next = reader.tokens[reader.at];
  const at = isKeyword(next, 'AS') ? reader.at + 1 : reader.at;
  const token = reader.tokens[at];
  if (!isName(token)) return;
  addAlias(reader, token!.value, table);
  reader.at = at + 1;
}

/** `t`, `main.t` or a table function where FROM or JOIN expects a table. */
function readTable(reader: Reader): void {
  let name = reader.tokens[reader.at]!.value;
  reader.at += 1;
  while (reader.tokens[reader.at]?.text === '.' && isName(reader.tokens[reader.at + 1])) {
    name = reader.tokens[reader.at + 1]!.value;
    reader.at += 2;
  }
  if (reader.tokens[reader.at]?.text === '(') {
    reader.hasOwnColumns = true;
    return;
  }
  if (!reader.commonTables.has(name.toLowerCase())) reader.tables.push(name);
  addAlias(reader, name, name);
  readAlias(reader, name);
}

/** Common tables are named before they are used, so they are gathered first: `WITH a AS (`, `, b(x, y) AS (`. */
function gatherCommonTables(reader: Reader): void {
  const { tokens } = reader;
  tokens.forEach((token, at) => {
    const isFirst = isKeyword(token, 'WITH');
    const isNext = token.text === ',';
    if (!isFirst && !isNext) return;
    let next = isKeyword(tokens[at + 1], 'RECURSIVE') ? at + 2 : at + 1;
    const name = tokens[next];
    if (!isName(name)) return;
    next += 1;
    const columns: string[] = [];
    if (tokens[next]?.text === '(') {
      for (next += 1; next < tokens.length && tokens[next]!.text !== ')'; next++) {
        if (isName(tokens[next])) columns.push(folded(tokens[next]!));
      }
      next += 1;
    }
    if (!isKeyword(tokens[next], 'AS')) return;
    next += 1;
    while (isKeyword(tokens[next], 'NOT') || tokens[next]?.value.toLowerCase() === 'materialized') next += 1;
    if (tokens[next]?.text !== '(' || !isKeyword(tokens[next + 1], 'SELECT', 'WITH', 'VALUES')) return;
    reader.commonTables.add(folded(name!));
    for (const column of columns) reader.madeNames.add(column);
  });
}

function endsValue(token: SqlToken | undefined): boolean {
  if (token === undefined) return false;
  return (
    isName(token) ||
    token.kind === 'number' ||
    token.kind === 'string' ||
    token.text === ')' ||
    isKeyword(token, 'END', 'NULL')
  );
}

/** A name in an expression: a column, an alias that is being made, or a function. */
function readName(reader: Reader): void {
  const { tokens, at } = reader;
  const token = tokens[at]!;
  const before = tokens[at - 1];
  reader.at += 1;
  const next = tokens[at + 1];
  if (next?.text === '(' && token.kind === 'identifier') return;
  if (isKeyword(before, 'AS') || isKeyword(before, 'OVER', 'WINDOW', 'COLLATE') || endsValue(before)) {
    reader.madeNames.add(folded(token));
    return;
  }
  if (next?.text === '.') {
    const last = tokens[at + 2];
    if (isName(last) && tokens[at + 3]?.text === '.') return;
    if (isName(last) || last?.text === '*') {
      reader.columns.push({ qualifier: token.value, name: last!.value, isDoubleQuoted: false });
    }
    reader.at += isName(last) || last?.text === '*' ? 2 : 1;
    return;
  }
  if (token.kind === 'identifier' && LANGUAGE_WORDS.has(folded(token))) return;
  reader.columns.push({
    qualifier: undefined,
    name: token.value,
    isDoubleQuoted: token.text.startsWith('"'),
  });
}

function openParenthesis(reader: Reader, scope: Scope): void {
  const [before, next] = [reader.tokens[reader.at - 1], reader.tokens[reader.at + 1]];
  const isQuery = isKeyword(next, 'SELECT', 'WITH', 'VALUES');
  const isSpecialCall = before?.kind === 'identifier' && SPECIAL_CALLS.has(folded(before));
  if (isKeyword(next, 'VALUES')) reader.hasOwnColumns = true;
  const isNestedJoin = scope.expectsTable && !isQuery;
  reader.scopes.push({ isInFrom: isNestedJoin, expectsTable: isNestedJoin, isSpecialCall });
  reader.at += 1;
}

function closeParenthesis(reader: Reader): void {
  if (reader.scopes.length > 1) reader.scopes.pop();
  const scope = reader.scopes.at(-1)!;
  reader.at += 1;
  // A subquery where a table was expected may be given a name.
  if (scope.isInFrom && scope.expectsTable) readAlias(reader, null);
  if (scope.isInFrom) scope.expectsTable = false;
}

function readKeyword(reader: Reader, scope: Scope): void {
  const token = reader.tokens[reader.at]!;
  const before = reader.tokens[reader.at - 1];
  reader.at += 1;
  if (isKeyword(token, 'FROM') && !scope.isSpecialCall && !isKeyword(before, 'DISTINCT')) {
    scope.isInFrom = true;
    scope.expectsTable = true;
  } else if (isKeyword(token, 'JOIN', 'UPDATE', 'INTO')) {
    scope.isInFrom = true;
    scope.expectsTable = true;
  } else if (isKeyword(token, ...FROM_ENDS)) {
    scope.isInFrom = false;
    scope.expectsTable = false;
  } else if (isKeyword(token, 'ON', 'USING')) scope.expectsTable = false;
}

function step(reader: Reader): void {
  const token = reader.tokens[reader.at]!;
  const scope = reader.scopes.at(-1)!;
  if (token.text === '(') openParenthesis(reader, scope);
  else if (token.text === ')') closeParenthesis(reader);
  else if (scope.expectsTable && (isName(token) || isKeyword(token, ...TABLE_KEYWORDS))) {
    readTable(reader);
    scope.expectsTable = false;
  } else if (token.kind === 'keyword') readKeyword(reader, scope);
  else if (isName(token)) readName(reader);
  else {
    if (token.text === ',' && scope.isInFrom) scope.expectsTable = true;
    if (token.text === ';') reader.scopes.splice(0, reader.scopes.length, newScope());
    reader.at += 1;
  }
}

const newScope = (): Scope => ({ isInFrom: false, expectsTable: false, isSpecialCall: false });

export function identifiersOf(sql: string): NamesInSql {
  const reader: Reader = {
    tokens: codeTokens(sql),
    at: 0,
    scopes: [newScope()],
    tables: [],
    columns: [],
    aliases: new Map(),
    commonTables: new Set(),
    madeNames: new Set(),
    hasOwnColumns: false,
  };
  gatherCommonTables(reader);
  while (reader.at < reader.tokens.length) step(reader);
  const { tables, columns, aliases, madeNames, hasOwnColumns } = reader;
  return { tables, columns, aliases, madeNames, hasOwnColumns };
}
