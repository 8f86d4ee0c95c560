/**
 * What stands before every route: who asks, how much, and what a browser may do with the answer. Knows heads of requests; knows
 * no bodies but their size.
 */
import { randomBytes } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { pageScriptHash } from '../../evaluation/report/page-script.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { draining } from '../http/answer.ts';
import type { ApiEnv, ApiParts } from './parts.ts';
import { createRateLimit } from './rate-limit.ts';

export type ApiContext = Context<ApiEnv & { Bindings: Partial<HttpBindings> }>;
type Guard = MiddlewareHandler<ApiEnv & { Bindings: Partial<HttpBindings> }>;

/** Answered without a key: whether the server lives is no secret, and pages ask for the key themselves. */
const OPEN = /^\/(?:health(?:\/live|\/ready)?|docs|openapi\.json)$/;

/**
 * Styles may stand in elements: the editor of the page makes its own. Reports are shown in a frame whose document inherits this
 * policy: the one script that they have is named by its hash.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  `script-src 'self' '${pageScriptHash}'`,
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/** A route that needs another policy has set its own. */
export function securityHeaders(): Guard {
  return async (c, next) => {
    await next();
    const { headers } = c.res;
    for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
    if (!headers.has('content-security-policy')) headers.set('content-security-policy', PAGE_POLICY);
    if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
  };
}

const REQUEST_ID = /^[\w.-]{1,80}$/;

export function requestId(): Guard {
  return async (c, next) => {
    const given = c.req.header('x-request-id') ?? '';
    c.set('requestId', REQUEST_ID.test(given) ? given : randomBytes(8).toString('hex'));
    await next();
    c.res.headers.set('x-request-id', c.get('requestId'));
  };
}

/** A page of somebody else's whose name was made to point here must not be answered (DNS rebinding). */
export function knownHosts({ access: { hosts } }: ApiParts): Guard {
  return async (c, next) => {
    const host = (c.req.header('host') ?? '').replace(/:\d+$/, '').toLowerCase();
    if (hosts !== undefined && !hosts.has(host)) {
      throw new QuerentError('api/forbidden-host', 'the server is not known by this name', {
        next: 'Ask it as localhost, or start it with --allow-host NAME.',
      });
    }
    await next();
  };
}

/** Off unless origins were named. */
export function crossOrigin({ access: { corsOrigins } }: ApiParts): Guard {
  return async (c, next) => {
    const origin = c.req.header('origin');
    const isAllowed = origin !== undefined && corsOrigins.includes(origin);
    if (isAllowed && c.req.method === 'OPTIONS') {
      c.res = new Response(null, {
        status: 204,
        headers: {
          'access-control-allow-methods': 'GET, POST, DELETE',
          'access-control-allow-headers': 'authorization, content-type, accept',
          'access-control-max-age': '600',
        },
      });
    } else await next();
    if (!isAllowed) return;
    c.res.headers.set('access-control-allow-origin', origin);
    c.res.headers.set('cross-origin-resource-policy', 'cross-origin');
    c.res.headers.append('vary', 'origin');
  };
}

function presentedKey(c: ApiContext): string {
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
  return bearer ?? c.req.header('x-api-key') ?? '';
}

const noKey = (isPresent: boolean): QuerentError =>
  new QuerentError('api/no-key', isPresent ? 'the API key is not valid' : 'the server asks for an API key', {
    next: 'Send `Authorization: Bearer KEY`; `querent keys create NAME` makes one.',
  });

/**
 * Once keys were asked for they are asked for until the server ends: revoking the last key closes the server and does not
 * open it. `isPublic`: files of the page, which ask for the key themselves.
 */
export function keys({ store, access }: ApiParts, isPublic: (path: string) => boolean): Guard {
  let isRequired = access.isKeyRequired;
  const limit = createRateLimit();
  return async (c, next) => {
    isRequired ||= store.keys.hasKeys;
    if (isRequired && !OPEN.test(c.req.path) && !isPublic(c.req.path)) {
      const presented = presentedKey(c);
      const key = store.keys.check(presented);
      if (key === undefined) throw noKey(presented !== '');
      limit.take(key.id, key.requestsPerMinute);
      c.set('key', key);
    }
    await next();
  };
}

export function refuseWhileStopping({ stopping }: ApiParts): Guard {
  return async (c, next) => {
    if (stopping.aborted && !c.req.path.startsWith('/health') && c.req.path !== '/metrics') throw draining();
    await next();
    if (stopping.aborted) c.res.headers.set('connection', 'close');
  };
}
