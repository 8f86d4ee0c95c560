/**
 * The FROM clause that a statement's own columns imply: where every table of a comma-separated FROM is named by some
 * `table.column` of its SELECT, in the order of FROM, a model need not write the clause, and cannot contradict it.
 */
import { codeTokens, type SqlToken } from '../../database/sql-text.ts';
import { isWord, readSelectScopes, type SelectScope } from '../../schema/syntax/select-scopes.ts';

interface Scoped {
  readonly tokens: readonly SqlToken[];
  readonly scopes: readonly (SelectScope | undefined)[];
}

/** The first parts of the `name.column`s of one SELECT, each once, as they come. */
function qualifiers({ tokens, scopes }: Scoped, scope: SelectScope): string[] {
  const names = tokens.flatMap(({ kind, text }, i) =>
    scopes[i] === scope && kind === 'identifier' && tokens[i + 1]?.text === '.' ? [text] : [],
  );
  return [...new Set(names)];
}

function indexOfFrom({ tokens, scopes }: Scoped, scope: SelectScope): number {
  return tokens.findIndex(
    (token, i) => scopes[i] === scope && token.depth === scope.depth && isWord(token, 'FROM'),
  );
}

const aliasOf = (item: SelectScope['items'][number], sql: string): string =>
  sql.slice(item.start, item.end).split(/\s+/).at(-1)!;

const numbered = /_\d+$/;

/** Only `TABLE` and `TABLE AS TABLE_n` can be told from the columns alone. */
function isTold(item: SelectScope['items'][number], alias: string): boolean {
  return alias === item.table || (numbered.test(alias) && alias.replace(numbered, '') === item.table);
}

export function withoutImpliedFrom(sql: string): string {
  const tokens = codeTokens(sql);
  const read = readSelectScopes(tokens);
  if (read === undefined || tokens.some((token) => isWord(token, 'JOIN'))) return sql;
  const scoped = { tokens, scopes: read.scopes };
  const cuts: { readonly start: number; readonly end: number }[] = [];
  for (const scope of new Set(read.scopes)) {
    if (scope === undefined || scope.items.length < 2 || scope.hasOthers) continue;
    const aliases = scope.items.map((item) => aliasOf(item, sql));
    const isImplied = qualifiers(scoped, scope).join() === aliases.join();
    if (!isImplied || !scope.items.every((item, i) => isTold(item, aliases[i]!))) continue;
    cuts.push({ start: tokens[indexOfFrom(scoped, scope)]!.start, end: scope.items.at(-1)!.end });
  }
  return cuts
    .sort((a, b) => b.start - a.start)
    .reduce((text, { start, end }) => `${text.slice(0, start).trimEnd()}${text.slice(end)}`, sql)
    .trimEnd();
}

const afterFrom = /^(?:WHERE|GROUP|ORDER|HAVING|LIMIT|UNION|INTERSECT|EXCEPT)$/;

/** Where FROM belongs in the text: before the next clause of its SELECT, or where the SELECT ends. */
function placeOfFrom({ tokens, scopes }: Scoped, scope: SelectScope, sql: string): number {
  const first = tokens.findIndex((_, i) => scopes[i] === scope);
  for (let i = first + 1; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.depth < scope.depth) return token.start;
    if (token.depth === scope.depth && token.kind === 'keyword' && afterFrom.test(token.value))
      return token.start;
  }
  return sql.length;
}

/** The inverse; `tableNames`, in lower case, tell `CITY_0` as an alias of `CITY` from a table of that name. */
export function withImpliedFrom(sql: string, tableNames: ReadonlySet<string>): string {
  const tokens = codeTokens(sql);
  const read = readSelectScopes(tokens);
  if (read === undefined) return sql;
  const scoped = { tokens, scopes: read.scopes };
  const additions: { readonly at: number; readonly text: string }[] = [];
  for (const scope of new Set(read.scopes)) {
    if (scope === undefined || indexOfFrom(scoped, scope) >= 0) continue;
    const items = qualifiers(scoped, scope).map((name) => {
      const isTable = tableNames.has(name.toLowerCase()) || !numbered.test(name);
      return isTable ? name : `${name.replace(numbered, '')} AS ${name}`;
    });
    if (items.length > 0) additions.push({ at: placeOfFrom(scoped, scope, sql), text: items.join(' , ') });
  }
  return additions
    .sort((a, b) => b.at - a.at)
    .reduce(
      (text, { at, text: list }) => `${text.slice(0, at).trimEnd()} FROM ${list} ${text.slice(at)}`,
      sql,
    )
    .trimEnd();
}
