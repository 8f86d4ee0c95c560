/** The worker thread of a `LocalPolicy`: one engine, calls answered one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { serializeError } from '../foundation/errors.ts';
import { Engine } from './engine.ts';
import type { SampleRequest } from './policy.ts';
import type { SamplingWatch } from './sampling/sampling-watch.ts';
import {
  constraintSpecOf,
  type EngineCall,
  type EngineReply,
  type EngineWorkerData,
} from './worker-protocol.ts';

const port = parentPort!;
const reply = (message: EngineReply): void => port.postMessage(message);

function watchOf({ id, cancelled, tellsTokens }: EngineCall): SamplingWatch {
  const flag = cancelled === undefined ? undefined : new Int32Array(cancelled);
  return {
    ...(flag === undefined ? {} : { isCancelled: () => Atomics.load(flag, 0) !== 0 }),
    ...(tellsTokens === true
      ? { onToken: (prompt, sample, token) => reply({ type: 'token', id, prompt, sample, token }) }
      : {}),
  };
}

function samplingArgs(call: EngineCall): unknown[] {
  const { args, constraint } = call;
  if (constraint === undefined) return [...args, watchOf(call)];
  return [{ ...(args[0] as SampleRequest), constraint: constraintSpecOf(constraint) }, watchOf(call)];
}

async function answer(engine: Engine, call: EngineCall): Promise<void> {
  const { id, verb } = call;
  try {
    const method = engine[verb] as (...values: readonly unknown[]) => unknown;
    const given = verb === 'sample' ? samplingArgs(call) : [...call.args];
    reply({ type: 'value', id, value: await method.apply(engine, given) });
  } catch (thrown) {
    reply({ type: 'error', id, error: serializeError(thrown) });
  }
}

try {
  const engine = await Engine.create((workerData as EngineWorkerData).options);
  // Calls run in the order they came: a step must see the gradients of the call before it.
  let last: Promise<void> = Promise.resolve();
  port.on('message', (call: EngineCall) => {
    last = last.then(() => answer(engine, call));
  });
  reply({ type: 'ready', facts: engine.facts() });
} catch (thrown) {
  reply({ type: 'failed', error: serializeError(thrown) });
}
