/**
 * Runs one statement on a guarded connection and turns whatever happens into an `Execution`. The text that runs is the
 * text that was given. Synchronous: it belongs into a worker.
 */
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
const NUMBER_BYTES = 8;

type Outcome = Execution extends infer E ? (E extends Execution ? Omit<E, 'elapsedMs'> : never) : never;

function readText(heap: Uint8Array, start: number, bytes: number): string {
  if (bytes > 24) return decoder.decode(heap.subarray(start, start + bytes));
  let text = '';
  for (let at = start; at < start + bytes; at++) {
    const code = heap[at]!;
    if (code > 127) return decoder.decode(heap.subarray(start, start + bytes));
    text += String.fromCharCode(code);
  }
  return text;
}

/** The value of one cell and its size in bytes. Integers beyond 2^53 become bigint. */
function readCell(sqlite: Sqlite3Static, statement: number, column: number): readonly [SqlValue, number] {
  const { capi, wasm } = sqlite;
  const { exports } = wasm;
  switch (exports.sqlite3_column_type(statement, column)) {
    case capi.SQLITE_NULL:
      return [null, 1];
    case capi.SQLITE_FLOAT:
      return [exports.sqlite3_column_double(statement, column), NUMBER_BYTES];
    case capi.SQLITE_INTEGER: {
      const value = exports.sqlite3_column_double(statement, column);
      if (Math.abs(value) < Number.MAX_SAFE_INTEGER) return [value, NUMBER_BYTES];
      return [exports.sqlite3_column_int64(statement, column), NUMBER_BYTES];
    }
    case capi.SQLITE_TEXT: {
      const start = exports.sqlite3_column_text(statement, column);
      const bytes = exports.sqlite3_column_bytes(statement, column);
      return [readText(wasm.heap8u(), start, bytes), bytes];
    }
    default: {
      const start = exports.sqlite3_column_blob(statement, column);
      const bytes = exports.sqlite3_column_bytes(statement, column);
      return [wasm.heap8u().slice(start, start + bytes), bytes];
    }
  }
}

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

function collectRows(connection: GuardedConnection, statement: number, limits: ExecutionLimits): Outcome {
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
      const [value, size] = readCell(sqlite, statement, column);
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

function prepareAndRun(connection: GuardedConnection, sql: string, limits: ExecutionLimits): Outcome {
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
    return objectionTo(sqlite, statement, tail) ?? collectRows(connection, statement, limits);
  } finally {
    if (statement !== 0) wasm.exports.sqlite3_finalize(statement);
    if (text !== 0) wasm.dealloc(text);
    wasm.pstack.restore(stack);
  }
}

export function runStatement(connection: GuardedConnection, sql: string, limits: ExecutionLimits): Execution {
  const { guard } = connection;
  const started = performance.now();
  guard.deadline = started + limits.timeoutMs;
  guard.isExpired = false;
  guard.denied = undefined;
  const finish = (outcome: Outcome): Execution => ({ ...outcome, elapsedMs: performance.now() - started });
  if (sql.includes('\0'))
    return finish({ outcome: 'refused', reason: 'the statement contains a NUL character' });
  try {
    return finish(prepareAndRun(connection, sql, limits));
  } catch (thrown) {
    if (!(thrown instanceof connection.sqlite.WasmAllocError)) throw thrown;
    return finish({ outcome: 'out-of-memory', limitBytes: connection.memoryBytesMax });
  } finally {
    guard.deadline = Number.POSITIVE_INFINITY;
  }
}
