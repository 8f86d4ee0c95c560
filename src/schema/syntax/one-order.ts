/**
 * One order for what has none in statements with JOIN: FROM starts at the table of the first output column, each join follows
 * what it hangs on, ON names the earlier table first, the conditions of WHERE follow their tables, GROUP BY names a CASE among
 * the output columns by its place, rows of a group that meet a condition are counted. Statements that say the same then become the same, and a model need not guess which way
 * somebody would have written it. Rows and columns stay; what is not understood stays as it is (`normal-form.ts` is
 * for statements with comma-separated tables).
 */
import { codeTokens, type SqlToken, splitAtCommas } from '../../database/sql-text.ts';
import { isWord } from './select-scopes.ts';

/** Stands for a query in parentheses while the text around it is ordered. */
const QUERY = /§(\d+)§/g;

interface Joined {
  /** As FROM has it: `TABLE` or `TABLE AS a`. */
  readonly text: string;
  readonly name: string;
  /** Both sides of its ON; none for the first table. */
  readonly on: readonly [string, string] | undefined;
}

/** Ends of the outermost parentheses that hold a query. */
function innerQueries(tokens: readonly SqlToken[]): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const opens =
      tokens[i]!.text === '(' && (isWord(tokens[i + 1], 'SELECT') || isWord(tokens[i + 1], 'WITH'));
    if (!opens) continue;
    const { depth, end } = tokens[i]!;
    const closes = tokens.findIndex((token, j) => j > i && token.text === ')' && token.depth === depth);
    if (closes < 0) return found;
    found.push({ start: end, end: tokens[closes]!.start });
    i = closes;
  }
  return found;
}

export function inOneOrder(sql: string): string {
  // Text of the statement's own that looks like a mark would be taken for one.
  if (sql.includes('§')) return sql;
  const queries: string[] = [];
  let flat = '';
  let at = 0;
  for (const { start, end } of innerQueries(codeTokens(sql))) {
    flat += `${sql.slice(at, start)}§${queries.length}§`;
    queries.push(inOneOrder(sql.slice(start, end)));
    at = end;
  }
  flat += sql.slice(at);
  return orderedQuery(flat).replace(QUERY, (_, index: string) => queries[Number(index)]!);
}

const setOperators = new Set(['UNION', 'INTERSECT', 'EXCEPT']);

/** The SELECTs of a query without inner queries, one after the other. */
function orderedQuery(text: string): string {
  const tokens = codeTokens(text).filter((token) => token.depth === 0);
  const starts = tokens.filter((token) => isWord(token, 'SELECT')).map((token) => token.start);
  if (starts.length === 0) return text;
  const ends = starts.map((start, i) => {
    const limit = starts[i + 1] ?? text.length;
    const operator = tokens.find(
      (token) =>
        token.start > start &&
        token.start < limit &&
        token.kind === 'keyword' &&
        setOperators.has(token.value),
    );
    return operator?.start ?? limit;
  });
  let result = text.slice(0, starts[0]);
  starts.forEach((start, i) => {
    const select = text.slice(start, ends[i]);
    const gap = /\s*$/.exec(select)![0];
    result += orderedSelect(select.trimEnd()) + gap + text.slice(ends[i], starts[i + 1] ?? text.length);
  });
  return result;
}

const clauseWords = ['FROM', 'WHERE', 'GROUP', 'HAVING', 'ORDER', 'LIMIT'];

function orderedSelect(text: string): string {
  const tokens = codeTokens(text).filter((token) => token.depth === 0);
  const clauses = clauseWords.flatMap((word) => {
    const token = tokens.find((candidate) => isWord(candidate, word));
    return token === undefined ? [] : [{ word, start: token.start }];
  });
  if (clauses[0]?.word !== 'FROM') return text;
  const parts = clauses.map(({ word, start }, i) => ({
    word,
    text: text.slice(start, clauses[i + 1]?.start ?? text.length).trim(),
  }));
  const isGrouped = clauses.some(({ word }) => word === 'GROUP');
  const counted = (part: string): string => (isGrouped ? countedCases(part) : part);
  const outputs = counted(text.slice(0, clauses[0].start).trim());
  const tables = readJoins(parts[0]!.text.slice('FROM'.length).trim());
  const ordered = tables === undefined ? undefined : orderedJoins(tables, outputs);
  const written = parts.map((part) => {
    if (part.word === 'FROM' && ordered !== undefined) return fromText(ordered);
    if (part.word === 'WHERE' && tables !== undefined) return whereText(part.text, ordered ?? tables);
    if (part.word === 'GROUP') return groupText(part.text, outputs);
    return counted(part.text);
  });
  return [outputs, ...written].join(' ');
}

const tablePattern = /^(\w+)(?: AS (\w+))?$/;
const onPattern = /^(\w+\.\w+) = (\w+\.\w+)$/;
const ownerOf = (column: string): string => column.slice(0, column.indexOf('.'));

/** Undefined where FROM is more than tables joined by one equality each. */
function readJoins(from: string): Joined[] | undefined {
  const joined: Joined[] = [];
  for (const [i, part] of from.split(' JOIN ').entries()) {
    const [table, on, ...more] = part.split(' ON ');
    const names = tablePattern.exec(table!);
    const sides = on === undefined ? null : onPattern.exec(on);
    if (names === null || more.length > 0 || i > 0 !== (sides !== null)) return undefined;
    joined.push({
      text: table!,
      name: names[2] ?? names[1]!,
      on: sides === null ? undefined : [sides[1]!, sides[2]!],
    });
  }
  const distinct = new Set(joined.map(({ text }) => tablePattern.exec(text)![1]));
  // Of two roles of one table the text alone does not say which comes first.
  return distinct.size === joined.length ? joined : undefined;
}

