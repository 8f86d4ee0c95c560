/**
 * The embedded database file of a server: opened, brought up to date, shared with other servers on the same file. Statements
 * here are ours; what users and models write never comes near it (that is `src/database/`).
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { migrations } from './migrations.ts';

export type StoreDatabase = Database.Database;

/** Another server writes for milliseconds; a wait this long means that something holds the file. */
const BUSY_TIMEOUT_MS = 5_000;

function cannotOpen(path: string, thrown: unknown): QuerentError {
  return new QuerentError('store/cannot-open', `cannot open the history ${path}: ${messageOf(thrown)}`, {
    next: 'Name another file with --store, or move this one away: a new one is made.',
    details: { path },
    cause: thrown,
  });
}

function migrate(database: StoreDatabase, path: string): void {
  const version = (): number =>
    (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
  if (version() > migrations.length) {
    throw new QuerentError(
      'store/newer-version',
      `the history ${path} has version ${version()}, this program knows versions up to ${migrations.length}`,
      { next: 'Update Querent, or name another file with --store.', details: { path } },
    );
  }
  if (version() === migrations.length) return;
  // Another server may be doing the same: who comes second finds it done.
  database.exec('BEGIN IMMEDIATE');
  try {
    for (let at = version(); at < migrations.length; at++) database.exec(migrations[at]!);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
    database.exec('COMMIT');
  } catch (thrown) {
    database.exec('ROLLBACK');
    throw thrown;
  }
}

export function openStoreDatabase(path: string): StoreDatabase {
  let database: StoreDatabase | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    // Readers and the one writer do not wait for each other; a crash loses at most the last moments, never the file.
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = NORMAL');
    database.exec('PRAGMA foreign_keys = ON');
    migrate(database, path);
    return database;
  } catch (thrown) {
    database?.close();
    throw thrown instanceof QuerentError ? thrown : cannotOpen(path, thrown);
  }
}
