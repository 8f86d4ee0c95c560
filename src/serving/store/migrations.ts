/**
 * The tables of the store, as steps that each run once. Steps are only ever added: a file of an older version is brought up to
 * date when it is opened, by whichever server opens it first.
 */

/** `PRAGMA user_version` is the number of steps that a file has seen. */
export const migrations: readonly string[] = [
  `CREATE TABLE api_keys (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     -- SHA-256 of the secret, which is 256 random bits: nothing slower is needed, since nothing can be guessed.
     hash BLOB NOT NULL,
     requests_per_minute INTEGER NOT NULL,
     created_at TEXT NOT NULL,
     last_used_at TEXT,
     revoked_at TEXT
   ) STRICT;
   CREATE TABLE answers (
     -- Begins with the time: newest first is the order of the ids backwards.
     id TEXT PRIMARY KEY,
     at TEXT NOT NULL,
     -- The key that asked; empty where the server asks for none.
     owner TEXT NOT NULL,
     database_id TEXT NOT NULL,
     question TEXT NOT NULL,
     sql TEXT NOT NULL,
     confidence REAL NOT NULL,
     latency_ms REAL NOT NULL,
     abstained INTEGER NOT NULL,
     -- The whole answer as JSON.
     answer TEXT NOT NULL
   ) STRICT;
   CREATE INDEX answers_by_owner ON answers (owner, id);
   CREATE TABLE feedback (
     answer_id TEXT PRIMARY KEY REFERENCES answers (id) ON DELETE CASCADE,
     at TEXT NOT NULL,
     verdict TEXT NOT NULL CHECK (verdict IN ('right', 'wrong')),
     corrected_sql TEXT,
     comment TEXT,
     -- What becomes a training example: the answer that was right, or the correction that runs; NULL where neither.
     example_sql TEXT
   ) STRICT;
   CREATE INDEX feedback_by_time ON feedback (at);`,
];
