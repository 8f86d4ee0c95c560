/**
 * The HTTP API put together: what stands before the routes, the routes, their documentation, the files of the page. It knows
 * requests and answers; it does not know sockets (`server.ts`) and opens nothing.
 */
import type { HttpBindings } from '@hono/node-server';
import { OpenAPIHono } from '@hono/zod-openapi';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { methodNotAllowed, notFound } from '../http/answer.ts';
import { docsPolicy, renderDocs } from './docs-page.ts';
import {
  type ApiContext,
  crossOrigin,
  keys,
  knownHosts,
  refuseWhileStopping,
  requestId,
  securityHeaders,
} from './guard.ts';
import type { ApiEnv, ApiParts } from './parts.ts';
import { failureWords, problemOf } from './problems.ts';
import { type ApiApp, type ApiRoute, addRoutes } from './route.ts';
import { aboutRoutes } from './routes/about.ts';
import { historyRoutes } from './routes/history.ts';
import { questionRoutes } from './routes/questions.ts';
import { statementRoutes } from './routes/statements.ts';
import { trainingRoutes } from './routes/training.ts';
import { openStaticFiles, type StaticFiles } from './static-files.ts';

const TITLE = 'Querent';
const DESCRIPTION =
  'Questions in words to SQL, rows and reasons, for one database. Where keys are in use, send `Authorization: Bearer KEY`.';

/** `/history/{id}` to what matches its paths. */
const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`);

function logged(parts: ApiParts, routeOf: (path: string) => string) {
  return async (c: ApiContext, next: () => Promise<void>): Promise<void> => {
    const startedAt = performance.now();
    await next();
    const elapsedMs = performance.now() - startedAt;
    const { status } = c.res;
    parts.metrics.requestEnded(routeOf(c.req.path), status, elapsedMs / 1_000);
    const key = c.get('key')?.id;
    const code = c.get('code');
    parts.log({
      event: 'request',
      id: c.get('requestId') ?? '',
      method: c.req.method,
      path: c.req.path.slice(0, 200),
      status,
      elapsedMs: Math.round(elapsedMs * 1_000) / 1_000,
      ...(key === undefined ? {} : { key }),
      ...(code === undefined ? {} : { code }),
    });
  };
}

function problemResponse({ log }: ApiParts, c: ApiContext, thrown: unknown): Response {
  const { status, error, headers } = problemOf(thrown);
  c.set('code', error.code);
  if (status === 500) log({ event: 'failure', id: c.get('requestId') ?? '', error: failureWords(thrown) });
  // 499 is for the log: nobody reads the answer.
  return c.json({ error }, status, headers);
}

/** What no route answers: the page's files, another method of a known path, or nothing. */
function otherwise(
  routes: readonly { readonly method: string; readonly pattern: RegExp }[],
  files: StaticFiles,
) {
  return (c: ApiContext): Response => {
    const file = files.answer(c);
    if (file !== undefined) return file;
    const methods = routes.filter(({ pattern }) => pattern.test(c.req.path)).map(({ method }) => method);
    if (files.has(c.req.path)) methods.push('GET');
    if (methods.length > 0)
      throw methodNotAllowed(c.req.method, c.req.path.slice(0, 200), methods.join(', ').toUpperCase());
    throw notFound(c.req.path);
  };
}

export function createApp(parts: ApiParts): ApiApp {
  const routes: readonly ApiRoute[] = [
    ...questionRoutes(parts),
    ...statementRoutes(parts),
    ...historyRoutes(parts),
    ...aboutRoutes(parts),
    ...trainingRoutes(parts),
  ];
  const known = [
    ...routes.map(({ method, path }) => ({ method, path, pattern: patternOf(path) })),
    ...['/docs', '/openapi.json'].map((path) => ({ method: 'get', path, pattern: patternOf(path) })),
  ];
  const files = openStaticFiles(parts.webDirectory);
  const routeOf = (path: string): string =>
    known.find(({ pattern }) => pattern.test(path))?.path ?? (files.has(path) ? 'page' : 'none');

  const app: ApiApp = new OpenAPIHono<ApiEnv & { Bindings: Partial<HttpBindings> }>();
  app.onError((thrown, c) => problemResponse(parts, c, thrown));
  app.notFound(otherwise(known, files));
  app.use(
    logged(parts, routeOf),
    requestId(),
    securityHeaders(),
    knownHosts(parts),
    crossOrigin(parts),
    refuseWhileStopping(parts),
    keys(parts, (path) => files.has(path)),
  );
  addRoutes(app, routes);
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer' });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: TITLE, version: parts.version, description: DESCRIPTION },
    security: [{ key: [] }, {}],
  });
  const page = renderDocs(document);
  app.get('/openapi.json', (c) => c.json(document));
  app.get('/docs', (c) => c.html(page, 200, { 'content-security-policy': docsPolicy }));
  return app;
}

/** A request that could not even be made into one. */
export function unreadable(parts: ApiParts, thrown: unknown): Response {
  parts.log({ event: 'server-error', error: messageOf(thrown) });
  const { error } = problemOf(
    new QuerentError('http/not-found', 'the request cannot be read', {
      next: 'GET /docs shows every route.',
    }),
  );
  return Response.json({ error }, { status: 400 });
}
