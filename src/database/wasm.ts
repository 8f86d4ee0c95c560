/**
 * One SQLite in WebAssembly. Knows how to instantiate it quietly and with a capped memory; knows nothing of files,
 * limits or permissions. Each instance has its own memory, which never shrinks.
 */
import sqlite3InitModule, { type Sqlite3Static } from '@sqlite.org/sqlite-wasm';

export type { Sqlite3Static };

const WASM_PAGE_BYTES = 65_536;
const INITIAL_PAGES = 128;

/** The slice of the WebAssembly API that is used; the compiler's library for it comes only with the browser's. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
const { Memory } = (
  globalThis as unknown as {
    WebAssembly: { Memory: new (limits: { initial: number; maximum: number }) => WasmMemory };
  }
).WebAssembly;

type Initialise = (options: {
  print: () => void;
  printErr: () => void;
  wasmMemory?: WasmMemory;
}) => Promise<Sqlite3Static>;

/** `memoryBytesMax` is a hard cap: beyond it SQLite reports out of memory. Without it the module's own 2 GB hold. */
export async function instantiateSqlite(memoryBytesMax?: number): Promise<Sqlite3Static> {
  const quiet = () => {};
  // The library logs to the console while it starts; only the caller decides what is printed.
  (globalThis as Record<string, unknown>).sqlite3ApiConfig = {
    debug: quiet,
    log: quiet,
    warn: quiet,
    error: quiet,
  };
  const initialise = sqlite3InitModule as unknown as Initialise;
  if (memoryBytesMax === undefined) return initialise({ print: quiet, printErr: quiet });
  const maximum = Math.max(INITIAL_PAGES, Math.floor(memoryBytesMax / WASM_PAGE_BYTES));
  const wasmMemory = new Memory({ initial: INITIAL_PAGES, maximum });
  return initialise({ print: quiet, printErr: quiet, wasmMemory });
}

let shared: Promise<Sqlite3Static> | undefined;

/** The process-wide instance for trusted work in the host: building a database, reading a schema. */
export function sharedSqlite(): Promise<Sqlite3Static> {
  shared ??= instantiateSqlite();
  return shared;
}
