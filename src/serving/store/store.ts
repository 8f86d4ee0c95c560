/** The store of a server: history with feedback, and API keys, in one file. */
import { openStoreDatabase } from './database.ts';
import { createHistory, type History } from './history.ts';
import { createKeyStore, type KeyStore } from './keys.ts';

export interface Store {
  readonly history: History;
  readonly keys: KeyStore;
  close(): void;
}

/** Of all keys together; the oldest go first. */
const ANSWERS_MAX = 100_000;

/** Makes the file, and its folder, where there is none. Several servers may have it open. */
export function openStore(path: string, answersMax: number = ANSWERS_MAX): Store {
  const database = openStoreDatabase(path);
  return {
    history: createHistory(database, answersMax),
    keys: createKeyStore(database),
    close: () => database.close(),
  };
}
