/**
 * Which SELECT every word of a statement belongs to, which tables it reads, and which table each `name.column` means.
 * Works on tokens, so that positions in the text are kept; joins by USING and common table expressions are not understood.
 */
import type { SqlToken } from '../../database/sql-text.ts';

export interface FromItem {
  readonly table: string;
  /** As the statement calls it, in lower case. */
  readonly name: string;
  /** Characters of `TABLE AS ALIAS` in the text. */
  readonly start: number;
  readonly end: number;
}

/** One SELECT. */
export interface SelectScope {
  readonly depth: number;
  readonly parent: SelectScope | undefined;
  readonly items: FromItem[];
  /** Something that is no table in FROM: its columns are not known. */
  hasOthers: boolean;
}

export interface ColumnReference {
  readonly from: SelectScope;
  readonly to: SelectScope;
  readonly item: FromItem;
  readonly token: SqlToken;
  readonly column: SqlToken;
}

const isName = (token: SqlToken | undefined): token is SqlToken =>
  token?.kind === 'identifier' || (token?.kind === 'quoted-identifier' && !token.text.startsWith('"'));
export const isWord = (token: SqlToken | undefined, word: string): boolean =>
  token?.kind === 'keyword' && token.value === word;

const endsFrom = new Set([
  'WHERE',
  'GROUP',
  'ORDER',
  'HAVING',
  'LIMIT',
  'UNION',
  'INTERSECT',
  'EXCEPT',
  'WINDOW',
]);

/** The SELECT that each token stands in. */
function selectScopesOf(tokens: readonly SqlToken[]): (SelectScope | undefined)[] {
  let current: SelectScope | undefined;
  return tokens.map((token) => {
    while (current !== undefined && token.depth < current.depth) current = current.parent;
    if (isWord(token, 'SELECT')) {
      const parent = current?.depth === token.depth ? current.parent : current;
      current = { depth: token.depth, parent, items: [], hasOthers: false };
    }
    return current;
  });
}

function readFromItems(tokens: readonly SqlToken[], scopes: readonly (SelectScope | undefined)[]): void {
  const fromScopes = new Set<SelectScope>();
  let expects = false;
  tokens.forEach((token, i) => {
    const scope = scopes[i];
    if (scope === undefined || token.depth !== scope.depth) return;
    const inFrom = fromScopes.has(scope);
    if (isWord(token, 'FROM')) {
      fromScopes.add(scope);
      expects = true;
      return;
    }
    if (!inFrom) return;
    if (token.kind === 'keyword' && endsFrom.has(token.value)) fromScopes.delete(scope);
    else if (token.text === ',' || isWord(token, 'JOIN')) expects = true;
    else if (expects) {
      expects = false;
      if (!isName(token)) {
        scope.hasOthers = true;
        return;
      }
      const hasAs = isWord(tokens[i + 1], 'AS');
      const alias = tokens[i + (hasAs ? 2 : 1)];
      const last = isName(alias) ? alias : token;
      scope.items.push({
        table: token.value,
        name: last.value.toLowerCase(),
        start: token.start,
        end: last.end,
      });
    }
  });
}

/** Every `alias.column`, with the SELECT whose FROM has that alias. */
function readReferences(
  tokens: readonly SqlToken[],
  scopes: readonly (SelectScope | undefined)[],
): ColumnReference[] {
  return tokens.flatMap((token, i) => {
    const column = tokens[i + 2];
    const from = scopes[i];
    if (!isName(token) || tokens[i + 1]?.text !== '.' || column === undefined || from === undefined)
      return [];
    const name = token.value.toLowerCase();
    for (let to: SelectScope | undefined = from; to !== undefined; to = to.parent) {
      const item = to.items.find((candidate) => candidate.name === name);
      if (item !== undefined) return [{ from, to, item, token, column }];
    }
    return [];
  });
}

export interface SelectScopes {
  /** The innermost SELECT around each token. */
  readonly scopes: readonly (SelectScope | undefined)[];
  readonly references: readonly ColumnReference[];
}

/** The innermost SELECT around each token, with the tables of its FROM; common table expressions are tables like others. */
export function readTables(tokens: readonly SqlToken[]): readonly (SelectScope | undefined)[] {
  const scopes = selectScopesOf(tokens);
  readFromItems(tokens, scopes);
  return scopes;
}

/** Undefined where the statement has parts that are not understood here. */
export function readSelectScopes(tokens: readonly SqlToken[]): SelectScopes | undefined {
  if (['WITH', 'USING', 'NATURAL'].some((word) => tokens.some((token) => isWord(token, word))))
    return undefined;
  const scopes = readTables(tokens);
  return { scopes, references: readReferences(tokens, scopes) };
}
