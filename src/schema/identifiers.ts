/** Which tables of a schema a statement uses, and which of its tables and columns the schema does not have. */
import { type ColumnUse, identifiersOf, type NamesInSql } from './names-in-sql.ts';
import type { Schema } from './schema.ts';

export { identifiersOf, type NamesInSql } from './names-in-sql.ts';

export interface IdentifierUse {
  /** Tables of the schema that the statement reads, as the schema spells them. */
  readonly tables: readonly string[];
  /** Invented tables (`Foo`) and columns (`Bar`, `PROJSTAFF.Bar`), each once, as written. */
  readonly invented: readonly string[];
}

export interface IdentifierOptions {
  /** "text" in double quotes may be a string and is not counted. Default false. */
  readonly doubleQuotedStrings?: boolean;
}

const CATALOGUE = new Set([
  'sqlite_master',
  'sqlite_schema',
  'sqlite_temp_master',
  'sqlite_temp_schema',
  'sqlite_sequence',
]);
const CATALOGUE_COLUMNS = ['type', 'name', 'tbl_name', 'rootpage', 'sql'];
const ROW_ID = new Set(['rowid', 'oid', '_rowid_']);

type ColumnsByTable = ReadonlyMap<string, ReadonlySet<string>>;

const columnsCache = new WeakMap<Schema, ColumnsByTable>();

function columnsByTable(schema: Schema): ColumnsByTable {
  const known = columnsCache.get(schema);
  if (known !== undefined) return known;
  const columns = new Map(
    schema.tables.map(({ name, columns }) => [
      name.toLowerCase(),
      new Set(columns.map((column) => column.name.toLowerCase())),
    ]),
  );
  for (const table of CATALOGUE) if (!columns.has(table)) columns.set(table, new Set(CATALOGUE_COLUMNS));
  columnsCache.set(schema, columns);
  return columns;
}

interface Known {
  readonly names: NamesInSql;
  readonly columns: ColumnsByTable;
  /** Columns of all tables that the statement names. */
  readonly inScope: ReadonlySet<string>;
}

/** A bare name must be a column of a table that the statement names, or a name that the statement makes. */
function isKnownName(name: string, { names, inScope }: Known): boolean {
  const key = name.toLowerCase();
  return inScope.has(key) || names.madeNames.has(key) || ROW_ID.has(key) || names.hasOwnColumns;
}

function isKnownColumn({ qualifier, name }: ColumnUse, known: Known): boolean {
  if (qualifier === undefined) return isKnownName(name, known) || known.names.aliases.has(name.toLowerCase());
  const targets = known.names.aliases.get(qualifier.toLowerCase());
  if (targets === undefined) return known.names.hasOwnColumns;
  if (name === '*') return true;
  return targets.some((table) => {
    const columns = table === null ? undefined : known.columns.get(table.toLowerCase());
    // Columns of a subquery or common table are names that the statement made or passes on.
    if (columns === undefined) return table !== null || isKnownName(name, known);
    return columns.has(name.toLowerCase()) || ROW_ID.has(name.toLowerCase());
  });
}

/**
 * Counts as invented: a table that the schema lacks; a column that no table named in the statement has; a qualified
 * column that its table lacks; a qualifier that nothing introduces. A column of an invented table is not counted again.
 */
export function identifierUse(sql: string, schema: Schema, options: IdentifierOptions = {}): IdentifierUse {
  const names = identifiersOf(sql);
  const columns = columnsByTable(schema);
  const used = new Set(names.tables.map((table) => table.toLowerCase()));
  const inScope = new Set([...used].flatMap((table) => [...(columns.get(table) ?? [])]));
  const known: Known = { names, columns, inScope };
  const inventedTables = names.tables.filter((table) => !columns.has(table.toLowerCase()));
  const inventedColumns = names.columns
    .filter((use) => !(use.isDoubleQuoted && options.doubleQuotedStrings) && !isKnownColumn(use, known))
    .map(({ qualifier, name }) => (qualifier === undefined ? name : `${qualifier}.${name}`));
  return {
    tables: schema.tables.map(({ name }) => name).filter((name) => used.has(name.toLowerCase())),
    invented: [...new Set([...inventedTables, ...inventedColumns])],
  };
}

/** Tables and columns in the statement that the schema does not have. */
export function inventedIdentifiers(sql: string, schema: Schema, options: IdentifierOptions = {}): string[] {
  return [...identifierUse(sql, schema, options).invented];
}
