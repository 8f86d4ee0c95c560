/** What the routes are made of, handed in by whoever starts the server. It knows names; it opens nothing. */
import type { Execution, ExecutionLimits } from '../../database/execution.ts';
import type { ApiKey } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import type { Gate } from './gate.ts';
import type { ApiMetrics } from './metrics.ts';
import type { ServedDatabase } from './served-database.ts';
import type { ModelHolder } from './served-model.ts';

export interface ApiLimits {
  readonly bodyBytesMax: number;
  readonly batchBytesMax: number;
  /** Of one question; a batch has it for each. */
  readonly timeoutMs: number;
  readonly runningMax: number;
  readonly waitingMax: number;
  readonly drainTimeoutMs: number;
}

export const defaultLimits: ApiLimits = {
  bodyBytesMax: 1_000_000,
  batchBytesMax: 16_000_000,
  timeoutMs: 60_000,
  runningMax: 32,
  waitingMax: 96,
  drainTimeoutMs: 30_000,
};

export interface KnownQuestion {
  readonly query: string;
  readonly sql: string;
}

export interface ApiParts {
  readonly version: string;
  readonly database: ServedDatabase;
  readonly model: ModelHolder;
  readonly store: Store;
  readonly gate: Gate;
  readonly metrics: ApiMetrics;
  readonly limits: ApiLimits;
  /** One statement in the sandbox; rejects only where the database cannot be read. */
  readonly execute: (sql: string, limits?: Partial<ExecutionLimits>) => Promise<Execution>;
  readonly examples: readonly KnownQuestion[];
  readonly runsDirectory: string;
  /** The built web page. */
  readonly webDirectory: string;
  readonly access: {
    /** Keys are asked for from the start, whatever the store holds. */
    readonly isKeyRequired: boolean;
    /** Names under which the server may be asked; undefined: any. */
    readonly hosts: ReadonlySet<string> | undefined;
    /** Origins of other pages that may ask; none by default. */
    readonly corsOrigins: readonly string[];
  };
  readonly log: (event: ApiEvent) => void;
  /** Aborted when the server begins to stop. */
  readonly stopping: AbortSignal;
}

export type ApiEvent =
  | {
      readonly event: 'request';
      readonly id: string;
      readonly method: string;
      readonly path: string;
      readonly status: number;
      readonly elapsedMs: number;
      readonly key?: string;
      readonly code?: string;
    }
  | { readonly event: 'failure'; readonly id: string; readonly error: string }
  | { readonly event: 'model-missing' | 'history-failed' | 'server-error'; readonly error: string };

/** What the middleware found out about a request. */
export interface ApiEnv {
  readonly Variables: {
    requestId: string;
    key: ApiKey | undefined;
    /** Of a failure, for the log. */
    code: string | undefined;
  };
}
