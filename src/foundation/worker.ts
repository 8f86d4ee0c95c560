/** Start a module of ours as a worker thread, compiled (dist/*.js) or from source (src/*.ts, through tsx). */
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Loads a TypeScript module in a thread: Node 20 does not pass tsx's hooks on, neither by itself nor by `execArgv`. */
function throughTsx(url: URL): URL {
  const register = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = `import { register } from ${register}; register(); await import(${JSON.stringify(url.href)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

/** `relativePath` as `./name.ts`, beside the caller whose `import.meta.url` is given; the ending is matched to the caller's. */
export function spawnWorker(
  relativePath: string,
  importMetaUrl: string,
  options: WorkerOptions = {},
): Worker {
  const isSource = importMetaUrl.endsWith('.ts');
  const path = isSource ? relativePath : relativePath.replace(/\.ts$/, '.js');
  const url = new URL(path, importMetaUrl);
  return new Worker(isSource ? throughTsx(url) : url, options);
}
