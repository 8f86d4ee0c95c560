/**
 * What went wrong, as an answer: a status, a code, words, what to do. Words of ours go out as they are; words about files, and
 * of errors that nobody foresaw, stay in the log. It knows codes; it does not know requests.
 */
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import type { Execution } from '../../database/execution.ts';
import { isQuerentError, messageOf, QuerentError } from '../../foundation/errors.ts';
import { statusOf } from '../http/answer.ts';
import { textWithoutPaths } from '../rewards/without-paths.ts';
import type { ApiError } from './contract.ts';

export interface Problem {
  readonly status: ContentfulStatusCode;
  readonly error: ApiError;
  readonly headers: Readonly<Record<string, string>>;
}

/** The client went away; nobody reads this. */
const GONE_STATUS = 499 as ContentfulStatusCode;

const STATUSES: Readonly<Record<string, number>> = {
  'api/bad-request': 422,
  'api/forbidden-host': 403,
  'api/no-key': 401,
  'api/not-found': 404,
  'api/rate-limit': 429,
  'api/no-statement': 422,
  'agents/empty-question': 422,
  'agents/question-too-long': 422,
  'agents/bad-options': 422,
  'agents/aborted': GONE_STATUS,
  'agents/closed': 503,
  'http/gone': GONE_STATUS,
  'http/content-type': 415,
  'model/loading': 503,
  'model/missing': 503,
  'sql/refused': 403,
  'store/unavailable': 503,
};

function codeStatus(code: string): number {
  const known = STATUSES[code];
  if (known !== undefined) return known;
  if (code.startsWith('sql/')) return 422;
  return code.startsWith('database/') ? 503 : statusOf(code);
}

const internal: ApiError = { code: 'http/internal', message: 'the server failed; its log says why' };
/** Messages about the database name its file. */
const noDatabase: ApiError = {
  code: 'database/unreachable',
  message: 'the database cannot be read at present',
  next: 'Try again in a moment; /health/ready says when it is back.',
};

export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof DOMException && thrown.name === 'AbortError')
    return { status: GONE_STATUS, error: internal, headers: {} };
  if (!isQuerentError(thrown)) return { status: 500, error: internal, headers: {} };
  const { code, message, next, details } = thrown;
  const status = codeStatus(code) as ContentfulStatusCode;
  if (status === 500) return { status, error: internal, headers: {} };
  const { retryAfterSeconds = status === 503 ? 2 : undefined, allow } = details;
  const headers = {
    ...(typeof retryAfterSeconds === 'number' ? { 'retry-after': String(retryAfterSeconds) } : {}),
    ...(typeof allow === 'string' ? { allow } : {}),
    ...(status === 401 ? { 'www-authenticate': 'Bearer realm="querent"' } : {}),
  };
  if (code.startsWith('database/')) return { status, error: noDatabase, headers };
  const words = textWithoutPaths(message);
  return { status, error: { code, message: words, ...(next === undefined ? {} : { next }) }, headers };
}

/** For the log: the whole of it. */
export const failureWords = (thrown: unknown): string =>
  thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);

export function badRequest(where: string, error: z.core.$ZodError): QuerentError {
  const [issue] = error.issues;
  const path = issue?.path.map(String).join('.') ?? '';
  const words = `${where}${path === '' ? '' : `, "${path.slice(0, 100)}"`}: ${(issue?.message ?? 'invalid').slice(0, 300)}`;
  return new QuerentError('api/bad-request', words, {
    next: 'GET /openapi.json says what is expected; /docs shows it.',
  });
}

export function parseInput<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const parsed = z.safeParse(schema, value);
  if (!parsed.success) throw badRequest(where, parsed.error);
  return parsed.data;
}

export function notFound(what: string): QuerentError {
  return new QuerentError('api/not-found', what, { next: 'GET /history lists what there is.' });
}

/** A statement that gave no rows, as a refusal of the request that sent it. */
export function statementFailure(execution: Exclude<Execution, { outcome: 'rows' }>): QuerentError {
  switch (execution.outcome) {
    case 'sql-error':
      return new QuerentError(`sql/${execution.errorClass}`, execution.message, {
        next: 'Correct the statement; GET /schema lists tables and columns.',
      });
    case 'refused':
      return new QuerentError('sql/refused', execution.reason, {
        next: 'Send one statement that only reads.',
      });
    case 'timeout':
      return new QuerentError('sql/timeout', `stopped after ${execution.limitMs} ms`, {
        next: 'Ask for less, or raise timeout_ms.',
      });
    case 'out-of-memory':
      return new QuerentError('sql/out-of-memory', 'the statement needs more memory than is allowed', {
        next: 'Ask for less.',
      });
    default:
      throw execution satisfies never;
  }
}
