/**
 * Sessions of clients that speak the protocol of 2025: an instance of the server for each, found by the id that it was given.
 * A question is withdrawn by a message of its own there, which must reach the instance that answers it. Bounded: the one that
 * was idle longest makes room, and what is idle too long is closed. A client whose session is gone opens another.
 */
import { randomUUID } from 'node:crypto';
import { type McpServer, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';

export interface Sessions {
  fetch(request: Request): Promise<Response>;
  readonly size: number;
  close(): Promise<void>;
}

export interface SessionLimits {
  readonly sessionsMax: number;
  readonly idleMs: number;
  readonly bodyBytesMax: number;
}

interface Session {
  readonly transport: WebStandardStreamableHTTPServerTransport;
  usedAt: number;
}

const HEADER = 'mcp-session-id';
const SWEEP_MS = 30_000;

function problem(status: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', error: { code: -32_001, message }, id: null }, { status });
}

export function createSessions(
  factory: () => McpServer,
  { sessionsMax, idleMs, bodyBytesMax }: SessionLimits,
): Sessions {
  /** The one used last comes last. */
  const sessions = new Map<string, Session>();

  const end = async (id: string): Promise<void> => {
    const session = sessions.get(id);
    sessions.delete(id);
    await session?.transport.close();
  };
  const sweep = setInterval(() => {
    for (const [id, { usedAt }] of sessions) if (Date.now() - usedAt > idleMs) void end(id);
  }, SWEEP_MS);
  sweep.unref();

  const open = async (request: Request): Promise<Response> => {
    const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      maxRequestBodySize: bodyBytesMax,
      onsessioninitialized: async (id) => {
        sessions.set(id, { transport, usedAt: Date.now() });
        const [oldest] = sessions.keys();
        if (sessions.size > sessionsMax && oldest !== undefined) await end(oldest);
      },
      onsessionclosed: (id) => {
        sessions.delete(id);
      },
    });
    const server = factory();
    await server.connect(transport);
    const response = await transport.handleRequest(request);
    // Refused, or not an initialization: nobody will come back for it.
    if (transport.sessionId === undefined) await server.close();
    return response;
  };

  return {
    get size() {
      return sessions.size;
    },
    fetch: async (request) => {
      const id = request.headers.get(HEADER);
      if (id === null) return open(request);
      const session = sessions.get(id);
      if (session === undefined) return problem(404, 'Session not found: initialize again');
      session.usedAt = Date.now();
      sessions.delete(id);
      sessions.set(id, session);
      return session.transport.handleRequest(request);
    },
    close: async () => {
      clearInterval(sweep);
      await Promise.all([...sessions.keys()].map(end));
    },
  };
}
