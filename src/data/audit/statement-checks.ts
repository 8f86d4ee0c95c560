/** What the text of a gold query says without running it. */
import { codeTokens, isKeyword } from '../../database/sql-text.ts';
import { identifiersOf } from '../../schema/names-in-sql.ts';

const RANDOM =
  /^(?:random|randomblob|current_date|current_time|current_timestamp|now|curdate|changes|last_insert_rowid)$/i;
const CLOCK = /^(?:date|time|datetime|julianday|unixepoch|strftime|timediff)$/i;

/** The word that makes the answer depend on the moment; undefined where there is none. */
export function momentWord(sql: string): string | undefined {
  const tokens = codeTokens(sql);
  for (const [at, token] of tokens.entries()) {
    const isCall = tokens[at + 1]?.text === '(';
    const isBare = /^current_/i.test(token.text) && token.kind !== 'string';
    const isNow = token.kind === 'string' && /^now$/i.test(token.value);
    const call = isNow
      ? tokens.slice(0, at).findLastIndex(({ text, depth }) => text === '(' && depth < token.depth)
      : -1;
    if (call > 0 && CLOCK.test(tokens[call - 1]!.text)) return `'now'`;
    if (CLOCK.test(token.text) && isCall && tokens[at + 2]?.text === ')') return `${token.text}()`;
    if (token.kind === 'identifier' && RANDOM.test(token.text) && (isCall || isBare)) return token.text;
  }
  return undefined;
}

export function readsNoTable(sql: string): boolean {
  const { tables, hasOwnColumns } = identifiersOf(sql);
  return tables.length === 0 && !hasOwnColumns && !codeTokens(sql).some((token) => isKeyword(token, 'FROM'));
}

export function hasLimit(sql: string): boolean {
  return codeTokens(sql).some((token) => isKeyword(token, 'LIMIT', 'FETCH'));
}

/** A LIMIT somewhere without any ORDER BY in the query. */
export function limitsWithoutOrder(sql: string): boolean {
  return hasLimit(sql) && !codeTokens(sql).some((token) => isKeyword(token, 'ORDER'));
}
