/** Files that are either wholly there or not at all: write beside, flush, rename. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, QuerentError } from './errors.ts';

function writeFailure(path: string, thrown: unknown): QuerentError {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  const next =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'The disk is full: free some space and run again; what was there before is untouched.'
      : 'Check that the folder exists and may be written; what was there before is untouched.';
  return new QuerentError('files/write-failed', `could not write ${path}: ${messageOf(thrown)}`, {
    next,
    details: { path, reason: code },
    cause: thrown,
  });
}

/** Write a file atomically: after a crash or a full disk the old content is still there, whole. */
export async function writeFileAtomic(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true }).catch(() => {});
    throw writeFailure(path, thrown);
  }
}

/**
 * Fill a directory atomically: `fill` writes into a temporary neighbour, which then takes the final name.
 * An existing directory of that name is replaced only after `fill` has succeeded.
 */
export async function writeDirectoryAtomic(
  path: string,
  fill: (directory: string) => Promise<void>,
): Promise<void> {
  const suffix = `${process.pid}.${randomBytes(4).toString('hex')}`;
  const temporary = `${path}.${suffix}.tmp`;
  const retired = `${path}.${suffix}.old`;
  try {
    await mkdir(temporary, { recursive: true });
    await fill(temporary);
    if (existsSync(path)) await rename(path, retired);
    await rename(temporary, path);
    await rm(retired, { recursive: true, force: true });
  } catch (thrown) {
    if (!existsSync(path) && existsSync(retired)) await rename(retired, path).catch(() => {});
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw thrown instanceof QuerentError ? thrown : writeFailure(path, thrown);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'its name is too long',
  ERR_FS_FILE_TOO_LARGE: 'it is too large',
  ERR_STRING_TOO_LONG: 'it is too large',
};

/** Why a file could not be opened. The system's own message would name the path again; undefined where it gives no code. */
export function openFailureReason(thrown: unknown): string | undefined {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  return code === undefined ? undefined : (REASONS[code] ?? code);
}

export function readFailure(path: string, what: string, thrown: unknown): QuerentError {
  const reason = openFailureReason(thrown) ?? messageOf(thrown);
  return new QuerentError('files/read-failed', `cannot read the ${what} ${path}: ${reason}`, {
    next: 'Check the path.',
    details: { path, reason: (thrown as NodeJS.ErrnoException | undefined)?.code },
    cause: thrown,
  });
}

/** Read a file that a user named; `what` says what it should have been ("predictions"). */
export async function readBytesFile(path: string, what: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (thrown) {
    throw readFailure(path, what, thrown);
  }
}

/** The same of a text file ("training config"). */
export async function readTextFile(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    throw readFailure(path, what, thrown);
  }
}

/** The package's own root: where `datasets/`, `models/` and `recipes/` lie, from `src/` and from `dist/` alike. */
export function packageRoot(): string {
  return join(dirname(fileURLToPath(import.meta.url)), '..', '..');
}
