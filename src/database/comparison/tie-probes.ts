/**
 * Whether a query says everything about which rows it wants and in what order. `ORDER BY points LIMIT 1` does not where two
 * rows have the most points: SQLite gives one of them, and a query that means the same may give the other. Two probes
 * break such ties by the output columns, once upwards and once downwards; where they differ the query leaves something
 * open. A probe is only ever compared, never taken for the query's answer.
 */
import { codeTokens, isKeyword, type SqlToken } from '../sql-text.ts';

/** Where a tie breaker goes into the text, for how many output columns, and whether an ORDER BY stands there already. */
interface Gap {
  readonly at: number;
  readonly columns: number;
  readonly isOrdered: boolean;
}

/** The tokens from the parenthesis (or the start) before a position up to it, those of inner parentheses left out. */
function scopeBefore(tokens: readonly SqlToken[], at: number): SqlToken[] {
  const { depth } = tokens[at]!;
  const scope: SqlToken[] = [];
  for (let index = at - 1; index >= 0; index--) {
    const token = tokens[index]!;
    if (token.depth < depth) break;
    if (token.depth === depth) scope.unshift(token);
  }
  return scope;
}

/** Of the first SELECT; 1 where a star hides how many there are. */
function columnsOf(scope: readonly SqlToken[]): number {
  const start = scope.findIndex((token) => isKeyword(token, 'SELECT'));
  const rest = scope.slice(start + 1);
  const end = rest.findIndex((token) => isKeyword(token, 'FROM'));
  const items = end < 0 ? rest : rest.slice(0, end);
  const isStar = items.some(
    (token, at) => token.text === '*' && (at === 0 || [',', '.'].includes(items[at - 1]!.text)),
  );
  return isStar ? 1 : 1 + items.filter((token) => token.text === ',').length;
}

const hasOrderBy = (scope: readonly SqlToken[]): boolean =>
  scope.some((token, at) => isKeyword(token, 'ORDER') && isKeyword(scope[at + 1], 'BY'));

function gapsOf(sql: string, columnCount: number): Gap[] {
  const tokens = codeTokens(sql);
  const gaps = tokens.flatMap((token, at): Gap[] => {
    if (!isKeyword(token, 'LIMIT')) return [];
    const scope = scopeBefore(tokens, at);
    if (!scope.some((other) => isKeyword(other, 'SELECT'))) return [];
    const columns = token.depth === 0 ? columnCount : columnsOf(scope);
    return [{ at: token.start, columns, isOrdered: hasOrderBy(scope) }];
  });
  const outer = tokens.filter((token) => token.depth === 0 && token.text !== ';');
  const hasOuterLimit = outer.some((token) => isKeyword(token, 'LIMIT'));
  if (!hasOuterLimit && hasOrderBy(outer))
    gaps.push({ at: outer.at(-1)!.end, columns: columnCount, isOrdered: true });
  return gaps;
}

function filled(sql: string, gaps: readonly Gap[], direction: 'ASC' | 'DESC'): string {
  let text = '';
  let from = 0;
  for (const { at, columns, isOrdered } of gaps) {
    const terms = Array.from({ length: columns }, (_, column) => `${column + 1} ${direction}`).join(', ');
    text += `${sql.slice(from, at)} ${isOrdered ? ',' : 'ORDER BY'} ${terms} `;
    from = at;
  }
  return text + sql.slice(from);
}

/** Undefined where the query has neither LIMIT nor an outermost ORDER BY. `columnCount`: of its result. */
export function tieProbes(sql: string, columnCount: number): readonly [up: string, down: string] | undefined {
  const gaps = gapsOf(sql, columnCount);
  return gaps.length === 0 || columnCount === 0
    ? undefined
    : [filled(sql, gaps, 'ASC'), filled(sql, gaps, 'DESC')];
}
