/**
 * Rows as SQLite files: a neighbour with the source's own schema, and its twin – the same rows in the reverse order in
 * tables without keys and indexes. What a query makes of both alike does not depend on how the rows happen to lie.
 */
import type { SqlValue } from '../../database/execution.ts';
import type { Database } from '../../database/sqlite-file.ts';
import { type Sqlite3Static, sharedSqlite } from '../../database/wasm.ts';
import type { TableRows } from './drawn-table.ts';
import type { SourceDatabase, SourceTable } from './source.ts';

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

const rowsOf = (database: Database, sql: string): SqlValue[][] =>
  database.exec({ sql, rowMode: 'array', returnValue: 'resultRows' }) as never;

function insertRows(database: Database, table: string, columns: readonly string[], rows: TableRows): void {
  if (columns.length === 0) return;
  const places = columns.map(() => '?').join(', ');
  const insert = database.prepare(
    `INSERT OR IGNORE INTO ${quote(table)} (${columns.map(quote).join(', ')}) VALUES (${places})`,
  );
  try {
    for (const row of rows) insert.bind([...row] as never).stepReset();
  } finally {
    insert.finalize();
  }
}

/** Rows that a constraint refused may be missing as parents: whoever refers to them goes too. */
function removeOrphans(database: Database, tables: readonly SourceTable[]): void {
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    for (const { name, columns, links } of tables) {
      for (const { columns: own, targets, parent, isValid } of links) {
        const parentTable = tables.find((table) => table.name === parent);
        if (!isValid || parentTable === undefined) continue;
        const isSet = own.map((at) => `${quote(name)}.${quote(columns[at]!.name)} IS NOT NULL`);
        const isParent = own.map(
          (at, n) =>
            `parent.${quote(parentTable.columns[targets[n]!]!.name)} = ${quote(name)}.${quote(columns[at]!.name)}`,
        );
        database.exec(
          `DELETE FROM ${quote(name)} WHERE ${isSet.join(' AND ')} AND NOT EXISTS ` +
            `(SELECT 1 FROM ${quote(parent)} AS parent WHERE ${isParent.join(' AND ')})`,
        );
        isChanged ||= database.changes() > 0;
      }
    }
  }
}

/** Views and indexes that cannot be made, for want of a table that is left out, are left out too. */
function runLeniently(database: Database, statements: readonly string[]): void {
  for (const sql of statements) {
    try {
      database.exec(sql);
    } catch {
      // Whoever uses it is told by the database.
    }
  }
}

/** The collation of a column that is not SQLite's default, as DDL. */
function collationOf(
  { capi, wasm }: Sqlite3Static,
  database: Database,
  table: string,
  column: string,
): string {
  const stack = wasm.pstack.pointer;
  try {
    const [type, collation] = wasm.pstack.allocPtr(2, false) as unknown as [number, number];
    const code = capi.sqlite3_table_column_metadata(
      database,
      'main',
      table,
      column,
      type,
      collation,
      0,
      0,
      0,
    );
    const name = code === capi.SQLITE_OK ? wasm.cstrToJs(wasm.peekPtr(collation) as number) : null;
    return name === null || name.toUpperCase() === 'BINARY' ? '' : ` COLLATE ${quote(name)}`;
  } finally {
    wasm.pstack.restore(stack);
  }
}

function exportAndClose(sqlite: Sqlite3Static, database: Database): Uint8Array {
  try {
    return sqlite.capi.sqlite3_js_db_export(database);
  } finally {
    database.close();
  }
}

/** The same rows in the reverse order, in tables without keys and indexes. */
export function createTwin(sqlite: Sqlite3Static, original: Database): Uint8Array {
  const twin: Database = new sqlite.oo1.DB(':memory:');
  twin.exec('BEGIN');
  const tables = rowsOf(
    original,
    `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
  ).map(([name]) => String(name));
  for (const table of tables) {
    const columns = rowsOf(
      original,
      `SELECT name, type FROM pragma_table_xinfo(${literal(table)}) WHERE hidden <> 1`,
    );
    const names = columns.map(([name]) => String(name));
    const declared = columns.map(
      ([name, type]) =>
        `${quote(String(name))} ${String(type ?? '')}${collationOf(sqlite, original, table, String(name))}`,
    );
    twin.exec(`CREATE TABLE ${quote(table)} (${declared.join(', ')})`);
    const rows = rowsOf(original, `SELECT ${names.map(quote).join(', ')} FROM ${quote(table)}`);
    insertRows(twin, table, names, rows.reverse());
  }
  twin.exec('COMMIT');
  const views = rowsOf(original, "SELECT sql FROM sqlite_master WHERE type = 'view' ORDER BY rowid");
  runLeniently(
    twin,
    views.map(([sql]) => String(sql)),
  );
  return exportAndClose(sqlite, twin);
}

export interface WrittenDatabase {
  readonly bytes: Uint8Array;
  readonly twin: Uint8Array;
}

export async function writeDatabase(
  source: SourceDatabase,
  rows: ReadonlyMap<string, TableRows>,
): Promise<WrittenDatabase> {
  const sqlite = await sharedSqlite();
  const database: Database = new sqlite.oo1.DB(':memory:');
  database.exec('PRAGMA foreign_keys = OFF; BEGIN');
  for (const { ddl, name, columns } of source.tables) {
    database.exec(ddl);
    insertRows(
      database,
      name,
      columns.map((column) => column.name),
      rows.get(name) ?? [],
    );
  }
  runLeniently(database, source.otherDdl);
  removeOrphans(database, source.tables);
  database.exec('COMMIT');
  const twin = createTwin(sqlite, database);
  return { bytes: exportAndClose(sqlite, database), twin };
}
