/** The twin of a whole database: see `write-database.ts`. */
import { openSqliteFile } from '../../database/sqlite-file.ts';
import { sharedSqlite } from '../../database/wasm.ts';
import { writeFileAtomic } from '../../foundation/files.ts';
import { createTwin } from './write-database.ts';

export async function writeTwin(databasePath: string, twinPath: string): Promise<void> {
  const sqlite = await sharedSqlite();
  const { database, close } = openSqliteFile(sqlite, databasePath);
  try {
    await writeFileAtomic(twinPath, createTwin(sqlite, database));
  } finally {
    close();
  }
}
