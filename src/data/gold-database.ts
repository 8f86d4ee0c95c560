/**
 * A database for a published set that comes without one: the tables and columns that its gold statements name, with the
 * values that they compare them with. Enough to link questions and to check statements; not to judge by results.
 */
import { sharedSqlite } from '../database/wasm.ts';
import { writeFileAtomic } from '../foundation/files.ts';
import { comparisonsIn } from '../schema/syntax/comparisons.ts';

interface GoldColumn {
  readonly name: string;
  readonly texts: Set<string>;
  isCompared: boolean;
}
type GoldTables = Map<string, Map<string, GoldColumn>>;

function columnIn(tables: GoldTables, table: string, column: string): GoldColumn {
  const columns = tables.get(table) ?? new Map<string, GoldColumn>();
  tables.set(table, columns);
  const known = columns.get(column.toLowerCase()) ?? { name: column, texts: new Set(), isCompared: false };
  columns.set(column.toLowerCase(), known);
  return known;
}

function readStatement(tables: GoldTables, sql: string): void {
  for (const { table, column, literals } of comparisonsIn(sql)) {
    const known = columnIn(tables, table, column);
    for (const { kind, value } of literals) {
      known.isCompared = true;
      if (kind === 'string') known.texts.add(value);
    }
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** `statements`: gold queries that say every column as `table.column` or `alias.column`, strings in single quotes. */
export async function writeGoldDatabase(path: string, statements: readonly string[]): Promise<void> {
  const tables: GoldTables = new Map();
  for (const sql of statements) readStatement(tables, sql);
  const sqlite = await sharedSqlite();
  const database = new sqlite.oo1.DB(':memory:');
  try {
    for (const [table, columns] of tables) {
      const all = [...columns.values()];
      const type = ({ texts, isCompared }: GoldColumn): string =>
        texts.size > 0 ? 'TEXT' : isCompared ? 'INTEGER' : '';
      database.exec(
        `CREATE TABLE ${quoted(table)} (${all.map((column) => `${quoted(column.name)} ${type(column)}`).join(', ')})`,
      );
      for (const { name, texts } of all) {
        const sql = `INSERT INTO ${quoted(table)} (${quoted(name)}) VALUES (?)`;
        for (const text of texts) database.exec({ sql, bind: [text] });
      }
    }
    await writeFileAtomic(path, sqlite.capi.sqlite3_js_db_export(database));
  } finally {
    database.close();
  }
}
