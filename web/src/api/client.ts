/** The server's routes as functions. It knows paths, bodies and the key; it shows nothing. */
import type { PipelineOptions } from '../../../src/agents/pipeline.ts';
import type {
  ExamplesResponse,
  ExecuteResponse,
  ExplainResponse,
  FeedbackRequest,
  FeedbackResponse,
  GenerateRequest,
  HistoryEntry,
  HistoryResponse,
  ModelInfoResponse,
  ReportsResponse,
  RunMetricsResponse,
  RunsResponse,
  SchemaResponse,
  StreamEvent,
} from '../../../src/serving/api/contract.ts';
import { readEvents } from './event-stream.ts';
import { ApiFailure, failureOf } from './failure.ts';
import { askForKey, currentKey } from './key.ts';

interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly body?: unknown;
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

async function call(
  path: string,
  { method, body, accept = 'application/json', signal }: Call = {},
): Promise<Response> {
  for (;;) {
    const key = currentKey();
    const response = await fetch(path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        accept,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.ok) return response;
    const failure = await failureOf(response);
    if (failure.status !== 401 || (await askForKey(key)) === undefined) throw failure;
  }
}

async function json<T>(path: string, options?: Call): Promise<T> {
  return (await (await call(path, options)).json()) as T;
}

async function* stream(path: string, options: Call): AsyncGenerator<unknown> {
  const response = await call(path, { ...options, accept: 'text/event-stream' });
  if (response.body === null)
    throw new ApiFailure({ code: 'web/no-body', message: 'the server sent no stream' });
  for await (const { data } of readEvents(response.body)) yield JSON.parse(data);
}

export type AskOptions = Partial<PipelineOptions>;

/** The pipeline's events as they happen; the last one is `response` or `error`. */
export function ask(query: string, options: AskOptions, signal: AbortSignal): AsyncGenerator<StreamEvent> {
  const body = { query, include_reasoning: true, options } satisfies Omit<GenerateRequest, 'options'> & {
    options: AskOptions;
  };
  return stream('/generate', { body, signal }) as AsyncGenerator<StreamEvent>;
}

export const execute = (sql: string, signal?: AbortSignal): Promise<ExecuteResponse> =>
  json('/execute', { body: { sql, max_rows: 1_000 }, signal });

export const explain = (sql: string, advice: boolean, signal?: AbortSignal): Promise<ExplainResponse> =>
  json('/explain', { body: { sql, advice }, signal });

export const sendFeedback = (body: FeedbackRequest): Promise<FeedbackResponse> => json('/feedback', { body });

export function history(
  query: { search?: string; before?: string },
  signal?: AbortSignal,
): Promise<HistoryResponse> {
  const search = new URLSearchParams({ limit: '30' });
  if (query.search) search.set('search', query.search);
  if (query.before) search.set('before', query.before);
  return json(`/history?${search}`, { signal });
}

/** One answer as it was given. */
export const historyEntry = (id: string, signal?: AbortSignal): Promise<HistoryEntry> =>
  json(`/history/${encodeURIComponent(id)}`, { signal });

export async function forget(id: string): Promise<void> {
  await call(`/history/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

export const modelInfo = (): Promise<ModelInfoResponse> => json('/model/info');
export const schema = (): Promise<SchemaResponse> => json('/schema');
export const examples = (): Promise<ExamplesResponse> => json('/examples?limit=6');
export const runs = (signal?: AbortSignal): Promise<RunsResponse> => json('/runs', { signal });
export const reports = (signal?: AbortSignal): Promise<ReportsResponse> => json('/reports', { signal });
/** The page of a report, to be shown in a frame of its own. */
export async function report(name: string, signal?: AbortSignal): Promise<string> {
  return (await call(`/reports/${encodeURIComponent(name)}`, { accept: 'text/html', signal })).text();
}
export const runMetrics = (name: string, signal?: AbortSignal): Promise<RunMetricsResponse> =>
  json(`/runs/${encodeURIComponent(name)}/metrics`, { signal });
/** The curves so far, then what is new, for as long as the run goes on. */
export const watchRun = (name: string, signal: AbortSignal): AsyncGenerator<unknown> =>
  stream(`/runs/${encodeURIComponent(name)}/metrics`, { signal });
