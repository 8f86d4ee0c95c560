/** The worker thread of the sandbox: one SQLite instance with capped memory, a few open databases, batches in, results out. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { isQuerentError, serializeError } from '../foundation/errors.ts';
import { PLAIN_READING } from './cell-reading.ts';
import type { Execution } from './execution.ts';
import { changedMeanwhile, unreadable } from './file-errors.ts';
import type { FileWatch } from './file-identity.ts';
import { guardDatabase } from './guard.ts';
import { createGoldCache, judge } from './judge.ts';
import {
  type BatchMessage,
  PROGRESS,
  type WorkerMessage,
  type WorkerSettings,
  type WorkItem,
  type WorkResult,
} from './sandbox-protocol.ts';
import { openSqliteFile, refusePendingWrites } from './sqlite-file.ts';
import { type GuardedConnection, runStatement } from './statement.ts';
import { type TimedPair, type Timing, timePair } from './timing.ts';
import { instantiateSqlite, type Sqlite3Static } from './wasm.ts';

const OPEN_DATABASES_MAX = 8;
const GOLD_CELLS_MAX = 2_000_000;
/** Results are sent at least this often, so that little is lost when the worker must be stopped. */
const SEND_EVERY_MS = 20;

interface OpenEntry {
  readonly file: FileWatch;
  readonly connection: GuardedConnection;
  readonly close: () => void;
}

const settings = workerData as WorkerSettings;
const progress = new Float64Array(settings.progress);
const port: MessagePort = parentPort!;
const goldCache = createGoldCache(GOLD_CELLS_MAX);
const openEntries = new Map<string, OpenEntry>();

const send = (message: WorkerMessage) => port.postMessage(message);

function forget(path: string): void {
  openEntries.get(path)?.close();
  openEntries.delete(path);
}

function openEntry(sqlite: Sqlite3Static, path: string, identity: string): OpenEntry {
  const { database, file, close } = openSqliteFile(sqlite, path, identity);
  try {
    const guard = guardDatabase(sqlite, database, settings);
    return { file, connection: { sqlite, database, guard, memoryBytesMax: settings.memoryBytesMax }, close };
  } catch (thrown) {
    close();
    throw unreadable(path, thrown);
  }
}

/** The database as it was when the statements were handed in, or an error. */
function entryFor(sqlite: Sqlite3Static, { path, identity }: BatchMessage): OpenEntry {
  const known = openEntries.get(path);
  if (known !== undefined && known.file.identity === identity) {
    // A writer may have begun since; what it has not put into the file yet would be missing.
    refusePendingWrites(path);
    openEntries.delete(path);
    openEntries.set(path, known);
    return known;
  }
  forget(path);
  const [oldest] = openEntries.keys();
  if (openEntries.size >= OPEN_DATABASES_MAX && oldest !== undefined) forget(oldest);
  const entry = openEntry(sqlite, path, identity);
  openEntries.set(path, entry);
  return entry;
}

/** The last write is the start time: the supervisor reads the others only where that one is old. */
function mark(batch: number, item: number, part: number): void {
  progress[PROGRESS.batch] = batch;
  progress[PROGRESS.item] = item;
  progress[PROGRESS.part] = part;
  progress[PROGRESS.startedAt] = Date.now();
}

/** On a connection of its own: the one that others use keeps its schema and its pages. */
function timeItem(
  { batch, path, identity, limits }: BatchMessage,
  { sqlite }: GuardedConnection,
  pair: TimedPair,
  at: number,
): Timing {
  const { connection, close } = openEntry(sqlite, path, identity);
  try {
    return timePair(pair, (side, sql) => {
      connection.guard.startCold();
      mark(batch, at, side === 'gold' ? 0 : 1);
      return runStatement(connection, sql, limits);
    });
  } finally {
    close();
  }
}

function runItem(
  message: BatchMessage,
  connection: GuardedConnection,
  item: WorkItem,
  at: number,
): WorkResult {
  const { batch, identity, limits } = message;
  const run = (part: number, sql: string, itsLimits = limits, reading = PLAIN_READING): Execution => {
    mark(batch, at, part);
    return runStatement(connection, sql, itsLimits, reading);
  };
  if (item.kind === 'execute') return run(0, item.sql);
  if (item.kind === 'time') return timeItem(message, connection, item, at);
  const { gold, predicted, predictedEnd } = item;
  const goldKey = `${identity}\0${limits.timeoutMs}\0${limits.maxRows}\0${limits.maxBytes}`;
  return judge(
    { gold, predicted, predictedEnd, limits, options: message.judge },
    (sql, reading) =>
      goldCache.get(`${goldKey}\0${reading.numbers}\0${reading.invalidText}\0${sql}`, () =>
        run(0, sql, limits, reading),
      ),
    (sql, itsLimits, reading) => run(1, sql, itsLimits, reading),
  );
}

/** Nothing is sent that was read from a file which changed in the meantime: throws then. */
function runBatch({ connection, file }: OpenEntry, message: BatchMessage): void {
  const { batch, items, path } = message;
  let results: WorkResult[] = [];
  let from = 0;
  let sentAt = performance.now();
  items.forEach((item, at) => {
    results.push(runItem(message, connection, item, at));
    if (performance.now() - sentAt < SEND_EVERY_MS && at < items.length - 1) return;
    if (file.hasChanged()) throw changedMeanwhile(path);
    send({ type: 'results', batch, from, results });
    from = at + 1;
    results = [];
    sentAt = performance.now();
  });
}

const sqlite = await instantiateSqlite(settings.memoryBytesMax);
port.on('message', (message: BatchMessage) => {
  const { batch, path } = message;
  try {
    runBatch(entryFor(sqlite, message), message);
  } catch (thrown) {
    // Anything else is a fault of the engine: the worker ends, and the lane says which item it was.
    if (!isQuerentError(thrown)) throw thrown;
    forget(path);
    progress[PROGRESS.startedAt] = 0;
    send({ type: 'failed', batch, error: serializeError(thrown) });
    return;
  }
  progress[PROGRESS.startedAt] = 0;
  send({ type: 'done', batch, memoryBytes: sqlite.wasm.heap8u().byteLength });
});
send({ type: 'ready' });
