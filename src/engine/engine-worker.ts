/** The worker thread of a `LocalPolicy`: one engine, calls answered one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { serializeError } from '../foundation/errors.ts';
import { Engine } from './engine.ts';
import type { EngineCall, EngineReply, EngineWorkerData } from './worker-protocol.ts';

const port = parentPort!;
const reply = (message: EngineReply): void => port.postMessage(message);

async function answer(engine: Engine, { id, verb, args }: EngineCall): Promise<void> {
  try {
    const method = engine[verb] as (...values: readonly unknown[]) => unknown;
    reply({ type: 'value', id, value: await method.apply(engine, [...args]) });
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
