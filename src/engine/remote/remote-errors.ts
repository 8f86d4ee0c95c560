/** What can go wrong between a policy and the server that computes it, named, with what to do next. */
import { QuerentError } from '../../foundation/errors.ts';

/** What a server answered that is no result. */
export interface Refusal {
  readonly status: number;
  /** Querent's worker names what happened; other servers only describe it. */
  readonly code: string | undefined;
  readonly message: string;
  readonly next: string | undefined;
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Reads `{message, code, next}` (worker), `{detail}` (SkyRL; a list where a field is wrong) or `{error}` (hosted). */
export function refusalOf(status: number, body: unknown): Refusal {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const detail = Array.isArray(fields.detail) ? JSON.stringify(fields.detail) : text(fields.detail);
  const message = text(fields.message) ?? detail ?? text(fields.error) ?? `HTTP status ${status}`;
  return { status, code: text(fields.code), message, next: text(fields.next) };
}

/** The server no longer has what the call was about: another instance, an unloaded model, an answer thrown away. */
const lostCodes = new Set(['worker/unknown-model', 'worker/unknown-session', 'worker/unknown-future']);

export function isLost(thrown: unknown): boolean {
  return thrown instanceof QuerentError && thrown.code === 'remote/lost';
}

const memoryHint =
  'Reduce what one pass holds: grpo.microBatchSize or sft.batchSize, grpo.maxNewTokens, the LoRA rank; or quantise the base (worker: --quantization nf4).';

export function refusalError(url: string, path: string, refusal: Refusal): QuerentError {
  const { status, code, message, next } = refusal;
  const make = (name: `${string}/${string}`, what: string, hint: string): QuerentError =>
    new QuerentError(name, what, { next: hint, details: { url, path, status, code } });
  if (status === 401 || status === 403) {
    return make(
      'remote/wrong-token',
      `${url} does not accept the token (${message})`,
      'Set QUERENT_WORKER_TOKEN to the token that the worker printed, or that your service gave you.',
    );
  }
  if (code !== undefined && lostCodes.has(code)) {
    return make('remote/lost', message, 'Resume the run from its last checkpoint.');
  }
  if (status === 404 && path === 'retrieve_future') {
    return make(
      'remote/lost',
      `the answer of a request is gone (${message})`,
      'Resume from the last checkpoint.',
    );
  }
  if (code === 'worker/out-of-memory' || /out of memory/i.test(message)) {
    return make('remote/out-of-memory', `${url}: ${message}`, next ?? memoryHint);
  }
  if (code === 'worker/unknown-loss' || (/loss_fn/.test(message) && [400, 422].includes(status))) {
    return make(
      'remote/unknown-loss',
      `${url} does not know this loss or one of its settings: ${message}`,
      'Choose a loss that it has: every server has cross_entropy and importance_sampling; ppo serves grpo, dapo and dr_grpo.',
    );
  }
  const kind = status >= 500 ? 'remote/failed' : 'remote/refused';
  return make(
    kind,
    `${url}/api/v1/${path}: ${message}`,
    next ?? 'Correct the request, or look at the server’s log.',
  );
}

export function unreachable(url: string, waitedMs: number, cause: unknown): QuerentError {
  const seconds = Math.round(waitedMs / 1000);
  return new QuerentError('remote/unreachable', `nobody answers at ${url} (tried for ${seconds} s)`, {
    next: 'Start the worker (`querent worker start`) or correct the address; a run goes on with --resume from its last checkpoint.',
    details: { url, reason: cause instanceof Error ? (cause.cause ?? cause.message) : cause },
    cause,
    isRetryable: true,
  });
}

export function interrupted(url: string): QuerentError {
  return new QuerentError(
    'remote/interrupted',
    `while nobody answered at ${url}; the last checkpoint is whole.`,
    { next: 'Go on with the same command and --resume once the worker is back.' },
  );
}

export function unsupported(what: string, next: string): QuerentError {
  return new QuerentError('remote/unsupported', what, { next });
}
