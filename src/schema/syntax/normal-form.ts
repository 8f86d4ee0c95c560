/**
 * One order for what has none: the conditions of WHERE follow the joins from the table that is selected (a table's own
 * conditions, then each join with what hangs on it), the tables of a comma-separated FROM come as the columns name them.
 * Parentheses around AND in AND go, aliases are numbered in that order. Statements that say the same in another order become the same, and each thing that
 * a question asks for becomes one stretch of text. A statement that is not understood stays as it is.
 */
import { codeTokens, type SqlToken } from '../../database/sql-text.ts';
import { isWord, readSelectScopes } from './select-scopes.ts';
import { shortForm } from './short-form.ts';

interface FromTable {
  readonly table: string;
  /** As the statement calls it, in lower case. */
  readonly name: string;
}

interface Condition {
  readonly tokens: readonly SqlToken[];
  /** The tables of this SELECT that it reads. */
  readonly tables: ReadonlySet<FromTable>;
}

const clauseStarts = new Set(['FROM', 'WHERE', 'GROUP', 'ORDER', 'HAVING', 'LIMIT']);
const setOperators = new Set(['UNION', 'INTERSECT', 'EXCEPT']);

const isKeyword = (token: SqlToken | undefined, words: ReadonlySet<string>): boolean =>
  token?.kind === 'keyword' && words.has(token.value);

/** The tokens in runs, a new one before each token that `startsRun`. */
function runs(tokens: readonly SqlToken[], startsRun: (token: SqlToken, i: number) => boolean): SqlToken[][] {
  const found: SqlToken[][] = [[]];
  tokens.forEach((token, i) => {
    if (i > 0 && startsRun(token, i)) found.push([]);
    found.at(-1)!.push(token);
  });
  return found;
}

/** Where the parenthesis at `at` closes. */
function closing(tokens: readonly SqlToken[], at: number): number {
  const { depth } = tokens[at]!;
  return tokens.findIndex((token, i) => i > at && token.text === ')' && token.depth === depth);
}

function isWrapped(tokens: readonly SqlToken[]): boolean {
  const isGroup = tokens[0]?.text === '(' && !isWord(tokens[1], 'SELECT');
  return isGroup && closing(tokens, 0) === tokens.length - 1;
}

/** Operands of a chain of AND or OR at one depth; the AND of BETWEEN belongs to its operand. */
function operands(tokens: readonly SqlToken[], operator: 'AND' | 'OR'): SqlToken[][] {
  const { depth } = tokens[0]!;
  let betweens = 0;
  const parts = runs(tokens, (token) => {
    if (token.depth !== depth) return false;
    if (isWord(token, 'BETWEEN')) betweens += 1;
    if (!isWord(token, operator)) return false;
    if (operator === 'AND' && betweens > 0) {
      betweens -= 1;
      return false;
    }
    return true;
  });
  return parts.map((part, i) => (i === 0 ? part : part.slice(1)));
}

/** The conditions that all must hold, parentheses around AND taken off. */
function conjuncts(tokens: readonly SqlToken[]): SqlToken[][] {
  if (isWrapped(tokens)) {
    const inner = tokens.slice(1, -1);
    return operands(inner, 'OR').length > 1 ? [[...tokens]] : conjuncts(inner);
  }
  if (operands(tokens, 'OR').length > 1) return [[...tokens]];
  const parts = operands(tokens, 'AND');
  return parts.length === 1 ? parts : parts.flatMap(conjuncts);
}

function readTables(tokens: readonly SqlToken[]): FromTable[] | undefined {
  const { depth } = tokens[0]!;
  const parts = runs(tokens.slice(1), (token) => token.depth === depth && token.text === ',');
  const tables = parts.map((part, i) => {
    const [table, as, alias] = i === 0 ? part : part.slice(1);
    const length = part.length - (i === 0 ? 0 : 1);
    if (table?.kind !== 'identifier' || (length !== 1 && (length !== 3 || !isWord(as, 'AS'))))
      return undefined;
    return { table: table.value, name: (alias ?? table).value.toLowerCase() };
  });
  return tables.every((table) => table !== undefined) ? tables : undefined;
}

function tablesIn(tokens: readonly SqlToken[], tables: readonly FromTable[]): FromTable[] {
  const names = new Map(tables.map((table) => [table.name, table]));
  return tokens.flatMap((token, i) =>
    token.kind === 'identifier' && tokens[i + 1]?.text === '.'
      ? (names.get(token.value.toLowerCase()) ?? [])
      : [],
  );
}

const written = (tokens: readonly SqlToken[]): string => tokens.map(({ text }) => text).join(' ');

/** A condition from one table's side: by the column that it begins with there. */
function sideOf({ tokens }: Condition, { name }: FromTable): string {
  const at = tokens.findIndex(
    (token, i) => token.value.toLowerCase() === name && tokens[i + 1]?.text === '.',
  );
  return `${tokens[at + 2]?.value ?? ''} ${written(tokens.filter(({ kind }) => kind === 'punctuation' || kind === 'keyword'))}`;
}

interface Ordered {
  readonly tables: readonly FromTable[];
  readonly conditions: readonly Condition[];
}

