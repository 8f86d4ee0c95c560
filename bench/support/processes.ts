/** Processes of the service benchmarks: a service that prints where it listens, and the clients that load it. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QuerentError } from '../../src/foundation/errors.ts';
import { packageRoot } from '../../src/foundation/files.ts';
import type { LoadOrder, LoadReport } from './http-load.ts';

export interface ServiceProcess {
  readonly port: number;
  stop(): Promise<void>;
}

/** Waits for the line `listening on http://HOST:PORT`. */
export async function startServiceProcess(command: string, args: readonly string[]): Promise<ServiceProcess> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4_000);
  });
  let said = '';
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const found = /listening on http:\/\/[\w.]+:(\d+)\n/.exec(said);
      if (found !== null) resolve(Number(found[1]));
    });
    child.once('exit', () => reject(new QuerentError('bench/service-failed', `${command} ended\n${errors}`)));
  });
  return {
    port,
    stop: async () => {
      const ended = once(child, 'exit');
      child.stdin.end();
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** This checkout's own command line, from source. */
export function startQuerent(args: readonly string[]): Promise<ServiceProcess> {
  const main = join(packageRoot(), 'src', 'cli', 'main.ts');
  return startServiceProcess(process.execPath, ['--import', 'tsx', main, ...args]);
}

export interface LoadClient {
  run(order: LoadOrder): Promise<LoadReport>;
  stop(): void;
}

type Reply = { readonly report: LoadReport } | { readonly error: string };

export function startLoadClient(): LoadClient {
  const path = fileURLToPath(new URL('./http-load.ts', import.meta.url));
  const child: ChildProcess = fork(path, { execArgv: ['--import', 'tsx'] });
  return {
    run: async (order) => {
      child.send(order);
      const [reply] = (await once(child, 'message')) as [Reply];
      if ('error' in reply) throw new QuerentError('bench/load-failed', reply.error);
      return reply.report;
    },
    stop: () => child.kill(),
  };
}
