/**
 * `Policy` on this machine: an engine in a worker thread, since a run of ONNX Runtime blocks its thread. It knows
 * messages; all computation is in `engine.ts`.
 */
import type { Worker } from 'node:worker_threads';
import { QuerentError, reviveError } from '../foundation/errors.ts';
import { spawnWorker } from '../foundation/worker.ts';
import type { EngineFacts, EngineOptions } from './engine.ts';
import type { ConstraintSpec, Policy, SampleControl, SampleRequest } from './policy.ts';
import {
  type EngineCall,
  type EngineReply,
  type EngineVerb,
  type EngineWorkerData,
  type SharedConstraint,
  sharedConstraint,
} from './worker-protocol.ts';

interface Pending {
  readonly onToken?: SampleControl['onToken'];
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The calls that wait for an answer; all fail together if the worker dies. */
class EngineClient {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #constraints = new WeakMap<ConstraintSpec, SharedConstraint>();
  #nextId = 1;
  #ended: QuerentError | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (reply: EngineReply) => this.#receive(reply));
  }

  /** Resolves when the engine is built. */
  ready(): Promise<EngineFacts> {
    return new Promise((resolve, reject) => {
      this.#pending.set(0, { resolve: (facts) => resolve(facts as EngineFacts), reject });
      this.#worker.on('error', (thrown) => this.#end(`failed: ${thrown.message}`, thrown));
      this.#worker.on('exit', (code) => this.#end(`ended with exit code ${code}`));
    });
  }

  call(verb: EngineVerb, ...args: readonly unknown[]): Promise<unknown> {
    return this.#post({ verb, args });
  }

  async sample(request: SampleRequest, { onToken, signal }: SampleControl = {}): Promise<unknown> {
    const { constraint, ...rest } = request;
    const call =
      constraint?.key === undefined
        ? ({ verb: 'sample', args: [request] } as const)
        : ({ verb: 'sample', args: [rest], constraint: this.#share(constraint) } as const);
    if (signal === undefined) return this.#post({ ...call, tellsTokens: onToken !== undefined }, onToken);
    // The worker computes without a break: shared memory is what it can look at between two tokens.
    const cancelled = new SharedArrayBuffer(4);
    const cancel = (): unknown => Atomics.store(new Int32Array(cancelled), 0, 1);
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await this.#post({ ...call, cancelled, tellsTokens: onToken !== undefined }, onToken);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  #share(constraint: ConstraintSpec): SharedConstraint {
    const shared = this.#constraints.get(constraint) ?? sharedConstraint(constraint);
    this.#constraints.set(constraint, shared);
    return shared;
  }

  #post(call: Omit<EngineCall, 'id'>, onToken?: SampleControl['onToken']): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, ...(onToken === undefined ? {} : { onToken }) });
      this.#worker.postMessage({ id, ...call } satisfies EngineCall);
    });
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    await this.call('close');
    this.#ended = new QuerentError('engine/closed', 'the policy was closed', {
      next: 'Create another one with createLocalPolicy().',
    });
    await this.#worker.terminate();
  }

  #receive(reply: EngineReply): void {
    if (reply.type === 'token') {
      this.#pending.get(reply.id)?.onToken?.(reply.prompt, reply.sample, reply.token);
      return;
    }
    const id = reply.type === 'value' || reply.type === 'error' ? reply.id : 0;
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (reply.type === 'ready') pending?.resolve(reply.facts);
    else if (reply.type === 'value') pending?.resolve(reply.value);
    else pending?.reject(reviveError(reply.error));
  }

  #end(how: string, cause?: unknown): void {
    this.#ended ??= new QuerentError('engine/worker-lost', `the engine's worker thread ${how}`, {
      next: 'If memory ran out, lower tokenBudget; resume from the last checkpoint.',
      cause,
    });
    for (const { reject } of this.#pending.values()) reject(this.#ended);
    this.#pending.clear();
  }
}

/** An engine of ours that trains and samples; see `EngineOptions` for what it can be made from. */
export async function createLocalPolicy(options: EngineOptions): Promise<Policy> {
  const worker = spawnWorker('./engine-worker.ts', import.meta.url, {
    workerData: { options } satisfies EngineWorkerData,
  });
  const client = new EngineClient(worker);
  let facts: EngineFacts;
  try {
    facts = await client.ready();
  } catch (thrown) {
    await worker.terminate();
    throw thrown;
  }
  const verb =
    <K extends Exclude<EngineVerb, 'close' | 'sample'>>(name: K) =>
    (...args: Parameters<Policy[K]>) =>
      client.call(name, ...args) as ReturnType<Policy[K]>;
  return Object.freeze({
    ...facts,
    sample: (request: SampleRequest, control?: SampleControl) =>
      client.sample(request, control) as ReturnType<Policy['sample']>,
    forwardBackward: verb('forwardBackward'),
    optimStep: verb('optimStep'),
    logprobs: verb('logprobs'),
    freezeReference: verb('freezeReference'),
    save: verb('save'),
    load: verb('load'),
    close: () => client.close(),
  });
}
