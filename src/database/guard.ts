/**
 * What a connection may do: an authorizer with an allow-list, SQLite's own limits, and a clock that interrupts.
 * Permission is enforced here, by the database, whatever the text of a statement looks like.
 * It does not cover: one single operation that never returns to the clock; the supervisor of the worker stops that.
 */
import type { Database } from './sqlite-file.ts';
import type { Sqlite3Static } from './wasm.ts';

export interface Guard {
  /** `performance.now()` at which the running statement is interrupted. */
  deadline: number;
  isExpired: boolean;
  /** What the authorizer refused last. */
  denied: string | undefined;
  /** Drops the schema and the pages that the connection keeps: the next statement reads them as on a new connection. */
  readonly startCold: () => void;
}

const DENIED_FUNCTIONS: ReadonlySet<string> = new Set([
  'edit',
  'eval',
  'fts3_tokenizer',
  'load_extension',
  'readfile',
  'sqlite_log',
  'writefile',
]);
/** Tables that show the raw file or the engine's own state. */
const DENIED_TABLES: ReadonlySet<string> = new Set([
  'sqlite_dbpage',
  'dbstat',
  'sqlite_stmt',
  'bytecode',
  'tables_used',
]);

/** Bytes of one statement at most. */
export const SQL_BYTES_MAX = 100_000;

const OPERATIONS_PER_TICK = 10_000;

/** Words for the action codes that are refused; the numbers are SQLite's and will not change. */
const ACTION_NAMES: Readonly<Record<number, string>> = {
  9: 'DELETE',
  18: 'INSERT',
  19: 'PRAGMA',
  22: 'a transaction',
  23: 'UPDATE',
  24: 'ATTACH',
  25: 'DETACH',
  26: 'ALTER TABLE',
  27: 'REINDEX',
  28: 'ANALYZE',
  32: 'SAVEPOINT',
};

function actionName(action: number, target: string): string {
  if (/^sqlite_(?:temp_)?(?:master|schema)$/.test(target)) return 'changing the schema';
  if (action <= 8 || action === 29) return 'CREATE';
  return ACTION_NAMES[action] ?? (action <= 17 || action === 30 ? 'DROP' : `action ${action}`);
}

/** Returns the pointer of the authorizer. */
function installAuthorizer(sqlite: Sqlite3Static, database: Database, guard: Guard): number {
  const { capi, wasm } = sqlite;
  const deny = (what: string): number => {
    guard.denied = what;
    return capi.SQLITE_DENY;
  };
  const nameAt = (pointer: number): string =>
    pointer === 0 ? '' : (wasm.cstrToJs(pointer) ?? '').toLowerCase();
  const authorize = (_: number, action: number, first: number, second: number): number => {
    switch (action) {
      case capi.SQLITE_SELECT:
      case capi.SQLITE_RECURSIVE:
        return capi.SQLITE_OK;
      case capi.SQLITE_READ:
        return DENIED_TABLES.has(nameAt(first)) ? deny(`the table ${nameAt(first)}`) : capi.SQLITE_OK;
      case capi.SQLITE_FUNCTION:
        return DENIED_FUNCTIONS.has(nameAt(second)) ? deny(`the function ${nameAt(second)}`) : capi.SQLITE_OK;
      default:
        return deny(actionName(action, nameAt(first)));
    }
  };
  const pointer = wasm.installFunction('i(iiiiii)', authorize);
  wasm.exports.sqlite3_set_authorizer(database.pointer, pointer, 0);
  return pointer;
}

function installClock(sqlite: Sqlite3Static, database: Database, guard: Guard): void {
  const tick = (): number => {
    if (performance.now() < guard.deadline) return 0;
    guard.isExpired = true;
    return 1;
  };
  const pointer = sqlite.wasm.installFunction('i(i)', tick);
  sqlite.wasm.exports.sqlite3_progress_handler(database.pointer, OPERATIONS_PER_TICK, pointer, 0);
}

function setLimits({ capi }: Sqlite3Static, database: Database): void {
  const limits = [
    [capi.SQLITE_LIMIT_LENGTH, 4_000_000],
    [capi.SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX],
    [capi.SQLITE_LIMIT_EXPR_DEPTH, 200],
    [capi.SQLITE_LIMIT_COMPOUND_SELECT, 50],
    [capi.SQLITE_LIMIT_VDBE_OP, 250_000],
    [capi.SQLITE_LIMIT_ATTACHED, 0],
    [capi.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100],
    [capi.SQLITE_LIMIT_TRIGGER_DEPTH, 1],
    [capi.SQLITE_LIMIT_WORKER_THREADS, 0],
  ] as const;
  for (const [limit, value] of limits) capi.sqlite3_limit(database, limit, value);
}

export interface GuardOptions {
  /** Read "text" as a string where no such column exists, as old SQLite does and published gold queries rely on. */
  readonly doubleQuotedStrings: boolean;
}

/** Call once for a connection, before anything untrusted runs on it. */
export function guardDatabase(sqlite: Sqlite3Static, database: Database, options: GuardOptions): Guard {
  const { capi, wasm } = sqlite;
  let authorizer = 0;
  const guard: Guard = {
    deadline: Number.POSITIVE_INFINITY,
    isExpired: false,
    denied: undefined,
    startCold: () => {
      wasm.exports.sqlite3_set_authorizer(database.pointer, 0, 0);
      try {
        // Neither changes anything: the first forgets the schema, the second gives unused pages back.
        database.exec('PRAGMA writable_schema = RESET; PRAGMA shrink_memory;');
      } finally {
        wasm.exports.sqlite3_set_authorizer(database.pointer, authorizer, 0);
      }
    },
  };
  database.exec('PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA query_only = 1;');
  capi.sqlite3_db_config(database, capi.SQLITE_DBCONFIG_DEFENSIVE, 1);
  capi.sqlite3_db_config(database, capi.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
  capi.sqlite3_db_config(database, capi.SQLITE_DBCONFIG_DQS_DML, options.doubleQuotedStrings ? 1 : 0);
  setLimits(sqlite, database);
  authorizer = installAuthorizer(sqlite, database, guard);
  installClock(sqlite, database, guard);
  return guard;
}
