/**
 * A route of the API: what it takes, gives and does, in one place; from it come the handler and its entry in the OpenAPI
 * document. Bodies are read and checked by the routes themselves (`body.ts`), so that every refusal has the same form.
 */

import type { HttpBindings } from '@hono/node-server';
import { createRoute, type OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi';
import type { ApiContext } from './guard.ts';
import type { ApiEnv } from './parts.ts';

export type ApiApp = OpenAPIHono<ApiEnv & { Bindings: Partial<HttpBindings> }>;

export interface ApiRoute {
  readonly method: 'get' | 'post' | 'delete';
  /** Parameters as `{name}`. */
  readonly path: string;
  readonly tag: 'Questions' | 'Statements' | 'History' | 'Database' | 'Server' | 'Training';
  readonly summary: string;
  readonly description?: string;
  readonly body?: { readonly schema: z.ZodType; readonly lines?: z.ZodType; readonly example?: unknown };
  readonly query?: z.ZodObject;
  readonly params?: z.ZodObject;
  readonly answer: {
    readonly description: string;
    readonly schema?: z.ZodType;
    /** Beside JSON, or instead of it where there is no schema. */
    readonly types?: readonly string[];
    /** Default 200. */
    readonly status?: number;
  };
  /** Other statuses that it answers with. */
  readonly errors?: readonly number[];
  readonly handle: (c: ApiContext) => Response | Promise<Response>;
}

const errorSchema = z
  .object({
    error: z.object({
      code: z.string().openapi({ description: 'Stable, for example sql/no-such-column' }),
      message: z.string(),
      next: z.string().optional().openapi({ description: 'What to do about it' }),
    }),
  })
  .openapi('Error');

const ERRORS: Readonly<Record<number, string>> = {
  400: 'The body is not JSON in UTF-8, or the request is none',
  401: 'The server asks for an API key',
  403: 'Refused: the statement would do more than read, or the server is not known by this name',
  404: 'There is no such thing',
  408: 'The body did not arrive in time',
  413: 'The body is too large',
  415: 'The body has another Content-Type, or a Content-Encoding',
  422: 'The body or a parameter is not what is expected, or the statement fails',
  429: 'Too much at once: of this key, or of all; come again after Retry-After',
  503: 'No model, no database, or the server is being stopped; come again after Retry-After',
};

const GENERAL_ERRORS = [401, 403, 429, 503];
const BODY_ERRORS = [400, 413, 415, 422];

const json = (schema: z.ZodType) => ({ 'application/json': { schema } });
const text = { schema: z.string() };

/** Wants 503, health says more than an error. */
function responsesOf({ answer, errors = [], body, query, params }: ApiRoute): RouteConfig['responses'] {
  const types = Object.fromEntries((answer.types ?? []).map((type) => [type, text]));
  const content = { ...(answer.schema === undefined ? {} : json(answer.schema)), ...types };
  const statuses = new Set([
    ...GENERAL_ERRORS,
    ...(body === undefined ? [] : BODY_ERRORS),
    ...(query === undefined && params === undefined ? [] : [422]),
    ...errors,
  ]);
  const failures = [...statuses].sort().map((status) => [
    status,
    {
      description: ERRORS[status]!,
      content: json(errorSchema),
      ...(status === 429 || status === 503
        ? {
            headers: {
              'Retry-After': { description: 'Seconds to wait', schema: { type: 'integer' as const } },
            },
          }
        : {}),
    },
  ]);
  const hasContent = Object.keys(content).length > 0;
  return {
    ...Object.fromEntries(failures),
    [answer.status ?? 200]: { description: answer.description, ...(hasContent ? { content } : {}) },
  };
}

export function addRoutes(app: ApiApp, routes: readonly ApiRoute[]): void {
  for (const route of routes) {
    const { method, path, tag, summary, description, body, query, params } = route;
    const config = createRoute({
      method,
      path,
      tags: [tag],
      summary,
      operationId: `${method}${path.replace(/[^\w]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
      ...(description === undefined ? {} : { description }),
      request: {
        ...(query === undefined ? {} : { query }),
        ...(params === undefined ? {} : { params }),
        ...(body === undefined
          ? {}
          : {
              body: {
                required: true,
                content: {
                  'application/json': {
                    schema: body.schema,
                    ...(body.example === undefined ? {} : { example: body.example }),
                  },
                  ...(body.lines === undefined ? {} : { 'application/x-ndjson': { schema: body.lines } }),
                },
              },
            }),
      },
      responses: responsesOf(route),
    });
    app.openAPIRegistry.registerPath(config);
    app.on(method.toUpperCase(), config.getRoutingPath(), route.handle);
  }
}
