/**
 * The one base class of every error that Querent throws on purpose.
 * It knows: a stable code, what was expected, what to do next. It does not know: how errors are printed.
 */

export interface QuerentErrorOptions {
  /** What the user can do about it, one sentence. */
  readonly next?: string;
  /** Machine-readable facts: file, row, key, expected, actual. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** True where the same call may succeed later without a change (a busy server, a lost worker). */
  readonly isRetryable?: boolean;
}

/** `code` is `layer/reason`, for example `config/unknown-key`; the message says what happened and what was expected. */
export class QuerentError extends Error {
  override readonly name = 'QuerentError';
  readonly code: string;
  readonly next: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly isRetryable: boolean;

  constructor(code: `${string}/${string}`, message: string, options: QuerentErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.next = options.next;
    this.details = options.details ?? {};
    this.isRetryable = options.isRetryable ?? false;
  }
}

export function isQuerentError(value: unknown): value is QuerentError {
  return value instanceof QuerentError;
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Plain form that survives a worker boundary; `reviveError` turns it back. */
export interface SerializedError {
  readonly code: string;
  readonly message: string;
  readonly next?: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly isRetryable: boolean;
  readonly stack?: string | undefined;
}

export function serializeError(thrown: unknown): SerializedError {
  if (isQuerentError(thrown)) {
    const { code, message, next, details, isRetryable, stack } = thrown;
    return { code, message, next, details, isRetryable, stack };
  }
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  return { code: 'internal/unexpected', message: messageOf(thrown), details: {}, isRetryable: false, stack };
}

export function reviveError(error: SerializedError): QuerentError {
  const revived = new QuerentError(error.code as `${string}/${string}`, error.message, {
    details: error.details,
    isRetryable: error.isRetryable,
    ...(error.next === undefined ? {} : { next: error.next }),
  });
  if (error.stack !== undefined) revived.stack = error.stack;
  return revived;
}
