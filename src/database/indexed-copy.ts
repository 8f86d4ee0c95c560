/**
 * A copy of a SQLite file with one more index, to measure what the index is worth. It runs nothing but the given CREATE INDEX,
 * on a database in memory that began as the file's bytes; the file itself is only read.
 */
import { readFile, stat, writeFile } from 'node:fs/promises';
import type { Database } from './sqlite-file.ts';
import { sharedSqlite } from './wasm.ts';

/** False where the file is too large for memory, or the index cannot be made. `ddl` must not come from a model. */
export async function writeIndexedCopy(
  source: string,
  target: string,
  ddl: string,
  bytesMax: number,
): Promise<boolean> {
  if ((await stat(source)).size > bytesMax) return false;
  const sqlite = await sharedSqlite();
  const { capi, wasm } = sqlite;
  const bytes = new Uint8Array(await readFile(source));
  const database: Database = new sqlite.oo1.DB(':memory:');
  try {
    const pointer = wasm.allocFromTypedArray(bytes);
    const flags = capi.SQLITE_DESERIALIZE_FREEONCLOSE | capi.SQLITE_DESERIALIZE_RESIZEABLE;
    const code = capi.sqlite3_deserialize(database, 'main', pointer, bytes.length, bytes.length, flags);
    if (code !== 0) return false;
    database.exec(ddl);
    await writeFile(target, capi.sqlite3_js_db_export(database));
    return true;
  } catch {
    return false;
  } finally {
    database.close();
  }
}
