/**
 * What the server knows of its database, kept true: a schema that changes while the server runs is read again before the next
 * question is answered. It knows when to look; how to read is handed in.
 */
import type { StatementExplanation } from '../../agents/explain/explain-statement.ts';
import type { PipelineWarning } from '../../agents/pipeline.ts';
import type { Schema } from '../../schema/schema.ts';

export interface DatabaseKnowledge {
  readonly schema: Schema;
  readonly explain: (sql: string, options: { readonly advice: boolean }) => Promise<StatementExplanation>;
}

export interface ServedDatabase {
  /** As it was read last. */
  readonly known: DatabaseKnowledge;
  /** The schema has changed, and what it is now could not be taken up: answers go by what was known before. */
  readonly isStale: boolean;
  /** Resolves when a change has been taken up, or could not be; never rejects. Cheap where nothing has changed. */
  refresh(): Promise<void>;
}

export interface ServedDatabaseOptions {
  readonly first: DatabaseKnowledge;
  /** Of the schema as it was when `first` was read. */
  readonly stamp: string;
  /** Another text whenever the schema may be another; throws where the database cannot be read. */
  readonly stampNow: () => string;
  /** What is known now; the same object where the schema turns out to be the same. */
  readonly read: () => Promise<DatabaseKnowledge>;
  readonly onFailure: (thrown: unknown) => void;
  /** What could not be taken up is tried again, but not more often. Default 5,000. */
  readonly retryMs?: number;
}

export function createServedDatabase(options: ServedDatabaseOptions): ServedDatabase {
  const { stampNow, read, onFailure, retryMs = 5_000 } = options;
  let { first: known, stamp } = options;
  let failed: { readonly stamp: string; readonly at: number } | undefined;
  let running: Promise<void> | undefined;

  const takeUp = async (now: string): Promise<void> => {
    try {
      known = await read();
      stamp = now;
      failed = undefined;
    } catch (thrown) {
      failed = { stamp: now, at: performance.now() };
      onFailure(thrown);
    } finally {
      running = undefined;
    }
  };

  /** Undefined where the database is away, which whoever reads it next is told. */
  const stampIfThere = (): string | undefined => {
    try {
      return stampNow();
    } catch {
      return undefined;
    }
  };

  return {
    get known() {
      return known;
    },
    get isStale() {
      return failed !== undefined;
    },
    refresh: async () => {
      if (running === undefined) {
        const now = stampIfThere();
        if (now === undefined || now === stamp) return;
        if (failed?.stamp === now && performance.now() - failed.at < retryMs) return;
        running = takeUp(now);
      }
      await running;
    },
  };
}

/** Stands with every answer that is given meanwhile. */
export const staleWarning: PipelineWarning = {
  code: 'schema/stale',
  message:
    'The database has other tables than when it was read, and they cannot be taken up: the answer goes by the old ones.',
  severity: 'warning',
};
