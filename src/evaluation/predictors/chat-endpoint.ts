/**
 * One request to an OpenAI-compatible `POST /chat/completions`, with what such servers need: a time limit, retries with
 * growing pauses, the pause that `Retry-After` asks for, answers whole or streamed, and features that not every server has:
 * one that a server refuses by name is left out from then on. Knows HTTP; does not know questions or SQL. The key goes
 * into one header, never into an error, and a redirection is refused so that it goes nowhere else.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import type { Random } from '../../foundation/random.ts';
import { readChatStream } from './chat-stream.ts';

/** A form that the answer must have, where the server can hold a model to one. */
export type AnswerConstraint =
  /** JSON after a schema: `response_format`, as OpenAI, vLLM, llama-server and Ollama take it. */
  | { readonly kind: 'json'; readonly name: string; readonly schema: Readonly<Record<string, unknown>> }
  /** A regular expression: `guided_regex`, as vLLM takes it. */
  | { readonly kind: 'regex'; readonly pattern: string };

export interface ChatMessage {
  readonly role: 'system' | 'user';
  readonly content: string;
}

export interface EndpointOptions {
  /** With or without `/chat/completions` at its end. */
  readonly url: string;
  readonly model: string;
  readonly key: string | undefined;
  readonly timeoutMs: number;
  /** Attempts after the first. */
  readonly retries: number;
  /** Pause before the first retry; doubles with each. */
  readonly pauseMs: number;
  readonly signal: AbortSignal;
  /** For the jitter of the pauses. */
  readonly random: Random;
  /** Answers come in pieces: a connection that dies is noticed at once, and a long answer keeps it open. */
  readonly stream?: boolean | undefined;
  /** Log-probabilities of the answer's tokens, where the server has them. */
  readonly logprobs?: boolean | undefined;
  readonly constraint?: AnswerConstraint | undefined;
}

export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly samples: number;
  readonly temperature: number;
  readonly tokensMax: number;
}

const answerSchema = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({ content: z.string().nullish(), reasoning_content: z.string().nullish() }),
        finish_reason: z.string().nullish(),
        logprobs: z.object({ content: z.array(z.object({ logprob: z.number() })).nullish() }).nullish(),
      }),
    )
    .min(1),
  usage: z.object({ completion_tokens: z.number() }).nullish(),
});
export type ChatAnswer = z.output<typeof answerSchema>;

const PAUSE_MS_MAX = 60_000;
const isRetryableStatus = (status: number): boolean =>
  status === 408 || status === 409 || status === 429 || status >= 500;

export const completionsUrl = (url: string): string =>
  /\/chat\/completions\/?$/.test(url) ? url : `${url.replace(/\/+$/, '')}/chat/completions`;

/** Seconds or a date, in milliseconds from now. */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), PAUSE_MS_MAX) : undefined;
}

interface Failure {
  readonly message: string;
  /** Undefined where trying again is of no use. */
  readonly waitMs?: number | 'grow';
  /** The prompt is longer than the model can read: the question's fault, not the endpoint's. */
  readonly isTooLong?: boolean;
  /** A feature that the server does not have. */
  readonly refused?: Feature;
}

type Feature = 'logprobs' | 'constraint' | 'stream_options';

/** By the names that servers use for them in a 400 or 422. */
const featureNames: readonly (readonly [Feature, RegExp])[] = [
  ['logprobs', /logprobs/i],
  ['constraint', /response_format|json_schema|guided_regex|structured_outputs/i],
  ['stream_options', /stream_options/i],
];

/** What servers have refused, by address: asked for once and not with every question. */
const refusedBy = new WeakMap<EndpointOptions, Set<Feature>>();

function refusedFeatures(options: EndpointOptions): Set<Feature> {
  const known = refusedBy.get(options) ?? new Set<Feature>();
  refusedBy.set(options, known);
  return known;
}

