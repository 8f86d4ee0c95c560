/**
 * Whether the tables of a SQLite file may be others by now, for the price of reading 4 bytes: SQLite counts every change of
 * the schema in the header of its file ("schema cookie", https://www.sqlite.org/fileformat2.html#schema_cookie; what
 * `PRAGMA schema_version` reads). It knows files; it opens no database. A change that lies in a write-ahead log is not seen
 * before it is in the file, and neither can it be read before.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { openToRead } from './open-file.ts';

const COOKIE_OFFSET = 40;

/** Another text whenever the schema may be another, also where another file has taken the name. Throws where it is missing. */
export function schemaStamp(path: string): string {
  const descriptor = openToRead(path);
  try {
    const cookie = Buffer.alloc(4);
    readSync(descriptor, cookie, 0, cookie.length, COOKIE_OFFSET);
    const { dev, ino } = fstatSync(descriptor);
    return `${dev}:${ino}:${cookie.readUInt32BE()}`;
  } finally {
    closeSync(descriptor);
  }
}
