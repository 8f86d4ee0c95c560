/**
 * Which columns a statement names, and the literals that it compares them with. Works on tokens; a statement with parts that
 * `select-scopes.ts` does not understand has none.
 */
import { codeTokens, type SqlToken } from '../../database/sql-text.ts';
import { isWord, readSelectScopes, type SelectScope } from './select-scopes.ts';

export interface ColumnUse {
  readonly table: string;
  readonly column: string;
  /** Numbers and strings that it is compared with; none where it is only named. */
  readonly literals: readonly SqlToken[];
}

/** The literals that follow a column and its operator: `= 'a'`, `IN ( 'a' , 'b' )`, `BETWEEN 1 AND 2`. */
function comparedWith(tokens: readonly SqlToken[], at: number): SqlToken[] {
  const found: SqlToken[] = [];
  for (let i = at; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.kind === 'string' || token.kind === 'number') found.push(token);
    else if (found.length > 0 && token.text !== ',' && !isWord(token, 'AND')) return found;
    else if (!/^([=<>!]+|[(,]|NOT|IN|LIKE|BETWEEN|AND)$/i.test(token.text)) return found;
  }
  return found;
}

/** The one table that a bare name in this SELECT can belong to. */
function onlyTable(scope: SelectScope | undefined): string | undefined {
  return scope?.items.length === 1 && !scope.hasOthers ? scope.items[0]!.table : undefined;
}

export function comparisonsIn(sql: string): ColumnUse[] {
  const tokens = codeTokens(sql);
  const read = readSelectScopes(tokens);
  if (read === undefined) return [];
  const items = new Set(read.scopes.flatMap((scope) => scope?.items ?? []));
  const isInFrom = ({ start }: SqlToken): boolean =>
    [...items].some((item) => item.start <= start && start < item.end);
  const tableOf = new Map(read.references.map(({ item, column }) => [column, item.table]));
  return tokens.flatMap((token, i) => {
    if (token.kind !== 'identifier' && token.kind !== 'quoted-identifier') return [];
    if (isWord(tokens[i - 1], 'AS') || isInFrom(token)) return [];
    const isBare = tokens[i - 1]?.text !== '.' && tokens[i + 1]?.text !== '.' && tokens[i + 1]?.text !== '(';
    const table = tableOf.get(token) ?? (isBare ? onlyTable(read.scopes[i]) : undefined);
    if (table === undefined) return [];
    return [{ table, column: token.value, literals: comparedWith(tokens, i + 1) }];
  });
}