/** From the table of the first output column outwards; undefined where no join reaches a table. */
function orderedJoins(tables: readonly Joined[], outputs: string): Joined[] | undefined {
  const names = new Set(tables.map(({ name }) => name));
  const first = [...outputs.matchAll(/(\w+)\./g)].find(([, name]) => names.has(name!))?.[1];
  const start = tables.find(({ name }) => name === first) ?? tables[0]!;
  const edges = tables.flatMap(({ on }) => (on === undefined ? [] : [on]));
  const placed: Joined[] = [{ ...start, on: undefined }];
  const left = new Set(edges);
  while (left.size > 0) {
    const reached = new Set(placed.map(({ name }) => name));
    const edge = [...left].find((sides) => sides.some((side) => reached.has(ownerOf(side))));
    if (edge === undefined) return undefined;
    left.delete(edge);
    const [near, far] = reached.has(ownerOf(edge[0])) ? edge : [edge[1], edge[0]];
    const table = tables.find(({ name }) => name === ownerOf(far));
    if (table === undefined || reached.has(table.name)) return undefined;
    placed.push({ ...table, on: [near, far] });
  }
  return placed.length === tables.length ? placed : undefined;
}

function fromText(tables: readonly Joined[]): string {
  const [first, ...others] = tables;
  const joins = others.map(({ text, on }) => ` JOIN ${text} ON ${on![0]} = ${on![1]}`);
  return `FROM ${first!.text}${joins.join('')}`;
}

/** Conditions by the place of their table, then by the name of their column; those with queries last. */
function whereText(where: string, tables: readonly Joined[]): string {
  const conditions = conjunctsOf(where.slice('WHERE'.length).trim());
  if (conditions === undefined) return where;
  const keyed = conditions.map((text, i) => {
    const column = /(?:(\w+)\.)?([A-Za-z_]\w*)/.exec(text.replace(/^NOT /, ''));
    const place = tables.findIndex(({ name }) => name === column?.[1]);
    const hasQuery = text.includes('§');
    return {
      text,
      i,
      place: hasQuery ? tables.length : Math.max(0, place),
      column: hasQuery ? '' : (column?.[2] ?? ''),
    };
  });
  keyed.sort(
    (a, b) => a.place - b.place || (a.column < b.column ? -1 : a.column > b.column ? 1 : 0) || a.i - b.i,
  );
  return `WHERE ${keyed.map(({ text }) => text).join(' AND ')}`;
}

/** GROUP BY with a CASE of the output columns by its place, whether it repeats the CASE or names its alias. */
function groupText(group: string, outputs: string): string {
  const columns = itemsOf(outputs.replace(/^SELECT( DISTINCT)? /, ''));
  const places = new Map<string, string>();
  columns.forEach((column, i) => {
    const match = /^(CASE .* END)(?: AS (\w+))?$/.exec(column);
    for (const name of match?.slice(1) ?? []) if (name !== undefined) places.set(name, String(i + 1));
  });
  const items = itemsOf(group.replace(/^GROUP BY /, ''));
  return places.size === 0 ? group : `GROUP BY ${items.map((item) => places.get(item) ?? item).join(', ')}`;
}

const sumOfOnes = ['THEN', '1', 'ELSE', '0', 'END', ')'];

/** In a group, which has rows: how many meet a condition is counted, not summed up from ones and zeros. */
function countedCases(text: string): string {
  const tokens = codeTokens(text);
  const opens = tokens.flatMap((token, at) => {
    const isSum = token.value.toUpperCase() === 'SUM' && tokens[at + 1]?.text === '(';
    return isSum && isWord(tokens[at + 2], 'CASE') && isWord(tokens[at + 3], 'WHEN') ? [at] : [];
  });
  const edits = opens.flatMap((at) => {
    const { depth, start, end } = tokens[at]!;
    const close = tokens.findIndex((token, i) => i > at && token.text === ')' && token.depth === depth);
    const ending = tokens.slice(close - 5, close + 1);
    const cases = tokens.slice(at, close).filter((token) => isWord(token, 'WHEN') || isWord(token, 'CASE'));
    const isCount =
      cases.length === 2 && ending.every((token, i) => token.text.toUpperCase() === sumOfOnes[i]);
    // Of a window or a filter there may be no rows.
    const isPlain = !['OVER', 'FILTER'].includes(tokens[close + 1]?.text.toUpperCase() ?? '');
    if (close < 0 || !isCount || !isPlain) return [];
    return [
      { start, end, text: 'COUNT' },
      { start: ending[2]!.start, end: ending[4]!.start, text: '' },
    ];
  });
  return edits.reduceRight(
    (edited, { start, end, text: other }) => edited.slice(0, start) + other + edited.slice(end),
    text,
  );
}

/** What stands between the commas outside parentheses. */
function itemsOf(text: string): string[] {
  return splitAtCommas(codeTokens(text)).map((part) => text.slice(part[0]!.start, part.at(-1)!.end));
}

/** Undefined where OR joins them. */
function conjunctsOf(text: string): string[] | undefined {
  const tokens = codeTokens(text);
  let betweens = 0;
  let cases = 0;
  let at = 0;
  const found: string[] = [];
  for (const token of tokens) {
    if (token.depth > 0) continue;
    if (isWord(token, 'CASE')) cases += 1;
    if (isWord(token, 'END')) cases -= 1;
    if (cases > 0) continue;
    if (isWord(token, 'OR')) return undefined;
    if (isWord(token, 'BETWEEN')) betweens += 1;
    if (!isWord(token, 'AND')) continue;
    if (betweens > 0) {
      betweens -= 1;
      continue;
    }
    found.push(text.slice(at, token.start).trim());
    at = token.end;
  }
  return [...found, text.slice(at).trim()];
}
