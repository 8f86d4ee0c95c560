/**
 * Opens a SQLite file for reading, after looking whether it is one and whether it is complete: no changes may be waiting
 * in a journal. See `sqlite-vfs.ts` for how its pages are read.
 */
import { closeSync, fstatSync, readSync, statSync } from 'node:fs';
import { changedMeanwhile, notSqlite, pendingWrites, unreadable } from './file-errors.ts';
import { type FileWatch, watchDescriptor } from './file-identity.ts';
import { openToRead } from './open-file.ts';
import { fileSystemOf, VFS_NAME } from './sqlite-vfs.ts';
import type { Sqlite3Static } from './wasm.ts';

export type Database = InstanceType<Sqlite3Static['oo1']['DB']>;

export interface OpenDatabase {
  readonly database: Database;
  readonly file: FileWatch;
  readonly close: () => void;
}

const HEADER = 'SQLite format 3\0';
const HEADER_BYTES = 100;

/** Opened immutable, SQLite ignores journals; changes that lie only in one would be silently missing. */
export function refusePendingWrites(path: string): void {
  for (const ending of ['-wal', '-journal']) {
    const journal = `${path}${ending}`;
    const size = statSync(journal, { throwIfNoEntry: false })?.size ?? 0;
    if (size > 0) throw pendingWrites(path, journal);
  }
}

function openDescriptor(path: string): number {
  const descriptor = openToRead(path);
  try {
    const { size } = fstatSync(descriptor);
    if (fstatSync(descriptor).isDirectory()) throw notSqlite(path, 'it is a directory');
    if (size === 0) throw notSqlite(path, 'the file is empty');
    const header = Buffer.alloc(HEADER_BYTES);
    const read = readSync(descriptor, header, 0, HEADER_BYTES, 0);
    if (read < HEADER_BYTES) throw notSqlite(path, `it has only ${size} bytes`);
    if (header.toString('latin1', 0, HEADER.length) !== HEADER)
      throw notSqlite(path, 'its header is another');
    refusePendingWrites(path);
    return descriptor;
  } catch (thrown) {
    closeSync(descriptor);
    throw thrown;
  }
}

/**
 * Throws a `QuerentError` for what is missing, not SQLite, or has changes pending in a journal; and, where the identity
 * that it had before is given, for a file that is another by now.
 */
export function openSqliteFile(sqlite: Sqlite3Static, path: string, expectedIdentity?: string): OpenDatabase {
  const files = fileSystemOf(sqlite);
  const descriptor = openDescriptor(path);
  const file = watchDescriptor(path, descriptor);
  if (expectedIdentity !== undefined && expectedIdentity !== file.identity) {
    closeSync(descriptor);
    throw changedMeanwhile(path);
  }
  const name = `db-${files.nextNumber++}`;
  files.descriptors.set(name, descriptor);
  let database: Database | undefined;
  try {
    database = new sqlite.oo1.DB({ filename: name, flags: 'r', vfs: VFS_NAME });
    database.exec('PRAGMA schema_version');
    const opened = database;
    return { database, file, close: () => opened.close() };
  } catch (thrown) {
    if (files.descriptors.delete(name)) closeSync(descriptor);
    database?.close();
    throw unreadable(path, thrown);
  }
}
