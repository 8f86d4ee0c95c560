/**
 * API keys: made, listed, revoked, checked. A key is `qk_ID_SECRET`; the store keeps the id and a hash of the secret, so whoever
 * reads the file cannot use what is in it. It knows no requests.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { QuerentError } from '../../foundation/errors.ts';
import type { StoreDatabase } from './database.ts';

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly requestsPerMinute: number;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

export interface KeyStore {
  /** The secret is in the answer and nowhere else: it cannot be shown again. */
  create(name: string, requestsPerMinute: number): { readonly key: string; readonly id: string };
  list(): readonly ApiKey[];
  /** Takes effect with the next request of every server on this file. */
  revoke(id: string): void;
  /** The key, if it is one and has not been revoked. */
  check(presented: string): ApiKey | undefined;
  /** Whether any key is in force. */
  readonly hasKeys: boolean;
}

interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly hash: Uint8Array;
  readonly requests_per_minute: number;
  readonly created_at: string;
  readonly last_used_at: string | null;
  readonly revoked_at: string | null;
}

const FORM = /^qk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;
/** When a key was last used is kept to the minute: not a write for every request. */
const USED_EVERY_MS = 60_000;

const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

const keyOf = (row: KeyRow): ApiKey => ({
  id: row.id,
  name: row.name,
  requestsPerMinute: row.requests_per_minute,
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  revokedAt: row.revoked_at,
});

export function createKeyStore(database: StoreDatabase): KeyStore {
  const insert = database.prepare(
    'INSERT INTO api_keys (id, name, hash, requests_per_minute, created_at) VALUES (?, ?, ?, ?, ?)',
  );
  const all = database.prepare('SELECT * FROM api_keys ORDER BY created_at, id');
  const byId = database.prepare('SELECT * FROM api_keys WHERE id = ?');
  const revoke = database.prepare('UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
  const use = database.prepare('UPDATE api_keys SET last_used_at = ? WHERE id = ?');
  const inForce = database.prepare('SELECT 1 AS one FROM api_keys WHERE revoked_at IS NULL LIMIT 1');
  const nobody = randomBytes(32);
  return {
    create: (name, requestsPerMinute) => {
      const id = randomBytes(6).toString('hex');
      const secret = randomBytes(32).toString('base64url');
      insert.run(id, name, hashOf(secret), requestsPerMinute, new Date().toISOString());
      return { id, key: `qk_${id}_${secret}` };
    },
    list: () => (all.all() as KeyRow[]).map(keyOf),
    revoke: (id) => {
      if (byId.get(id) === undefined) {
        throw new QuerentError('keys/unknown', `there is no key with the id "${id.slice(0, 100)}"`, {
          next: 'Run `querent keys list` to see the ids.',
        });
      }
      revoke.run(new Date().toISOString(), id);
    },
    check: (presented) => {
      const [, id = '', secret = ''] = FORM.exec(presented) ?? [];
      const row = id === '' ? undefined : (byId.get(id) as KeyRow | undefined);
      // An unknown id takes as long as a wrong secret.
      const isSame = timingSafeEqual(hashOf(secret), row === undefined ? nobody : Buffer.from(row.hash));
      if (row === undefined || !isSame || row.revoked_at !== null) return undefined;
      if (row.last_used_at === null || Date.now() - Date.parse(row.last_used_at) > USED_EVERY_MS)
        use.run(new Date().toISOString(), id);
      return keyOf(row);
    },
    get hasKeys() {
      return inForce.get() !== undefined;
    },
  };
}
