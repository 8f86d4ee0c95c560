/**
 * Requests to a server of the Tinker API: the token, patience while it is away, futures. It knows HTTP and JSON; it does not
 * know models. A request may be sent twice: what changes something carries a number by which the server knows it again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { QuerentError } from '../../foundation/errors.ts';
import { ignoreEvents, type Observe } from '../../foundation/events.ts';
import { interrupted, refusalError, refusalOf, unreachable } from './remote-errors.ts';

export interface ConnectionOptions {
  /** `http://host:port` */
  readonly url: string;
  readonly token?: string | undefined;
  /** How long a server that is away is waited for; default 10 minutes. */
  readonly patienceMs?: number | undefined;
  /** How long one piece of work may take; default 2 hours. */
  readonly deadlineMs?: number | undefined;
  readonly observe?: Observe | undefined;
  /** On abort a server that is away is waited for no longer. */
  readonly signal?: AbortSignal | undefined;
}

export type Json = Readonly<Record<string, unknown>>;

const requestTimeoutMs = 120_000;
/** Servers hold `retrieve_future` open for up to 5 minutes; a shorter wait on this side is simply asked again. */
const pollTimeoutMs = 60_000;
const firstWaitMs = 250;
const longestWaitMs = 10_000;
/** Away, restarting or overloaded: the same request can succeed later. */
const passing = new Set([429, 502, 503, 504]);

export class Connection {
  readonly url: string;
  readonly #options: ConnectionOptions;
  readonly #observe: Observe;

  constructor(options: ConnectionOptions) {
    this.url = baseUrl(options.url);
    this.#options = options;
    this.#observe = options.observe ?? ignoreEvents;
  }

  get headers(): Readonly<Record<string, string>> {
    const { token } = this.#options;
    return token === undefined ? {} : { 'x-api-key': token };
  }

  get(path: string): Promise<Json> {
    return this.#patiently(path, () => this.#exchange(path, undefined, requestTimeoutMs));
  }

  post(path: string, body: Json): Promise<Json> {
    const text = JSON.stringify(body);
    return this.#patiently(path, () => this.#exchange(path, text, requestTimeoutMs));
  }

  /** One try, no patience: for what is done in passing (heartbeat, unload). */
  async once(path: string, body: Json, timeoutMs: number): Promise<void> {
    await this.#exchange(path, JSON.stringify(body), timeoutMs).catch(() => {});
  }

  /** Starts long work and waits for its result. */
  async future(path: string, body: Json): Promise<Json> {
    const { request_id: requestId } = await this.post(path, body);
    if (typeof requestId !== 'string') throw this.#notTheApi(path);
    return this.result(requestId);
  }

  async result(requestId: string): Promise<Json> {
    const text = JSON.stringify({ request_id: requestId });
    const deadlineMs = this.#options.deadlineMs ?? 7_200_000;
    const startedAt = performance.now();
    while (performance.now() - startedAt < deadlineMs) {
      const answer = await this.#patiently('retrieve_future', () =>
        this.#exchange('retrieve_future', text, pollTimeoutMs).catch((thrown: unknown) => {
          if (thrown instanceof Error && thrown.name === 'TimeoutError') return { type: 'try_again' };
          throw thrown;
        }),
      );
      if (answer.type === 'try_again') continue;
      if (typeof answer.error === 'string') {
        throw refusalError(this.url, 'retrieve_future', refusalOf(400, answer));
      }
      return answer;
    }
    throw new QuerentError('remote/deadline', `${this.url} was not done after ${deadlineMs / 1000} s`, {
      next: 'Give it less at a time (grpo.microBatchSize, grpo.promptsPerStep), or look at the server’s log.',
      details: { requestId },
    });
  }

  /** Runs until the server answers, or patience ends. */
  async #patiently(path: string, attempt: () => Promise<Json>): Promise<Json> {
    const patienceMs = this.#options.patienceMs ?? 600_000;
    const startedAt = performance.now();
    for (let tries = 0; ; tries++) {
      try {
        const answer = await attempt();
        if (tries > 0) this.#observe({ type: 'note', message: `${this.url} answers again` });
        return answer;
      } catch (thrown) {
        if (thrown instanceof QuerentError && !thrown.isRetryable) throw thrown;
        const waitedMs = performance.now() - startedAt;
        const waitMs = Math.min(firstWaitMs * 2 ** tries, longestWaitMs);
        if (waitedMs + waitMs > patienceMs) throw unreachable(this.url, waitedMs, thrown);
        if (tries === 0) this.#warnAway(path, patienceMs);
        await this.#pause(waitMs);
      }
    }
  }

  #warnAway(path: string, patienceMs: number): void {
    this.#observe({
      type: 'warning',
      code: 'remote/away',
      message: `${this.url} does not answer (${path}); trying again for up to ${Math.round(patienceMs / 1000)} s`,
    });
  }

  async #pause(waitMs: number): Promise<void> {
    const { signal } = this.#options;
    try {
      await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
    } catch {
      throw interrupted(this.url);
    }
  }

  /** 408 is no failure: the work goes on. */
  async #exchange(path: string, body: string | undefined, timeoutMs: number): Promise<Json> {
    const response = await fetch(`${this.url}/api/v1/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...this.headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body }),
    });
    const value = parsed(await response.text());
    if (response.status === 408) return { type: 'try_again' };
    if (!response.ok) {
      const error = refusalError(this.url, path, refusalOf(response.status, value));
      throw passing.has(response.status) ? retryable(error) : error;
    }
    if (typeof value !== 'object' || value === null) throw this.#notTheApi(path);
    return value as Json;
  }

  #notTheApi(path: string): QuerentError {
    return new QuerentError('remote/other-api', `${this.url}/api/v1/${path} does not speak the Tinker API`, {
      next: 'Check the address: http://HOST:PORT of a Querent worker, a SkyRL server or the hosted service.',
    });
  }
}

function retryable(error: QuerentError): QuerentError {
  const { details, next } = error;
  return new QuerentError(error.code as `${string}/${string}`, error.message, {
    details,
    isRetryable: true,
    ...(next === undefined ? {} : { next }),
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function baseUrl(url: string): string {
  const isHttp = URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);
  if (isHttp) return url.replace(/\/+$/, '').replace(/\/api\/v1$/, '');
  throw new QuerentError('remote/bad-url', `"${url}" is no address of a server`, {
    next: 'Give http://HOST:PORT.',
  });
}
