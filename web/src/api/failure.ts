/** What went wrong between the page and its server, in the server's words where it had any. */
import type { ApiError } from '../../../src/serving/api/contract.ts';

export class ApiFailure extends Error {
  readonly code: string;
  readonly status: number;
  /** What to do, in the server's words. */
  readonly next: string | undefined;

  constructor(error: ApiError, status = 0) {
    super(error.message);
    this.name = 'ApiFailure';
    this.code = error.code;
    this.status = status;
    this.next = error.next;
  }
}

function isApiError(value: unknown): value is ApiError {
  if (typeof value !== 'object' || value === null) return false;
  const { code, message } = value as Record<string, unknown>;
  return typeof code === 'string' && typeof message === 'string';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of an answer that is not 2xx; a proxy in between may have written the body. */
export async function failureOf(response: Response): Promise<ApiFailure> {
  const body = parsed(await response.text()) as { error?: unknown } | undefined;
  const wait = response.headers.get('retry-after');
  const again = wait === null ? undefined : `Try again in ${wait} s.`;
  if (isApiError(body?.error)) {
    const next = [body.error.next, again].filter((part) => part !== undefined).join(' ');
    return new ApiFailure({ ...body.error, ...(next === '' ? {} : { next }) }, response.status);
  }
  return new ApiFailure(
    {
      code: `http/${response.status}`,
      message: `the server answered ${response.status} ${response.statusText}`.trim(),
      next: again ?? 'The log of querent serve says why.',
    },
    response.status,
  );
}

/** Whatever was thrown, as something that can be shown. */
export function asFailure(thrown: unknown): ApiFailure {
  if (thrown instanceof ApiFailure) return thrown;
  if (thrown instanceof TypeError) {
    return new ApiFailure({
      code: 'web/unreachable',
      message: 'the server does not answer',
      next: 'See whether querent serve still runs, then try again.',
    });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ApiFailure({ code: 'web/failed', message });
}

export const isAbort = (thrown: unknown): boolean =>
  thrown instanceof DOMException && thrown.name === 'AbortError';
