/** For tests of the Python worker: a tiny model in a folder, a worker that serves it on this machine, or why there is none. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findWorkerPython, type RunningWorker, startWorker } from '../../src/cli/wiring/worker-process.ts';
import { createLocalPolicy } from '../../src/engine/index.ts';
import { messageOf } from '../../src/foundation/errors.ts';

export type PythonHere =
  | { readonly python: string; readonly reason: '' }
  | { readonly python: undefined; readonly reason: string };

export function pythonForWorker(): PythonHere {
  try {
    return { python: findWorkerPython(undefined, process.env, process.cwd()), reason: '' };
  } catch (thrown) {
    return { python: undefined, reason: messageOf(thrown) };
  }
}

/** Importing torch on a machine that does other work. */
export const startLimitMs = 300_000;

export interface TestFolder {
  readonly directory: string;
  readonly model: string;
  path(name: string): string;
  remove(): Promise<void>;
}

/** A folder with a random model in it. */
export async function tinyModelFolder(config: unknown): Promise<TestFolder> {
  const directory = await mkdtemp(join(tmpdir(), 'querent-worker-'));
  const model = join(directory, 'model');
  const policy = await createLocalPolicy({ config, seed: 11, threads: 1 });
  await policy.save(model);
  await policy.close();
  return {
    directory,
    model,
    path: (name) => join(directory, name),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

export interface TestWorkerOptions {
  readonly port?: number;
  readonly token?: string;
  readonly checkpoints?: string;
  readonly args?: readonly string[];
}

export function startTestWorker(
  python: string,
  folder: TestFolder,
  { port = 0, token, checkpoints = 'saved', args = [] }: TestWorkerOptions = {},
): Promise<RunningWorker> {
  const fixed = ['--model', folder.model, '--device', 'cpu', '--threads', '1'];
  return startWorker({
    python,
    args: [...fixed, '--checkpoints', folder.path(checkpoints), ...args],
    host: '127.0.0.1',
    port,
    token,
    env: { ...process.env, HF_HUB_OFFLINE: '1', TOKENIZERS_PARALLELISM: 'false' },
    workingDirectory: folder.directory,
    onLine: () => {},
  });
}
