/**
 * Other ways to write a statement that let SQLite use an index or read less. Only such as mean the same whatever the data:
 * they are found in the tokens, and a statement in which the pattern is not certain is left alone. They are proposed to a
 * person and never run in place of what was asked.
 */
import { codeTokens, isKeyword, isName, type SqlToken } from '../../database/sql-text.ts';

export interface Rewrite {
  readonly message: string;
  readonly sql: string;
}

/** `strftime('%Y', d) = '2024'` on ISO dates: a range of days, which an index can find. */
function yearRange(sql: string, tokens: readonly SqlToken[]): Rewrite | undefined {
  for (let at = 0; at < tokens.length; at++) {
    if (tokens[at]!.value.toLowerCase() !== 'strftime' || tokens[at + 1]?.text !== '(') continue;
    if (tokens[at + 2]?.value !== '%Y' || tokens[at + 3]?.text !== ',') continue;
    const isQualified = tokens[at + 5]?.text === '.';
    const last = isQualified ? at + 6 : at + 4;
    const [close, equals, year] = [tokens[last + 1], tokens[last + 2], tokens[last + 3]];
    if (!isName(tokens[last]) || close?.text !== ')' || equals?.text !== '=') continue;
    if (year?.kind !== 'string' || !/^\d{4}$/.test(year.value)) continue;
    const column = sql.slice(tokens[at + 4]!.start, tokens[last]!.end);
    const range = `(${column} >= '${year.value}-01-01' AND ${column} < '${Number(year.value) + 1}-01-01')`;
    const rewritten = sql.slice(0, tokens[at]!.start) + range + sql.slice(year.end);
    const message = `Compare ${column} with the first days of two years: an index on it can then be used (dates written YYYY-MM-DD).`;
    return { message, sql: rewritten };
  }
  return undefined;
}

/** UNION sorts to find doubles; where the parts cannot overlap or doubles are wanted, UNION ALL does not. Not the same: left out. */
function distinctWithGroup(sql: string, tokens: readonly SqlToken[]): Rewrite | undefined {
  const [first, second] = tokens;
  if (!isKeyword(first, 'SELECT') || !isKeyword(second, 'DISTINCT')) return undefined;
  const selects = tokens.filter((token) => isKeyword(token, 'SELECT')).length;
  const group = tokens.findIndex((token) => isKeyword(token, 'GROUP'));
  const from = tokens.findIndex((token) => isKeyword(token, 'FROM'));
  if (selects !== 1 || group < 0 || from < 0) return undefined;
  const grouped = tokens[group + 2];
  const next = tokens[group + 3];
  const isSingle =
    isName(grouped) &&
    (next === undefined || isKeyword(next, 'HAVING', 'ORDER', 'LIMIT') || next.text === ';');
  const isShown = tokens.slice(2, from).some((token, at, shown) => {
    const [before, after] = [shown[at - 1], shown[at + 1]];
    const isAlone =
      (before === undefined || before.text === ',') && (after === undefined || after.text === ',');
    return isName(token) && isAlone && token.value.toLowerCase() === grouped?.value.toLowerCase();
  });
  if (!isSingle || !isShown) return undefined;
  const rewritten = sql.slice(0, second!.start) + sql.slice(tokens[2]!.start);
  return { message: `Each ${grouped!.value} is one group already: DISTINCT is not needed.`, sql: rewritten };
}

export function rewritesOf(sql: string): Rewrite[] {
  const tokens = codeTokens(sql);
  return [yearRange(sql, tokens), distinctWithGroup(sql, tokens)].filter((rewrite) => rewrite !== undefined);
}
