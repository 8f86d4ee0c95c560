/** Messages between `LocalPolicy` and its worker: calls by name, answered by id. */
import type { SerializedError } from '../foundation/errors.ts';
import type { EngineFacts, EngineOptions } from './engine.ts';

export type EngineVerb =
  | 'sample'
  | 'forwardBackward'
  | 'optimStep'
  | 'logprobs'
  | 'freezeReference'
  | 'save'
  | 'load'
  | 'close';

export interface EngineCall {
  readonly id: number;
  readonly verb: EngineVerb;
  readonly args: readonly unknown[];
  /** Of `sample`: an Int32Array of one that becomes 1 when the call is no longer wanted; read between two tokens. */
  readonly cancelled?: SharedArrayBuffer;
  /** Of `sample`: tell each token as it is chosen. */
  readonly tellsTokens?: boolean;
}

export type EngineReply =
  | { readonly type: 'ready'; readonly facts: EngineFacts }
  | { readonly type: 'failed'; readonly error: SerializedError }
  | { readonly type: 'value'; readonly id: number; readonly value: unknown }
  | {
      readonly type: 'token';
      readonly id: number;
      readonly prompt: number;
      readonly sample: number;
      readonly token: number;
    }
  | { readonly type: 'error'; readonly id: number; readonly error: SerializedError };

export interface EngineWorkerData {
  readonly options: EngineOptions;
}
