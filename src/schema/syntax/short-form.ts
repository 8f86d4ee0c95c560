/**
 * Statements in which every table has an alias (`SELECT CITYalias0.POPULATION FROM CITY AS CITYalias0`), as published sets
 * are often written, said shortly: `SELECT POPULATION FROM CITY`. Names are changed one for one, so the meaning is the
 * same; a statement that is not understood stays as it is.
 */
import { codeTokens } from '../../database/sql-text.ts';
import type { Schema } from '../schema.ts';
import {
  type FromItem,
  isWord,
  readSelectScopes,
  type SelectScope,
  type SelectScopes,
} from './select-scopes.ts';

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The table's own name where it occurs once in its FROM, else `TABLE_0`, `TABLE_1`; one of an outer query stays apart. */
function shortNames({ scopes, references }: SelectScopes): ReadonlyMap<FromItem, string> {
  const names = new Map<FromItem, string>();
  for (const scope of new Set(scopes)) {
    for (const item of scope?.items ?? []) {
      const same = scope!.items.filter(({ table }) => table.toLowerCase() === item.table.toLowerCase());
      names.set(item, same.length > 1 ? `${item.table}_${same.indexOf(item)}` : item.table);
    }
  }
  let outer = 0;
  for (const { from, to, item } of references) {
    for (
      let scope: SelectScope | undefined = from;
      scope !== undefined && scope !== to;
      scope = scope.parent
    ) {
      const isHidden = scope.items.some((inner) => names.get(inner) === names.get(item));
      if (isHidden) {
        names.set(item, `${item.table}_outer${outer === 0 ? '' : outer}`);
        outer += 1;
      }
    }
  }
  return names;
}

function apply(sql: string, edits: readonly Edit[]): string {
  let text = '';
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start)) {
    text += sql.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return (text + sql.slice(at)).replace(/\s*;\s*$/, '');
}

/** `"text"` as `'text'` where it is no name: SQLite reads both as a string, other parts of this program only the second. */
export function singleQuoted(sql: string): string {
  const tokens = codeTokens(sql);
  const edits = tokens.flatMap((token, i): Edit[] => {
    const isQualified = tokens[i - 1]?.text === '.' || tokens[i + 1]?.text === '.';
    const isNamed =
      isWord(tokens[i - 1], 'AS') || isWord(tokens[i - 1], 'FROM') || isWord(tokens[i - 1], 'JOIN');
    if (token.kind !== 'quoted-identifier' || !token.text.startsWith('"') || isQualified || isNamed)
      return [];
    return [{ start: token.start, end: token.end, text: `'${token.value.replaceAll("'", "''")}'` }];
  });
  return apply(sql, edits);
}

/** Aliases only where a table occurs twice, qualifiers only where a SELECT reads more than one table. */
export function shortForm(sql: string): string {
  const tokens = codeTokens(sql);
  const read = readSelectScopes(tokens);
  if (read === undefined) return sql;
  const names = shortNames(read);
  const tables = [...names].map(([{ start, end, table }, name]): Edit => {
    return { start, end, text: name === table ? table : `${table} AS ${name}` };
  });
  const columns = read.references.map(({ from, to, item, token, column }): Edit => {
    const isPlain = from === to && to.items.length === 1 && !to.hasOthers && column.text !== '*';
    return {
      start: token.start,
      end: isPlain ? column.start : token.end,
      text: isPlain ? '' : names.get(item)!,
    };
  });
  return apply(sql, [...tables, ...columns]);
}

/** Names of tables and columns in the schema's own capitals. */
export function inSchemaCase(sql: string, schema: Schema): string {
  const names = schema.tables.flatMap((table) => [table.name, ...table.columns.map((column) => column.name)]);
  const known = new Map(names.map((name) => [name.toLowerCase(), name]));
  const edits = codeTokens(sql).flatMap(({ kind, value, start, end }): Edit[] => {
    const name = kind === 'identifier' ? known.get(value.toLowerCase()) : undefined;
    return name === undefined ? [] : [{ start, end, text: name }];
  });
  return apply(sql, edits);
}