function failureOf(response: Response, text: string): Failure {
  const { status } = response;
  const message = `HTTP ${status}${text === '' ? '' : `: ${text.slice(0, 300)}`}`;
  if (status === 400 && /context_length|maximum context/i.test(text)) return { message, isTooLong: true };
  const refused = featureNames.find(([, name]) => (status === 400 || status === 422) && name.test(text));
  if (refused !== undefined) return { message, refused: refused[0] };
  if (!isRetryableStatus(status)) return { message };
  return { message, waitMs: retryAfterMs(response.headers.get('retry-after'), Date.now()) ?? 'grow' };
}

async function attempt(options: EndpointOptions, body: string): Promise<ChatAnswer | Failure> {
  const { key, timeoutMs, signal } = options;
  try {
    const response = await fetch(completionsUrl(options.url), {
      method: 'POST',
      redirect: 'error',
      headers: {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    if (!response.ok) return failureOf(response, await response.text());
    const isStream = (response.headers.get('content-type') ?? '').includes('text/event-stream');
    const content = isStream ? await readChatStream(response) : JSON.parse(await response.text());
    const answer = answerSchema.safeParse(content);
    return answer.success ? answer.data : { message: 'the answer is no chat completion', waitMs: 'grow' };
  } catch (thrown) {
    if (signal.aborted) throw new QuerentError('evaluation/interrupted', 'while asking the endpoint');
    const { cause } = thrown as { cause?: unknown };
    const isTimeout = thrown instanceof Error && thrown.name === 'TimeoutError';
    const message = isTimeout ? `no answer within ${timeoutMs} ms` : messageOf(cause ?? thrown);
    return { message, waitMs: 'grow' };
  }
}

function refusal({ url, key }: EndpointOptions, message: string, attempts: number): QuerentError {
  const isKey = /^HTTP 40[13]/.test(message);
  const next = isKey
    ? `The key was ${key === undefined ? 'not set' : 'not accepted'}: set the variable that --endpoint-key names.`
    : attempts > 1
      ? 'What was answered is kept: run the command again with --resume.'
      : 'Check --endpoint and --endpoint-model.';
  const times = attempts === 1 ? '' : ` after ${attempts} attempts`;
  return new QuerentError('endpoint/failed', `${completionsUrl(url)}: ${message}${times}`, {
    next,
    details: { url, attempts },
    isRetryable: attempts > 1,
  });
}

function constraintKeys(constraint: AnswerConstraint | undefined): Record<string, unknown> {
  if (constraint === undefined) return {};
  if (constraint.kind === 'regex') return { guided_regex: constraint.pattern };
  const { name, schema } = constraint;
  return { response_format: { type: 'json_schema', json_schema: { name, schema, strict: true } } };
}

function bodyOf(options: EndpointOptions, request: ChatRequest): string {
  const refused = refusedFeatures(options);
  return JSON.stringify({
    model: options.model,
    messages: request.messages,
    n: request.samples,
    temperature: request.temperature,
    max_tokens: request.tokensMax,
    ...(options.logprobs === true && !refused.has('logprobs') ? { logprobs: true } : {}),
    ...(refused.has('constraint') ? {} : constraintKeys(options.constraint)),
    ...(options.stream === true ? { stream: true } : {}),
    ...(options.stream === true && !refused.has('stream_options')
      ? { stream_options: { include_usage: true } }
      : {}),
  });
}

/** Undefined where the prompt is longer than the model reads. */
export async function askEndpoint(
  options: EndpointOptions,
  request: ChatRequest,
): Promise<ChatAnswer | undefined> {
  const refused = refusedFeatures(options);
  for (let tries = 1; ; tries++) {
    const answer = await attempt(options, bodyOf(options, request));
    if ('choices' in answer) return answer;
    if (answer.isTooLong === true) return undefined;
    if (answer.refused !== undefined && !refused.has(answer.refused)) {
      // Not a failure: the same question again without what this server does not have.
      refused.add(answer.refused);
      tries -= 1;
      continue;
    }
    if (answer.waitMs === undefined || tries > options.retries) throw refusal(options, answer.message, tries);
    const growing =
      Math.min(options.pauseMs * 2 ** (tries - 1), PAUSE_MS_MAX) * (0.5 + options.random.next() / 2);
    const waitMs = answer.waitMs === 'grow' ? growing : answer.waitMs;
    await pause(waitMs, undefined, { signal: options.signal }).catch(() => {});
  }
}
