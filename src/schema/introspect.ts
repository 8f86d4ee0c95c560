/**
 * Reads the `Schema` of a SQLite file: tables, columns, keys, the comments in the stored DDL, and what the values are.
 * It looks at every table once a column, so a large database takes a while; the file is never written.
 */
import { createHash } from 'node:crypto';
import { basename, extname } from 'node:path';
import { quoteName } from '../database/sql-text.ts';
import { openSqliteFile } from '../database/sqlite-file.ts';
import { sharedSqlite } from '../database/wasm.ts';
import { messageOf, QuerentError } from '../foundation/errors.ts';
import { type DeclaredColumn, type ProfileOptions, profileColumn, type Query } from './column-profile.ts';
import { type DdlComments, parseDdlComments } from './ddl-comments.ts';
import { withInferredForeignKeys } from './infer-foreign-keys.ts';
import type { ForeignKey, Schema, Table } from './schema.ts';

export interface IntrospectOptions {
  /** Default: the file's name without its ending, in lower case. */
  readonly databaseId?: string;
  /** Text columns with more distinct values keep none of them. Default 20,000. */
  readonly maxIndexedValues?: number;
  /** Frequent values kept a column. Default 20. */
  readonly maxSampleValues?: number;
  /** Views as if they were tables. Default false. */
  readonly includeViews?: boolean;
  /** Add undeclared foreign keys, marked `isInferred`. Default true. */
  readonly inferForeignKeys?: boolean;
}

interface CatalogueEntry {
  readonly name: string;
  readonly ddl: string;
}

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

function listTables(query: Query, includeViews: boolean): CatalogueEntry[] {
  const types = includeViews ? "('table', 'view')" : "('table')";
  const rows = query(
    `SELECT name, sql FROM sqlite_master WHERE type IN ${types} AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid`,
  );
  return rows.map(([name, ddl]) => ({ name: String(name), ddl: String(ddl ?? '') }));
}

/** Columns that alone are unique by a declared constraint or index. */
function uniqueColumns(query: Query, table: string): Set<string> {
  const unique = new Set<string>();
  const indexes = query(
    `SELECT name FROM pragma_index_list(${literal(table)}) WHERE "unique" = 1 AND partial = 0`,
  );
  for (const [index] of indexes) {
    const columns = query(`SELECT name FROM pragma_index_info(${literal(String(index))})`);
    if (columns.length === 1 && columns[0]![0] !== null) unique.add(String(columns[0]![0]));
  }
  return unique;
}

interface RawForeignKey {
  readonly columns: string[];
  readonly referencedTable: string;
  /** Null where the key refers to the other table's primary key without naming it. */
  readonly referencedColumns: (string | null)[];
}

function rawForeignKeys(query: Query, table: string): RawForeignKey[] {
  const byId = new Map<number, RawForeignKey>();
  const rows = query(
    `SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(${literal(table)}) ORDER BY id DESC, seq`,
  );
  for (const [id, referencedTable, from, to] of rows) {
    const key = byId.get(Number(id)) ?? {
      columns: [],
      referencedTable: String(referencedTable),
      referencedColumns: [],
    };
    key.columns.push(String(from));
    key.referencedColumns.push(to === null || to === undefined ? null : String(to));
    byId.set(Number(id), key);
  }
  return [...byId.values()];
}

function declaredColumns(
  query: Query,
  table: string,
  comments: DdlComments,
  referring: ReadonlySet<string>,
): { columns: DeclaredColumn[]; primaryKey: string[] } {
  const unique = uniqueColumns(query, table);
  const rows = query(
    `SELECT name, type, "notnull", pk FROM pragma_table_info(${literal(table)}) ORDER BY cid`,
  );
  const keyed = rows.filter((row) => Number(row[3]) > 0).sort((a, b) => Number(a[3]) - Number(b[3]));
  const primaryKey = keyed.map(([name]) => String(name));
  const columns = rows.map(([rawName, type, notNull, position]) => {
    const name = String(rawName);
    const isPrimaryKey = Number(position) > 0;
    return {
      name,
      declaredType: String(type ?? ''),
      nullable: Number(notNull) === 0 && !isPrimaryKey,
      isPrimaryKey,
      isUnique: unique.has(name) || (isPrimaryKey && primaryKey.length === 1),
      isForeignKey: referring.has(name.toLowerCase()),
      comment: comments.columns.get(name.toLowerCase()),
    };
  });
  return { columns, primaryKey };
}