/** From the first table along the joins; conditions over several tables (OR) come last, in the order they had. */
function follow(first: FromTable, tables: readonly FromTable[], conditions: readonly Condition[]): Ordered {
  const visited: FromTable[] = [];
  const placed = new Set<Condition>();
  const isJoin = ({ tables: two, tokens }: Condition): boolean =>
    two.size === 2 && tokens.length === 7 && tokens[3]?.text === '=';
  const bySide = (table: FromTable, some: readonly Condition[]): Condition[] =>
    some
      .map((condition) => ({ condition, side: sideOf(condition, table) }))
      .sort((a, b) => (a.side < b.side ? -1 : Number(a.side > b.side)))
      .map(({ condition }) => condition);
  const visit = (table: FromTable): void => {
    visited.push(table);
    const own = conditions.filter((one) => one.tables.size === 1 && one.tables.has(table));
    for (const condition of bySide(table, own)) placed.add(condition);
    const joins = conditions.filter((one) => isJoin(one) && one.tables.has(table));
    for (const join of bySide(table, joins)) {
      if (placed.has(join)) continue;
      placed.add(join);
      const other = [...join.tables].find((one) => one !== table)!;
      if (!visited.includes(other)) visit(other);
    }
  };
  visit(first);
  for (const table of tables) if (!visited.includes(table)) visit(table);
  for (const condition of conditions) placed.add(condition);
  return { tables: visited, conditions: [...placed] };
}

type Names = ReadonlyMap<string, { readonly name: string; readonly isAlone: boolean }>;

function namesOf(tables: readonly FromTable[]): Names {
  return new Map(
    tables.map((table) => {
      const same = tables.filter((other) => other.table.toLowerCase() === table.table.toLowerCase());
      const name = same.length > 1 ? `${table.table}_${same.indexOf(table)}` : table.table;
      return [table.name, { name, isAlone: tables.length === 1 }];
    }),
  );
}

/** Tokens as text, names changed, subqueries in their own normal form. */
function render(tokens: readonly SqlToken[], names: Names): string {
  const words: string[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.text === '(' && isWord(tokens[i + 1], 'SELECT')) {
      const end = closing(tokens, i);
      words.push('(', renderQuery(tokens.slice(i + 1, end)), ')');
      i = end;
      continue;
    }
    const known = tokens[i + 1]?.text === '.' ? names.get(token.value.toLowerCase()) : undefined;
    if (token.kind !== 'identifier' || tokens[i + 1]?.text !== '.') words.push(token.text);
    else {
      const column = tokens[i + 2]!.text;
      const isBare = known?.isAlone === true && column !== '*';
      words.push(isBare ? column : `${known?.name ?? token.text}.${column}`);
      i += 2;
    }
  }
  return words.join(' ');
}

function renderSelect(tokens: readonly SqlToken[]): string {
  const { depth } = tokens[0]!;
  const clauses = runs(tokens, (token) => token.depth === depth && isKeyword(token, clauseStarts));
  const from = clauses.find(([first]) => isWord(first, 'FROM'));
  const tables = from === undefined ? undefined : readTables(from);
  if (tables === undefined || from === undefined)
    return clauses.map((clause) => render(clause, new Map())).join(' ');
  const where = clauses.find(([first]) => isWord(first, 'WHERE'));
  const conditions = where === undefined ? [] : conjuncts(where.slice(1));
  const [first = tables[0]!] = tablesIn(clauses[0]!, tables);
  const ordered = follow(
    first,
    tables,
    conditions.map((own) => ({ tokens: own, tables: new Set(tablesIn(own, tables)) })),
  );
  const names = namesOf(ordered.tables);
  const others = clauses.filter((clause) => clause !== from && clause !== where);
  const seen = [
    ...others[0]!,
    ...ordered.conditions.flatMap(({ tokens: own }) => own),
    ...others.slice(1).flat(),
  ];
  const parts = clauses.map((clause) => {
    if (clause === from) return `FROM ${byAppearance(ordered.tables, seen).map(fromItem(names)).join(' , ')}`;
    if (clause !== where) return render(clause, names);
    return `WHERE ${ordered.conditions.map(({ tokens: own }) => render(own, names)).join(' AND ')}`;
  });
  return parts.join(' ');
}

/** Tables in the order in which the columns of a statement name them. */
function byAppearance(tables: readonly FromTable[], tokens: readonly SqlToken[]): FromTable[] {
  return [...new Set([...tablesIn(tokens, tables), ...tables])];
}

const fromItem =
  (names: Names) =>
  ({ table, name }: FromTable): string => {
    const { name: short } = names.get(name)!;
    return short === table ? table : `${table} AS ${short}`;
  };

function renderQuery(tokens: readonly SqlToken[]): string {
  const { depth } = tokens[0]!;
  const selects = runs(tokens, (token, i) => {
    if (token.depth !== depth) return false;
    return isKeyword(token, setOperators) || (isWord(token, 'SELECT') && i > 0);
  });
  return selects.map((part) => (isWord(part[0], 'SELECT') ? renderSelect(part) : written(part))).join(' ');
}

/** As `shortForm`, and in one order. */
export function normalForm(sql: string): string {
  const tokens = codeTokens(sql).filter(({ text }) => text !== ';');
  const read = readSelectScopes(tokens);
  const isPlain =
    read !== undefined &&
    isWord(tokens[0], 'SELECT') &&
    read.references.every(({ from, to }) => from === to) &&
    !tokens.some((token) => isWord(token, 'JOIN') || token.kind === 'quoted-identifier');
  return isPlain ? renderQuery(tokens) : shortForm(sql);
}
