/**
 * Runs one statement on a guarded connection and turns whatever happens into an `Execution`. The text that runs is the
 * text that was given. Synchronous: it belongs into a worker.
 */
import { type CellReading, PLAIN_READING, readCell } from './cell-reading.ts';
import type { Execution, ExecutionLimits, SqlValue } from './execution.ts';
import type { Guard } from './guard.ts';
import { classifySqlError } from './sql-errors.ts';
import { isBlankSql } from './sql-text.ts';
import type { Database } from './sqlite-file.ts';
import type { Sqlite3Static } from './wasm.ts';

export interface GuardedConnection {
  readonly sqlite: Sqlite3Static;
  readonly database: Database;
  readonly guard: Guard;
  readonly memoryBytesMax: number;
}

const decoder = new TextDecoder();

type Outcome = Execution extends infer E ? (E extends Execution ? Omit<E, 'elapsedMs'> : never) : never;

function readColumns({ wasm }: Sqlite3Static, statement: number, count: number): string[] {
  return Array.from({ length: count }, (_, column) => {
    const name = wasm.cstrToJs(wasm.exports.sqlite3_column_name(statement, column));
    return name ?? '';
  });
}

/** Why the database stopped, in the words of `Execution`. */
function failureOf(connection: GuardedConnection, code: number, limits: ExecutionLimits): Outcome {
  const { sqlite, guard, database } = connection;
  const { capi } = sqlite;
  const primary = code & 0xff;
  if (guard.isExpired || primary === capi.SQLITE_INTERRUPT)
    return { outcome: 'timeout', limitMs: limits.timeoutMs };
  if (primary === capi.SQLITE_NOMEM)
    return { outcome: 'out-of-memory', limitBytes: connection.memoryBytesMax };
  if (guard.denied !== undefined)
    return { outcome: 'refused', reason: `${guard.denied} is not allowed here` };
  if (primary === capi.SQLITE_READONLY || primary === capi.SQLITE_CANTOPEN) {
    return { outcome: 'refused', reason: 'the database may only be read' };
  }
  const message =
    sqlite.wasm.cstrToJs(sqlite.wasm.exports.sqlite3_errmsg(database.pointer)) ?? 'unknown error';
  return { outcome: 'sql-error', errorClass: classifySqlError(message), message };
}

const UNREADABLE_TEXT: Outcome = {
  outcome: 'sql-error',
  errorClass: 'other',
  message: 'could not decode a text as UTF-8',
};

function collectRows(
  connection: GuardedConnection,
  statement: number,
  limits: ExecutionLimits,
  reading: CellReading,
): Outcome {
  const { sqlite, guard } = connection;
  const { capi, wasm } = sqlite;
  const columns = readColumns(sqlite, statement, wasm.exports.sqlite3_column_count(statement));
  const rows: SqlValue[][] = [];
  let bytes = 0;
  for (;;) {
    const code: number = wasm.exports.sqlite3_step(statement);
    if (code === capi.SQLITE_DONE) return { outcome: 'rows', columns, rows, truncated: false };
    if (code !== capi.SQLITE_ROW) return failureOf(connection, code, limits);
    if (rows.length >= limits.maxRows) return { outcome: 'rows', columns, rows, truncated: true };
    const row: SqlValue[] = [];
    for (let column = 0; column < columns.length; column++) {
      const [value, size] = readCell(sqlite, statement, column, reading);
      if (value === undefined) return UNREADABLE_TEXT;
      row.push(value);
      bytes += size;
    }
    if (bytes > limits.maxBytes) return { outcome: 'rows', columns, rows, truncated: true };
    rows.push(row);
    if (performance.now() > guard.deadline) return { outcome: 'timeout', limitMs: limits.timeoutMs };
  }
}

/** What a prepared statement must be before its first step: one that reads and gives columns, without parameters. */
function objectionTo({ wasm }: Sqlite3Static, statement: number, tail: string): Outcome | undefined {
  const { exports } = wasm;
  if (!isBlankSql(tail)) return { outcome: 'refused', reason: 'more than one statement' };
  if (exports.sqlite3_stmt_readonly(statement) === 0)
    return { outcome: 'refused', reason: 'the statement writes' };
  if (exports.sqlite3_column_count(statement) === 0) {
    return { outcome: 'refused', reason: 'the statement gives no rows' };
  }
  if (exports.sqlite3_bind_parameter_count(statement) > 0) {
    return {
      outcome: 'sql-error',
      errorClass: 'other',
      message: 'the statement has parameters without values',
    };
  }
  return undefined;
}

function prepareAndRun(
  connection: GuardedConnection,
  sql: string,
  limits: ExecutionLimits,
  reading: CellReading,
): Outcome {
  const { sqlite, database } = connection;
  const { wasm, capi } = sqlite;
  const stack = wasm.pstack.pointer;
  let text = 0;
  let statement = 0;
  try {
    const bytes = new TextEncoder().encode(sql);
    text = wasm.alloc(bytes.length + 1) as number;
    wasm.heap8u().set(bytes, text);
    wasm.heap8u()[text + bytes.length] = 0;
    const [statementOut, tailOut] = wasm.pstack.allocPtr(2, false) as unknown as [number, number];
    const { exports } = wasm;
    const code = exports.sqlite3_prepare_v3(
      database.pointer,
      text,
      bytes.length + 1,
      0,
      statementOut,
      tailOut,
    );
    if (code !== capi.SQLITE_OK) return failureOf(connection, code, limits);
    statement = wasm.peekPtr(statementOut) as number;
    if (statement === 0)
      return { outcome: 'sql-error', errorClass: 'syntax', message: 'there is no statement' };
    const tailStart = wasm.peekPtr(tailOut) as number;
    const tail = decoder.decode(bytes.subarray(tailStart - text));
    return objectionTo(sqlite, statement, tail) ?? collectRows(connection, statement, limits, reading);
  } finally {
    if (statement !== 0) wasm.exports.sqlite3_finalize(statement);
    if (text !== 0) wasm.dealloc(text);
    wasm.pstack.restore(stack);
  }
}

export function runStatement(
  connection: GuardedConnection,
  sql: string,
  limits: ExecutionLimits,
  reading: CellReading = PLAIN_READING,
): Execution {
  const { guard } = connection;
  const started = performance.now();
  guard.deadline = started + limits.timeoutMs;
  guard.isExpired = false;
  guard.denied = undefined;
  const finish = (outcome: Outcome): Execution => ({ ...outcome, elapsedMs: performance.now() - started });
  if (sql.includes('\0'))
    return finish({ outcome: 'refused', reason: 'the statement contains a NUL character' });
  try {
    return finish(prepareAndRun(connection, sql, limits, reading));
  } catch (thrown) {
    if (!(thrown instanceof connection.sqlite.WasmAllocError)) throw thrown;
    return finish({ outcome: 'out-of-memory', limitBytes: connection.memoryBytesMax });
  } finally {
    guard.deadline = Number.POSITIVE_INFINITY;
  }
}