function findByName<T extends { readonly name: string }>(items: readonly T[], name: string): T | undefined {
  return items.find((item) => item.name.toLowerCase() === name.toLowerCase());
}

/** Names as the tables spell them; keys to tables or columns that do not exist are left out. */
function resolveForeignKey(
  tables: readonly Table[],
  table: Table,
  raw: RawForeignKey,
): ForeignKey | undefined {
  const referenced = findByName(tables, raw.referencedTable);
  if (referenced === undefined) return undefined;
  const columns = raw.columns.map((name) => findByName(table.columns, name)?.name);
  const targets = raw.referencedColumns.map((name, position) =>
    name === null ? referenced.primaryKey[position] : findByName(referenced.columns, name)?.name,
  );
  if ([...columns, ...targets].some((name) => name === undefined)) return undefined;
  return {
    columns: columns as string[],
    referencedTable: referenced.name,
    referencedColumns: targets as string[],
  };
}

function readTables(query: Query, options: IntrospectOptions): Table[] {
  const profile: ProfileOptions = {
    maxIndexedValues: options.maxIndexedValues ?? 20_000,
    maxSampleValues: options.maxSampleValues ?? 20,
  };
  const raw = new Map<string, RawForeignKey[]>();
  const tables = listTables(query, options.includeViews ?? false).map(({ name, ddl }): Table => {
    const comments = parseDdlComments(ddl);
    const keys = rawForeignKeys(query, name);
    raw.set(name, keys);
    const referring = new Set(keys.flatMap(({ columns }) => columns.map((column) => column.toLowerCase())));
    const { columns, primaryKey } = declaredColumns(query, name, comments, referring);
    const [[rowCount] = [0]] = query(`SELECT COUNT(*) FROM ${quoteName(name)}`);
    return {
      name,
      comment: comments.table,
      columns: columns.map((column) => profileColumn(query, name, column, profile)),
      primaryKey,
      foreignKeys: [],
      rowCount: Number(rowCount),
    };
  });
  const declared = tables.map((table) => {
    const keys = raw.get(table.name)!.map((key) => resolveForeignKey(tables, table, key));
    return { ...table, foreignKeys: keys.filter((key) => key !== undefined) };
  });
  return options.inferForeignKeys === false ? declared : withInferredForeignKeys(query, declared);
}

/** Over names, types and keys; the data may change without changing it. */
export function hashSchema(tables: readonly Table[]): string {
  const shape = tables.map(({ name, columns, primaryKey, foreignKeys }) => [
    name,
    columns.map((column) => [column.name, column.declaredType]),
    primaryKey,
    foreignKeys.map((key) => [key.columns, key.referencedTable, key.referencedColumns]),
  ]);
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex');
}

function deepFreeze<T extends object>(value: T): T {
  for (const child of Object.values(value)) {
    if (
      typeof child === 'object' &&
      child !== null &&
      !ArrayBuffer.isView(child) &&
      !Object.isFrozen(child)
    ) {
      deepFreeze(child as object);
    }
  }
  return Object.freeze(value);
}

export async function introspectSqlite(path: string, options: IntrospectOptions = {}): Promise<Schema> {
  const { database, close } = openSqliteFile(await sharedSqlite(), path);
  try {
    const query: Query = (sql) =>
      database.exec({ sql, rowMode: 'array', returnValue: 'resultRows' }) as never;
    const tables = readTables(query, options);
    if (tables.length === 0) {
      throw new QuerentError('schema/empty', `${path} has no tables`, {
        next: 'Give a database that has at least one table.',
        details: { path },
      });
    }
    const databaseId = options.databaseId ?? basename(path, extname(path)).toLowerCase();
    return deepFreeze({ dialect: 'sqlite', databaseId, tables, hash: hashSchema(tables) });
  } catch (thrown) {
    if (thrown instanceof QuerentError) throw thrown;
    throw new QuerentError('schema/unreadable', `cannot read the schema of ${path}: ${messageOf(thrown)}`, {
      next: 'The file may be damaged: try "PRAGMA integrity_check" with the sqlite3 tool.',
      details: { path },
      cause: thrown,
    });
  } finally {
    close();
  }
}
