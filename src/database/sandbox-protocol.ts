/** What the sandbox and its workers say to each other. */
import type { SerializedError } from '../foundation/errors.ts';
import type { ProtocolName, ProtocolOptions } from './comparison/protocol.ts';
import type { Execution, ExecutionLimits } from './execution.ts';
import type { TimedPair, Timing } from './timing.ts';
import type { Verdict } from './verdict.ts';

export interface JudgeOptions extends ProtocolOptions {
  readonly protocol: ProtocolName;
  readonly softF1?: boolean;
}

export type WorkItem =
  | { readonly kind: 'execute'; readonly sql: string }
  | {
      readonly kind: 'judge';
      readonly gold: string;
      readonly predicted: string;
      /** How the prediction ended when it had to be stopped from outside; it is not run again. */
      readonly predictedEnd?: Execution;
    }
  | ({ readonly kind: 'time' } & TimedPair);

export type WorkResult = Execution | Verdict | Timing;

export interface WorkerSettings {
  readonly memoryBytesMax: number;
  readonly doubleQuotedStrings: boolean;
  /** `PROGRESS_FIELDS` doubles that the worker writes and the supervisor reads. */
  readonly progress: SharedArrayBuffer;
}

/** The batch number, which item of it runs, which part (0 gold or the only one, 1 prediction), since when (`Date.now()`). */
export const PROGRESS = { batch: 0, item: 1, part: 2, startedAt: 3 } as const;
export const PROGRESS_FIELDS = 4;

export interface BatchMessage {
  readonly batch: number;
  readonly path: string;
  /** Of the file's content; results are cached under it. */
  readonly identity: string;
  readonly limits: ExecutionLimits;
  readonly judge: JudgeOptions;
  readonly items: readonly WorkItem[];
}

export type WorkerMessage =
  | { readonly type: 'ready' }
  /** Results of the items from position `from` on; several of these may come for one batch. */
  | {
      readonly type: 'results';
      readonly batch: number;
      readonly from: number;
      readonly results: readonly WorkResult[];
    }
  | { readonly type: 'done'; readonly batch: number; readonly memoryBytes: number }
  /** The batch could not be run at all: the database cannot be opened. */
  | { readonly type: 'failed'; readonly batch: number; readonly error: SerializedError };
