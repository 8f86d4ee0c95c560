/**
 * The MCP server over streamable HTTP at /mcp. On loopback it answers only requests that were meant for loopback (a web page
 * could otherwise reach it by a name of its own, "DNS rebinding"); where a key is set, only those that carry it. Both
 * generations of the protocol: requests that stand alone, and sessions. Knows no tool.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  type McpServer,
  originValidationResponse,
} from '@modelcontextprotocol/server';
import { QuerentError } from '../../foundation/errors.ts';
import { announcedLength } from '../http/body.ts';
import { goneSignal, sendWebResponse, toWebRequest } from './node-http.ts';
import { createSessions } from './sessions.ts';

export interface McpHttpOptions {
  readonly factory: () => McpServer;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** As `Authorization: Bearer KEY`; required unless the host is loopback. */
  readonly key?: string | undefined;
  readonly onFailure: (error: unknown) => void;
}

export interface McpHttpService {
  /** For example `http://127.0.0.1:8001/mcp`. */
  readonly url: string;
  /** Takes nothing new, withdraws what runs, and ends. */
  close(): Promise<void>;
}

const PATH = '/mcp';
const BODY_BYTES_MAX = 1_048_576;
const SESSION_LIMITS = { sessionsMax: 256, idleMs: 30 * 60_000, bodyBytesMax: BODY_BYTES_MAX };
const CONNECTIONS_MAX = 512;
const KEY_LENGTH_MIN = 16;

export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return isIP(host) === 4 ? host.startsWith('127.') : host === '::1';
}

function checkKey({ host, key }: McpHttpOptions): void {
  if (key === undefined && !isLoopback(host)) {
    throw new QuerentError('mcp/no-key', `${host} can be reached by others, and there is no key`, {
      next: `Set QUERENT_MCP_KEY to a secret of at least ${KEY_LENGTH_MIN} characters (for example from \`openssl rand -hex 32\`), or listen on 127.0.0.1.`,
    });
  }
  if (key !== undefined && key.length < KEY_LENGTH_MIN) {
    throw new QuerentError(
      'mcp/short-key',
      `the key has ${key.length} characters, expected at least ${KEY_LENGTH_MIN}`,
      { next: 'Make one with `openssl rand -hex 32`.' },
    );
  }
}

const tooLarge = (): Response =>
  Response.json(
    { error: { code: 'mcp/too-large', message: `the body is larger than ${BODY_BYTES_MAX} bytes` } },
    { status: 413 },
  );

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Undefined where the request may be answered. */
function refusalOf(request: Request, { host, key }: McpHttpOptions): Response | undefined {
  if (isLoopback(host)) {
    // Other names of loopback, such as 127.0.0.2, are what the server was told to listen on.
    const names = [...localhostAllowedHostnames(), host];
    const refused =
      hostHeaderValidationResponse(request, names) ??
      originValidationResponse(request, [...localhostAllowedOrigins(), host]);
    if (refused !== undefined) return refused;
  }
  if (key === undefined) return undefined;
  const given = /^Bearer (.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? '';
  if (timingSafeEqual(digest(given), digest(key))) return undefined;
  return Response.json(
    {
      error: {
        code: 'mcp/key',
        message: 'the key is missing or wrong',
        next: 'Send Authorization: Bearer KEY.',
      },
    },
    { status: 401, headers: { 'www-authenticate': 'Bearer' } },
  );
}

export async function startMcpHttp(options: McpHttpOptions): Promise<McpHttpService> {
  const { factory, host, onFailure } = options;
  checkKey(options);
  const alone = createMcpHandler(factory, { legacy: 'reject', maxRequestBodySize: BODY_BYTES_MAX });
  const sessions = createSessions(factory, SESSION_LIMITS);

  const answer = async (request: Request): Promise<Response> => {
    const refusal = refusalOf(request, options);
    if (refusal !== undefined) return refusal;
    const { pathname } = new URL(request.url);
    if (pathname === '/health') return Response.json({ status: 'ok' });
    if (pathname !== PATH)
      return Response.json(
        { error: { code: 'mcp/not-found', message: `MCP is at ${PATH}` } },
        { status: 404 },
      );
    const bounds = { maxRequestBodySize: BODY_BYTES_MAX };
    return (await isLegacyRequest(request, undefined, bounds))
      ? sessions.fetch(request)
      : alone.fetch(request);
  };

  const onRequest = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      if ((announcedLength(request) ?? 0) > BODY_BYTES_MAX) {
        await sendWebResponse(response, tooLarge());
        // Read and thrown away, so that the client gets to read the answer.
        request.resume();
        return;
      }
      await sendWebResponse(response, await answer(toWebRequest(request, goneSignal(response))));
    } catch (thrown) {
      if (response.destroyed) return;
      onFailure(thrown);
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { code: 'mcp/internal', message: 'the server failed' } }));
    }
  };

  const server = createServer(
    { requestTimeout: 30_000 },
    (request, response) => void onRequest(request, response),
  );
  server.maxConnections = CONNECTIONS_MAX;
  const taken = await listen(server, options);
  const shown = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shown}:${taken}${PATH}`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      await Promise.all([alone.close(), sessions.close()]);
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, { host, port, onFailure }: McpHttpOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the port is taken' : error.message;
      reject(
        new QuerentError('mcp/cannot-listen', `cannot listen on ${host}:${port}: ${why}`, {
          next: 'Choose another port with --port, or stop what uses it.',
          cause: error,
        }),
      );
    });
    server.listen(port, host, () => {
      // A connection that cannot be taken, for want of descriptors, harms no other.
      server.removeAllListeners('error').on('error', onFailure);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
