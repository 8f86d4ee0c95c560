/** Start a module of ours as a worker thread, compiled (dist/*.js) or from source (src/*.ts, through tsx). */
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** `url` is `new URL('./name.ts', import.meta.url)` or its compiled twin; the ending is matched to the caller's. */
export function spawnWorker(
  relativePath: string,
  importMetaUrl: string,
  options: WorkerOptions = {},
): Worker {
  const isSource = importMetaUrl.endsWith('.ts');
  const path = isSource ? relativePath : relativePath.replace(/\.ts$/, '.js');
  const url = new URL(path, importMetaUrl);
  if (!isSource) return new Worker(url, options);
  return new Worker(url, { ...options, execArgv: [...(options.execArgv ?? []), '--import', 'tsx'] });
}
