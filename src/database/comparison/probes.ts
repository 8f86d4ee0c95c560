/**
 * Whether a query says everything about which rows it wants, what is in them and in what order. `ORDER BY points LIMIT 1`
 * does not where two rows have the most points, nor does a column that is neither grouped nor aggregated where its group
 * holds several values: SQLite gives any of them, and a query that means the same may give another. Two probes settle
 * what is left open, once upwards and once downwards; where they differ the query's answer is one of several. A probe is
 * only ever compared, never taken for the query's answer.
 */
import { codeTokens, isKeyword, isName, normalizeTokens, type SqlToken } from '../sql-text.ts';

/** What to put in the place of a piece of the text, in either probe. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly up: string;
  readonly down: string;
}

/** The tokens of one SELECT, those within its parentheses left out, up to where its parenthesis or the text ends. */
interface Scope {
  readonly tokens: readonly SqlToken[];
  readonly depth: number;
}

function scopesOf(tokens: readonly SqlToken[]): Scope[] {
  const open: { depth: number; tokens: SqlToken[] }[] = [{ depth: 0, tokens: [] }];
  const done: Scope[] = [];
  for (const token of tokens) {
    while (open.length > 1 && token.depth < open.at(-1)!.depth) done.push(open.pop()!);
    if (token.depth > open.at(-1)!.depth) open.push({ depth: token.depth, tokens: [] });
    open.at(-1)!.tokens.push(token);
  }
  return [...done, ...open.toReversed()].filter((scope) =>
    scope.tokens.some((token) => isKeyword(token, 'SELECT')),
  );
}

const SET_OPERATIONS = ['UNION', 'INTERSECT', 'EXCEPT'] as const;
const LIST_ENDS = [...SET_OPERATIONS, 'FROM', 'WHERE', 'GROUP', 'HAVING', 'ORDER', 'LIMIT', 'WINDOW'];

/** The parts of a list up to the end of its clause. */
function listFrom(tokens: readonly SqlToken[], start: number): SqlToken[][] {
  const parts: SqlToken[][] = [[]];
  for (const token of tokens.slice(start)) {
    if (isKeyword(token, ...LIST_ENDS) || token.text === ';' || token.text === ')') break;
    if (token.text === ',') parts.push([]);
    else parts.at(-1)!.push(token);
  }
  return parts.filter((part) => part.length > 0);
}

function selectItems(tokens: readonly SqlToken[]): SqlToken[][] {
  const select = tokens.findIndex((token) => isKeyword(token, 'SELECT'));
  return listFrom(tokens, isKeyword(tokens[select + 1], 'DISTINCT', 'ALL') ? select + 2 : select + 1);
}

/** Of its output; 1 where a star hides how many there are. */
function columnsOf(items: readonly SqlToken[][]): number {
  return items.some((item) => item.at(-1)!.text === '*') ? 1 : items.length;
}

/** Ties at a LIMIT, and in the outermost ORDER BY, are broken by the output columns. */
function tieEdits({ tokens, depth }: Scope, columnCount: number): Edit[] {
  const isOrdered = tokens.some((token, at) => isKeyword(token, 'ORDER') && isKeyword(tokens[at + 1], 'BY'));
  const limit = tokens.find((token) => isKeyword(token, 'LIMIT'));
  if (limit === undefined && !(isOrdered && depth === 0)) return [];
  const last = tokens.findLast((token) => token.text !== ';')!;
  const at = limit?.start ?? last.end;
  const columns = depth === 0 ? columnCount : columnsOf(selectItems(tokens));
  const terms = (direction: string) =>
    ` ${isOrdered ? ',' : 'ORDER BY'} ${Array.from({ length: columns }, (_, n) => `${n + 1} ${direction}`).join(', ')} `;
  return [{ start: at, end: at, up: terms('ASC'), down: terms('DESC') }];
}

const EXTREMES = /^(?:min|max)$/i;
const AGGREGATES = /^(?:count|sum|avg|total|group_concat|string_agg)$/i;

/** A plain column among aggregates becomes the least and the greatest of its group. */
function bareColumnEdits({ tokens }: Scope): Edit[] {
  if (tokens.some((token) => isKeyword(token, ...SET_OPERATIONS))) return [];
  const isCall = (pattern: RegExp) => (token: SqlToken, at: number) =>
    pattern.test(token.text) && tokens[at + 1]?.text === '(' && !isKeyword(tokens[at + 3], 'OVER');
  const group = tokens.findIndex((token, at) => isKeyword(token, 'GROUP') && isKeyword(tokens[at + 1], 'BY'));
  const isAggregate = group >= 0 || tokens.some(isCall(AGGREGATES));
  // With one MIN or MAX, SQLite takes plain columns from the row that holds it.
  if (!isAggregate || tokens.some(isCall(EXTREMES))) return [];
  const keys = group < 0 ? [] : listFrom(tokens, group + 2).map(normalizeTokens);
  return selectItems(tokens).flatMap((item): Edit[] => {
    const end = item[1]?.text === '.' ? 3 : 1;
    const column = item.slice(0, end);
    const isPlain =
      isName(item[0]) && isName(column.at(-1)) && (item.length === end || isKeyword(item[end], 'AS'));
    if (!isPlain || keys.includes(normalizeTokens(column))) return [];
    const text = column.map((token) => token.text).join('');
    return [{ start: column[0]!.start, end: column.at(-1)!.end, up: `min(${text})`, down: `max(${text})` }];
  });
}

function edited(sql: string, edits: readonly Edit[], which: 'up' | 'down'): string {
  let text = '';
  let from = 0;
  for (const edit of edits) {
    text += sql.slice(from, edit.start) + edit[which];
    from = edit.end;
  }
  return text + sql.slice(from);
}

/** Undefined where nothing is left open that a probe could settle. `columnCount`: of the query's result. */
export function probesOf(sql: string, columnCount: number): readonly [up: string, down: string] | undefined {
  if (columnCount === 0) return undefined;
  const edits = scopesOf(codeTokens(sql))
    .flatMap((scope) => [...tieEdits(scope, columnCount), ...bareColumnEdits(scope)])
    .sort((a, b) => a.start - b.start);
  return edits.length === 0 ? undefined : [edited(sql, edits, 'up'), edited(sql, edits, 'down')];
}
