/**
 * What neighbours are made from: the tables of a SQLite file with their keys and a sample of their rows, and the statements
 * that make the other objects. Reads only; knows nothing of queries. Triggers are left out: they would act while rows are
 * written. So are virtual tables.
 */
import type { SqlValue } from '../../database/execution.ts';
import { quoteName } from '../../database/sql-text.ts';
import { type Database, openSqliteFile } from '../../database/sqlite-file.ts';
import { sharedSqlite } from '../../database/wasm.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import type { ForeignKey, Schema } from '../../schema/schema.ts';

export interface SourceColumn {
  readonly name: string;
  readonly declaredType: string;
  readonly isNotNull: boolean;
}

/** A foreign key, declared or inferred; columns by their position. */
export interface Link {
  readonly columns: readonly number[];
  readonly parent: string;
  readonly targets: readonly number[];
  /** No row of the source breaks it; only then must it hold in a neighbour. */
  readonly isValid: boolean;
}

export interface SourceTable {
  readonly name: string;
  readonly ddl: string;
  /** Those that are stored, generated ones left out. */
  readonly columns: readonly SourceColumn[];
  readonly rowCount: number;
  /** All rows of a small table, else every n-th. */
  readonly rows: readonly (readonly SqlValue[])[];
  /** Positions; empty where there is none. */
  readonly primaryKey: readonly number[];
  /** Column sets that a constraint or an index makes unique, the primary key left out. */
  readonly uniques: readonly (readonly number[])[];
  readonly links: readonly Link[];
}

export interface SourceDatabase {
  /** A table comes after those that it refers to, as far as they do not refer to each other. */
  readonly tables: readonly SourceTable[];
  /** Indexes, then views. */
  readonly otherDdl: readonly string[];
  readonly schemaHash: string;
}

type Query = (sql: string) => readonly (readonly SqlValue[])[];

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

function sampleRows(
  query: Query,
  table: string,
  columns: readonly SourceColumn[],
  rowsMax: number,
  rowCount: number,
) {
  const list = columns.map(({ name }) => `"${name.replaceAll('"', '""')}"`).join(', ');
  const step = Math.max(1, Math.floor(rowCount / rowsMax));
  const from =
    step === 1
      ? quoteName(table)
      : `(SELECT *, row_number() OVER () AS "querent row" FROM ${quoteName(table)}) WHERE "querent row" % ${step} = 0`;
  return query(`SELECT ${list} FROM ${from} LIMIT ${rowsMax}`);
}

function uniqueSets(query: Query, table: string, positionOf: (name: string) => number): number[][] {
  const indexes = query(
    `SELECT name FROM pragma_index_list(${literal(table)}) WHERE "unique" = 1 AND partial = 0 AND origin <> 'pk'`,
  );
  return indexes
    .map(([index]) =>
      query(`SELECT name FROM pragma_index_info(${literal(String(index))})`).map(([name]) =>
        positionOf(String(name)),
      ),
    )
    .filter((columns) => columns.every((at) => at >= 0));
}

/** Whether some row refers to a row that is not there. */
function hasOrphans(query: Query, table: string, key: ForeignKey): boolean {
  const pairs = key.columns.map(
    (name, at) => [quoteName(name), quoteName(key.referencedColumns[at]!)] as const,
  );
  const isSet = pairs.map(([own]) => `child.${own} IS NOT NULL`).join(' AND ');
  const isParent = pairs.map(([own, target]) => `parent.${target} = child.${own}`).join(' AND ');
  const orphans = query(
    `SELECT 1 FROM ${quoteName(table)} AS child WHERE ${isSet} AND NOT EXISTS ` +
      `(SELECT 1 FROM ${quoteName(key.referencedTable)} AS parent WHERE ${isParent}) LIMIT 1`,
  );
  return orphans.length > 0;
}

function parentsFirst(tables: readonly SourceTable[]): SourceTable[] {
  const sorted: SourceTable[] = [];
  const visited = new Set<string>();
  const visit = (table: SourceTable) => {
    if (visited.has(table.name)) return;
    visited.add(table.name);
    for (const { parent } of table.links) {
      const found = tables.find(({ name }) => name === parent);
      if (found !== undefined) visit(found);
    }
    sorted.push(table);
  };
  for (const table of tables) visit(table);
  return sorted;
}

function readTable(query: Query, schema: Schema, name: string, ddl: string, rowsMax: number): SourceTable {
  const described = schema.tables.find((table) => table.name === name)!;
  const columns = query(
    `SELECT name, type, "notnull" FROM pragma_table_xinfo(${literal(name)}) WHERE hidden = 0 ORDER BY cid`,
  ).map(
    ([column, type, notNull]): SourceColumn => ({
      name: String(column),
      declaredType: String(type ?? ''),
      isNotNull: Number(notNull) !== 0,
    }),
  );
  const positionIn = (names: readonly { readonly name: string }[], wanted: string): number =>
    names.findIndex((column) => column.name.toLowerCase() === wanted.toLowerCase());
  const positionOf = (wanted: string) => positionIn(columns, wanted);
  const links = described.foreignKeys.map((key): Link => {
    const parent = schema.tables.find((table) => table.name === key.referencedTable)!;
    return {
      columns: key.columns.map(positionOf),
      parent: key.referencedTable,
      targets: key.referencedColumns.map((column) => positionIn(parent.columns, column)),
      isValid: !hasOrphans(query, name, key),
    };
  });
  return {
    name,
    ddl,
    columns,
    rowCount: described.rowCount,
    rows: sampleRows(query, name, columns, rowsMax, described.rowCount),
    primaryKey: described.primaryKey.map(positionOf),
    uniques: uniqueSets(query, name, positionOf),
    links: links.filter((link) => [...link.columns, ...link.targets].every((at) => at >= 0)),
  };
}

function readDatabase(database: Database, schema: Schema, rowsMax: number): SourceDatabase {
  const query: Query = (sql) => database.exec({ sql, rowMode: 'array', returnValue: 'resultRows' }) as never;
  const objects = query(
    `SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid`,
  ).map(([type, name, sql]) => ({ type: String(type), name: String(name), sql: String(sql) }));
  const isVirtual = (sql: string) => /^\s*CREATE\s+VIRTUAL\b/i.test(sql);
  const virtual = objects.filter(({ sql }) => isVirtual(sql)).map(({ name }) => name);
  const isShadow = (name: string) => virtual.some((table) => name.startsWith(`${table}_`));
  const tables = objects
    .filter(({ type, name, sql }) => type === 'table' && !isVirtual(sql) && !isShadow(name))
    .map(({ name, sql }) => readTable(query, schema, name, sql, rowsMax));
  const ddlOf = (wanted: string) => objects.filter(({ type }) => type === wanted).map(({ sql }) => sql);
  return {
    tables: parentsFirst(tables),
    otherDdl: [...ddlOf('index'), ...ddlOf('view')],
    schemaHash: schema.hash,
  };
}

/** `rowsMax`: rows sampled of each table. */
export async function readSource(path: string, rowsMax: number): Promise<SourceDatabase> {
  const schema = await introspectSqlite(path, { maxIndexedValues: 0, maxSampleValues: 3 });
  const { database, close } = openSqliteFile(await sharedSqlite(), path);
  try {
    return readDatabase(database, schema, rowsMax);
  } finally {
    close();
  }
}
