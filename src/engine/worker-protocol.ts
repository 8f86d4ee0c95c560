/** Messages between `LocalPolicy` and its worker: calls by name, answered by id. */
import { deserialize, serialize } from 'node:v8';
import type { SerializedError } from '../foundation/errors.ts';
import type { EngineFacts, EngineOptions } from './engine.ts';
import type { ConstraintSpec } from './policy.ts';

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
  /** Of `sample`: its constraint, where it has a key. */
  readonly constraint?: SharedConstraint;
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

/** A constraint with its options in shared memory: they are large, and the worker reads them once. */
export interface SharedConstraint {
  readonly spec: Omit<ConstraintSpec, 'options'>;
  readonly options: SharedArrayBuffer;
}

export function sharedConstraint({ options, ...spec }: ConstraintSpec): SharedConstraint {
  const bytes = serialize(options);
  const shared = new SharedArrayBuffer(bytes.byteLength);
  new Uint8Array(shared).set(bytes);
  return { spec, options: shared };
}

/** `options` is read only where somebody asks for it. */
export function constraintSpecOf({ spec, options }: SharedConstraint): ConstraintSpec {
  return {
    ...spec,
    get options(): unknown {
      return deserialize(Buffer.from(new Uint8Array(options)));
    },
  };
}
