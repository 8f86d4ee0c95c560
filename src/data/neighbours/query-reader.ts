/**
 * A query's tokens with what its names stand for: the columns that a name can mean, constants, lists of constants. Reads
 * tokens, so it also reads what no parser accepts.
 */
import { codeTokens, isName, type SqlToken } from '../../database/sql-text.ts';
import { identifiersOf } from '../../schema/names-in-sql.ts';
import type { SourceDatabase, SourceTable } from './source.ts';

export type Constant = string | number;

export interface ColumnPlace {
  readonly table: string;
  readonly column: number;
}

export interface Reader {
  readonly tokens: readonly SqlToken[];
  /** The places that a column's name at this position can mean, and the position after it. */
  readonly refer: (
    at: number,
  ) => { readonly places: readonly ColumnPlace[]; readonly end: number } | undefined;
}

function findTable(source: SourceDatabase, name: string): SourceTable | undefined {
  return source.tables.find((table) => table.name.toLowerCase() === name.toLowerCase());
}

function columnAt(table: SourceTable, name: string): number {
  return table.columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase());
}

export function createReader(source: SourceDatabase, sql: string): { reader: Reader; tables: SourceTable[] } {
  const names = identifiersOf(sql);
  const tokens = codeTokens(sql);
  const find = (name: string) => findTable(source, name);
  const tables = [...new Set(names.tables.map(find).filter((table) => table !== undefined))];
  const placesOf = (candidates: readonly (SourceTable | undefined)[], name: string): ColumnPlace[] =>
    candidates.flatMap((table) => {
      const column = table === undefined ? -1 : columnAt(table, name);
      return column < 0 ? [] : [{ table: table!.name, column }];
    });
  const refer: Reader['refer'] = (at) => {
    const token = tokens[at];
    if (!isName(token) || tokens[at - 1]?.text === '.') return undefined;
    if (tokens[at + 1]?.text === '.' && isName(tokens[at + 2])) {
      const owners = names.aliases.get(token!.value.toLowerCase()) ?? [];
      const places = placesOf(
        owners.map((owner) => (owner === null ? undefined : find(owner))),
        tokens[at + 2]!.value,
      );
      return places.length === 0 ? undefined : { places, end: at + 3 };
    }
    const places = placesOf(tables, token!.value);
    return places.length === 0 ? undefined : { places, end: at + 1 };
  };
  return { reader: { tokens, refer }, tables };
}

/** A number, a string, or a "string" that is no column's name. */
export function readConstant(reader: Reader, at: number): { value: Constant; end: number } | undefined {
  const token = reader.tokens[at];
  if (token === undefined) return undefined;
  const next = reader.tokens[at + 1];
  if ((token.text === '-' || token.text === '+') && next?.kind === 'number') {
    return { value: Number(next.text) * (token.text === '-' ? -1 : 1), end: at + 2 };
  }
  if (token.kind === 'number') return { value: Number(token.text), end: at + 1 };
  if (token.kind === 'string') return { value: token.value, end: at + 1 };
  const isText = token.text.startsWith('"') && next?.text !== '.' && reader.refer(at) === undefined;
  return isText ? { value: token.value, end: at + 1 } : undefined;
}

export function readList(reader: Reader, open: number): Constant[] {
  const values: Constant[] = [];
  for (let at = open + 1; ; ) {
    const constant = readConstant(reader, at);
    if (constant === undefined) return [];
    values.push(constant.value);
    const separator = reader.tokens[constant.end];
    if (separator?.text === ')') return values;
    if (separator?.text !== ',') return [];
    at = constant.end + 1;
  }
}
