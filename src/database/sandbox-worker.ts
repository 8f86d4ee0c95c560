/** The worker thread of the sandbox: one SQLite instance with capped memory, a few open databases, batches in, results out. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { serializeError } from '../foundation/errors.ts';
import { PLAIN_READING } from './cell-reading.ts';
import type { Execution } from './execution.ts';
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
import { openSqliteFile } from './sqlite-file.ts';
import { type GuardedConnection, runStatement } from './statement.ts';
import { instantiateSqlite, type Sqlite3Static } from './wasm.ts';

const OPEN_DATABASES_MAX = 8;
const GOLD_CELLS_MAX = 2_000_000;
/** Results are sent at least this often, so that little is lost when the worker must be stopped. */
const SEND_EVERY_MS = 20;

interface OpenEntry {
  readonly identity: string;
  readonly connection: GuardedConnection;
  readonly close: () => void;
}

const settings = workerData as WorkerSettings;
const progress = new Float64Array(settings.progress);
const port: MessagePort = parentPort!;
const goldCache = createGoldCache(GOLD_CELLS_MAX);
const openEntries = new Map<string, OpenEntry>();

const send = (message: WorkerMessage) => port.postMessage(message);

function connectionTo(sqlite: Sqlite3Static, { path, identity }: BatchMessage): GuardedConnection {
  const known = openEntries.get(path);
  openEntries.delete(path);
  if (known !== undefined && known.identity === identity) {
    openEntries.set(path, known);
    return known.connection;
  }
  known?.close();
  const [oldest] = openEntries;
  if (openEntries.size >= OPEN_DATABASES_MAX && oldest !== undefined) {
    oldest[1].close();
    openEntries.delete(oldest[0]);
  }
  const { database, close } = openSqliteFile(sqlite, path);
  const guard = guardDatabase(sqlite, database, settings);
  const connection = { sqlite, database, guard, memoryBytesMax: settings.memoryBytesMax };
  openEntries.set(path, { identity, connection, close });
  return connection;
}

/** The last write is the start time: the supervisor reads the others only where that one is old. */
function mark(batch: number, item: number, part: number): void {
  progress[PROGRESS.batch] = batch;
  progress[PROGRESS.item] = item;
  progress[PROGRESS.part] = part;
  progress[PROGRESS.startedAt] = Date.now();
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

function runBatch(connection: GuardedConnection, message: BatchMessage): void {
  const { batch, items } = message;
  let results: WorkResult[] = [];
  let from = 0;
  let sentAt = performance.now();
  items.forEach((item, at) => {
    results.push(runItem(message, connection, item, at));
    if (performance.now() - sentAt < SEND_EVERY_MS && at < items.length - 1) return;
    send({ type: 'results', batch, from, results });
    from = at + 1;
    results = [];
    sentAt = performance.now();
  });
}

const sqlite = await instantiateSqlite(settings.memoryBytesMax);
port.on('message', (message: BatchMessage) => {
  const { batch } = message;
  let connection: GuardedConnection;
  try {
    connection = connectionTo(sqlite, message);
  } catch (thrown) {
    send({ type: 'failed', batch, error: serializeError(thrown) });
    return;
  }
  // Whatever is thrown from here on is a fault of the engine: the worker ends, and the lane says which item it was.
  runBatch(connection, message);
  progress[PROGRESS.startedAt] = 0;
  send({ type: 'done', batch, memoryBytes: sqlite.wasm.heap8u().byteLength });
});
send({ type: 'ready' });
