/**
 * SQLite files as read-only, immutable databases: a small virtual file system over file descriptors.
 * Knows how to read pages without loading the file. SQLite sees only a made-up name (`db-1`), never a host path, and
 * every other name – journals, attached files – does not exist.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { messageOf, QuerentError } from '../foundation/errors.ts';
import type { Sqlite3Static } from './wasm.ts';

export type Database = InstanceType<Sqlite3Static['oo1']['DB']>;

export interface OpenDatabase {
  readonly database: Database;
  readonly close: () => void;
}

const VFS_NAME = 'querent-read-only';
const HEADER = 'SQLite format 3\0';
const HEADER_BYTES = 100;

interface FileSystem {
  /** Descriptors by made-up name, waiting to be opened. */
  readonly descriptors: Map<string, number>;
  nextNumber: number;
}

const fileSystems = new WeakMap<Sqlite3Static, FileSystem>();

/** Changes when the file's content does: what a cache of results must be keyed by. */
export function fileIdentity(path: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${path}\0${ino}\0${size}\0${mtimeMs}`;
  } catch (thrown) {
    throw notFound(path, thrown);
  }
}

function notFound(path: string, cause: unknown): QuerentError {
  const reason = (cause as NodeJS.ErrnoException | undefined)?.code;
  const why = reason === 'ENOENT' ? 'no such file' : messageOf(cause);
  return new QuerentError('database/not-found', `cannot open the database ${path}: ${why}`, {
    next: 'Check the path; it must be an existing SQLite file.',
    details: { path, reason },
    cause,
  });
}

function notSqlite(path: string, found: string): QuerentError {
  return new QuerentError(
    'database/not-sqlite',
    `${path} is not a SQLite database: ${found}, expected the header "SQLite format 3"`,
    { next: 'Give the path of a SQLite database file.', details: { path } },
  );
}

/** Opened immutable, SQLite ignores journals; changes that lie only in one would be silently missing. */
function refusePendingWrites(path: string): void {
  for (const ending of ['-wal', '-journal']) {
    const journal = `${path}${ending}`;
    if (!existsSync(journal) || statSync(journal).size === 0) continue;
    throw new QuerentError(
      'database/pending-writes',
      `${path} has changes that are not yet in the file (${basename(journal)} is not empty)`,
      {
        next: 'Close the programs that write to it, or copy it with "VACUUM INTO", and use that file.',
        details: { path, journal },
      },
    );
  }
}

function openDescriptor(path: string): number {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (thrown) {
    throw notFound(path, thrown);
  }
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

type Pointer = number;

/** What SQLite does with an open file. Writing is refused here as well, whatever a statement may say. */
function ioMethods(sqlite: Sqlite3Static, open: Map<Pointer, number>) {
  const { capi, wasm } = sqlite;
  const ok = () => capi.SQLITE_OK;
  const readOnly = () => capi.SQLITE_READONLY;
  return {
    xClose: (file: Pointer) => {
      const descriptor = open.get(file);
      open.delete(file);
      if (descriptor !== undefined) closeSync(descriptor);
      return capi.SQLITE_OK;
    },
    xRead: (file: Pointer, buffer: Pointer, amount: number, offset: number | bigint) => {
      const heap = wasm.heap8u();
      const start = Number(buffer);
      let read: number;
      try {
        read = readSync(open.get(file)!, heap, start, amount, Number(offset));
      } catch {
        return capi.SQLITE_IOERR_READ;
      }
      if (read === amount) return capi.SQLITE_OK;
      heap.fill(0, start + read, start + amount);
      return capi.SQLITE_IOERR_SHORT_READ;
    },
    xWrite: readOnly,
    xTruncate: readOnly,
    xSync: ok,
    xFileSize: (file: Pointer, out: Pointer) => {
      wasm.poke64(out, BigInt(fstatSync(open.get(file)!).size));
      return capi.SQLITE_OK;
    },
    xLock: ok,
    xUnlock: ok,
    xCheckReservedLock: (_file: Pointer, out: Pointer) => {
      wasm.poke32(out, 0);
      return capi.SQLITE_OK;
    },
    xFileControl: () => capi.SQLITE_NOTFOUND,
    xSectorSize: () => 4096,
    xDeviceCharacteristics: () => capi.SQLITE_IOCAP_IMMUTABLE,
  };
}

function vfsMethods(
  sqlite: Sqlite3Static,
  files: FileSystem,
  open: Map<Pointer, number>,
  ioPointer: Pointer,
) {
  const { capi, wasm } = sqlite;
  return {
    xOpen: (_vfs: Pointer, name: Pointer, file: Pointer, _flags: number, outFlags: Pointer) => {
      const known = name === 0 ? undefined : wasm.cstrToJs(name);
      const descriptor = known === undefined || known === null ? undefined : files.descriptors.get(known);
      if (descriptor === undefined) return capi.SQLITE_CANTOPEN;
      files.descriptors.delete(known!);
      open.set(file, descriptor);
      wasm.pokePtr(file, ioPointer);
      if (outFlags !== 0) wasm.poke32(outFlags, capi.SQLITE_OPEN_READONLY);
      return capi.SQLITE_OK;
    },
    xDelete: () => capi.SQLITE_READONLY,
    xAccess: (_vfs: Pointer, _name: Pointer, _flags: number, out: Pointer) => {
      wasm.poke32(out, 0);
      return capi.SQLITE_OK;
    },
    xFullPathname: (_vfs: Pointer, name: Pointer, outBytes: number, out: Pointer) => {
      const written = wasm.cstrncpy(out, name, outBytes);
      return written < outBytes ? capi.SQLITE_OK : capi.SQLITE_CANTOPEN;
    },
    xRandomness: (_vfs: Pointer, bytes: number, out: Pointer) => {
      crypto.getRandomValues(wasm.heap8u().subarray(out, out + bytes));
      return bytes;
    },
    xSleep: () => capi.SQLITE_OK,
    xCurrentTime: (_vfs: Pointer, out: Pointer) => {
      wasm.poke64f(out, 2440587.5 + Date.now() / 86_400_000);
      return capi.SQLITE_OK;
    },
    xCurrentTimeInt64: (_vfs: Pointer, out: Pointer) => {
      wasm.poke64(out, BigInt(Math.round(2440587.5 * 86_400_000) + Date.now()));
      return capi.SQLITE_OK;
    },
    xGetLastError: () => 0,
  };
}

/** The library's types leave out the static description of its structures. */
function fileStructBytes(sqlite: Sqlite3Static): number {
  return (sqlite.capi.sqlite3_file as unknown as { structInfo: { sizeof: number } }).structInfo.sizeof;
}

function fileSystemOf(sqlite: Sqlite3Static): FileSystem {
  const existing = fileSystems.get(sqlite);
  if (existing !== undefined) return existing;
  const files: FileSystem = { descriptors: new Map(), nextNumber: 1 };
  const open = new Map<Pointer, number>();
  const io = new sqlite.capi.sqlite3_io_methods();
  const vfs = new sqlite.capi.sqlite3_vfs();
  Object.assign(io, { $iVersion: 1 });
  Object.assign(vfs, {
    $iVersion: 2,
    $szOsFile: fileStructBytes(sqlite),
    $mxPathname: 64,
  });
  sqlite.vfs.installVfs({
    io: { struct: io, methods: ioMethods(sqlite, open) as never },
    vfs: {
      struct: vfs,
      methods: vfsMethods(sqlite, files, open, io.pointer as Pointer) as never,
      name: VFS_NAME,
      asDefault: false,
    },
  });
  fileSystems.set(sqlite, files);
  return files;
}

/** Throws a `QuerentError` for what is missing, not SQLite, or has changes pending in a journal. */
export function openSqliteFile(sqlite: Sqlite3Static, path: string): OpenDatabase {
  const files = fileSystemOf(sqlite);
  const descriptor = openDescriptor(path);
  const name = `db-${files.nextNumber++}`;
  files.descriptors.set(name, descriptor);
  try {
    const database = new sqlite.oo1.DB({ filename: name, flags: 'r', vfs: VFS_NAME });
    database.exec('PRAGMA schema_version');
    return { database, close: () => database.close() };
  } catch (thrown) {
    if (files.descriptors.delete(name)) closeSync(descriptor);
    throw new QuerentError('database/unreadable', `cannot read the database ${path}: ${messageOf(thrown)}`, {
      next: 'The file may be damaged: try "PRAGMA integrity_check" with the sqlite3 tool.',
      details: { path },
      cause: thrown,
    });
  }
}
