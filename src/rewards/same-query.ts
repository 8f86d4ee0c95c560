/** Queries that are the same but for spacing, comments and the case of bare words: they need not run twice. */
import { codeTokens, type SqlToken } from '../database/sql-text.ts';

/** Longer texts are compared as they are: reading them would hold up the process that serves everybody. */
const CHARACTERS_MAX = 20_000;

function keyPart({ kind, value, text }: SqlToken): string {
  if (kind === 'keyword') return value;
  return kind === 'identifier' ? value.toLowerCase() : text;
}

/**
 * Equal keys mean equal results on every database: only what SQL itself disregards is dropped. Quoted names stay as they
 * are written, since SQLite may read them as strings.
 */
export function queryKey(sql: string): string {
  if (sql.length > CHARACTERS_MAX) return sql;
  const tokens = codeTokens(sql);
  while (tokens.at(-1)?.text === ';') tokens.pop();
  return tokens.map(keyPart).join(' ');
}

const REMEMBERED_CHARACTERS_MAX = 4_000;

/** `queryKey` that remembers the texts it saw last: the gold query of a group comes with every one of its samples. */
export function rememberingQueryKey(textsMax = 4_096): (sql: string) => string {
  const known = new Map<string, string>();
  return (sql) => {
    if (sql.length > REMEMBERED_CHARACTERS_MAX) return queryKey(sql);
    const found = known.get(sql);
    if (found !== undefined) return found;
    const key = queryKey(sql);
    if (known.size >= textsMax) known.clear();
    known.set(sql, key);
    return key;
  };
}
