/**
 * `querent serve` as a server on a port: bounded heads and bodies in time, a stop that lets what has begun finish. It knows
 * sockets and the app; who opened its parts closes them.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { QuerentError } from '../../foundation/errors.ts';
import { createApp, unreadable } from './app.ts';
import { createGate } from './gate.ts';
import { createApiMetrics } from './metrics.ts';
import type { ApiLimits, ApiParts } from './parts.ts';

export interface ApiServer {
  /** Resolves to the port that was taken. */
  listen(host: string, port: number): Promise<number>;
  /** Requests that have begun and not ended. */
  readonly active: number;
  /** Takes nothing new, waits for what has begun, closes. False where something had not finished in time. */
  stop(): Promise<{ readonly finished: boolean }>;
}

export type ApiServerParts = Omit<ApiParts, 'gate' | 'metrics' | 'stopping'> & {
  readonly metrics?: ApiParts['metrics'];
};

const HEADERS_TIMEOUT_MS = 10_000;
const BODY_TIMEOUT_MS = 30_000;
const CONNECTIONS_MAX = 1_000;

export function createApiServer(given: ApiServerParts): ApiServer {
  const stopping = new AbortController();
  const gate = createGate(given.limits);
  const metrics = given.metrics ?? createApiMetrics();
  const parts: ApiParts = { ...given, gate, metrics, stopping: stopping.signal };
  const app = createApp(parts);
  const server = createAdaptorServer({
    fetch: async (request, env) => {
      try {
        return await app.fetch(request, env);
      } catch (thrown) {
        return unreadable(parts, thrown);
      }
    },
    serverOptions: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: BODY_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 16_384,
    },
  }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  server.keepAliveTimeout = 75_000;

  let active = 0;
  let onIdle = (): void => {};
  server.prependListener('request', (_: IncomingMessage, response: ServerResponse) => {
    active += 1;
    response.once('close', () => {
      active -= 1;
      if (active === 0) onIdle();
    });
  });
  metrics.watch('querent_requests_active', 'Requests that are being read or answered', () => active);
  metrics.watch(
    'querent_questions_running',
    'Questions and statements that are worked on',
    () => gate.running,
  );
  metrics.watch('querent_questions_waiting', 'Questions and statements that wait', () => gate.waiting);

  const idleWithin = ({ drainTimeoutMs }: ApiLimits): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), drainTimeoutMs);
      onIdle = () => {
        clearTimeout(timer);
        resolve(true);
      };
      if (active === 0) onIdle();
    });

  return {
    get active() {
      return active;
    },
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const refuse = (error: NodeJS.ErrnoException): void => reject(cannotListen(host, port, error));
        server.once('error', refuse);
        server.listen(port, host, () => {
          server
            .off('error', refuse)
            .on('error', (error) => given.log({ event: 'server-error', error: error.message }));
          resolve((server.address() as AddressInfo).port);
        });
      }),
    stop: async () => {
      stopping.abort();
      server.closeIdleConnections();
      const finished = await idleWithin(given.limits);
      gate.close();
      server.close();
      server.closeAllConnections();
      return { finished };
    },
  };
}

function cannotListen(host: string, port: number, error: NodeJS.ErrnoException): QuerentError {
  const why = error.code === 'EADDRINUSE' ? 'the port is taken' : error.message;
  return new QuerentError('http/cannot-listen', `cannot listen on ${host}:${port}: ${why}`, {
    next: 'Choose another port with --port, or stop what uses it.',
    cause: error,
  });
}
