/**
 * What can be wrong with a database file, in words. A message names the file without its folder: it may be shown to
 * someone who must not learn where things lie. The whole path is in `details`.
 */
import { basename } from 'node:path';
import { messageOf, QuerentError } from '../foundation/errors.ts';
import { openFailureReason } from '../foundation/files.ts';

export function notFound(path: string, cause: unknown): QuerentError {
  return new QuerentError(
    'database/not-found',
    `cannot open the database ${basename(path)}: ${openFailureReason(cause) ?? 'the system refused it'}`,
    {
      next: 'Check the path; it must be an existing SQLite file.',
      details: { path, reason: (cause as NodeJS.ErrnoException | undefined)?.code },
    },
  );
}

export function notSqlite(path: string, found: string): QuerentError {
  return new QuerentError(
    'database/not-sqlite',
    `${basename(path)} is not a SQLite database: ${found}, expected the header "SQLite format 3"`,
    { next: 'Give the path of a SQLite database file.', details: { path } },
  );
}

export function pendingWrites(path: string, journal: string): QuerentError {
  return new QuerentError(
    'database/pending-writes',
    `${basename(path)} has changes that are not yet in the file (${basename(journal)} is not empty)`,
    {
      next: 'Close the programs that write to it, or copy it with "VACUUM INTO", and use that file.',
      details: { path, journal },
    },
  );
}

export function unreadable(path: string, thrown: unknown): QuerentError {
  return new QuerentError(
    'database/unreadable',
    `cannot read the database ${basename(path)}: ${messageOf(thrown)}`,
    {
      next: 'The file may be damaged: try "PRAGMA integrity_check" with the sqlite3 tool.',
      details: { path },
      cause: thrown,
    },
  );
}

export function changedMeanwhile(path: string): QuerentError {
  return new QuerentError(
    'database/changed',
    `${basename(path)} was changed while statements were waiting for it or running on it`,
    {
      next: 'Run them again; they will see the new content. Let programs write to a copy that then replaces the file.',
      details: { path },
      isRetryable: true,
    },
  );
}
