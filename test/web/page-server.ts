/**
 * A real HTTP server for tests of the page: the built page, and answers of the contract that were recorded from the pipeline
 * (record-answers.ts). What a recorded answer cannot be – live curves, refusals, a key – it makes itself. Its content
 * security policy is as strict as it can be, so that whatever the page needs beyond its own files shows.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  ExecuteResponse,
  GenerateResponse,
  HistoryEntry,
  HistoryItem,
  RunMetricsResponse,
  SchemaResponse,
  StreamEvent,
} from '../../src/serving/api/contract.ts';

export interface RecordedAnswers {
  readonly schema: SchemaResponse;
  readonly streams: readonly { readonly question: string; readonly events: readonly StreamEvent[] }[];
  readonly run: RunMetricsResponse;
}

export interface PageServer {
  readonly url: string;
  /** Bodies that came to a path, oldest first. */
  received(path: string): readonly unknown[];
  /** Streams that the page left before their end. */
  readonly abandoned: number;
  close(): Promise<void>;
}

export interface PageServerOptions {
  /** Answers only with this key. */
  readonly key?: string;
  /** Between two events of a stream. */
  readonly pauseMs?: number;
  /** Scripts beside the first one come so much later. */
  readonly lateScriptsMs?: number;
  /** The run goes on: a step every so often. */
  readonly stepMs?: number;
}

const dist = fileURLToPath(new URL('../../web/dist', import.meta.url));
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** A report's own script, which runs in the frame that shows it; it tries what it must not reach. */
const reportScript =
  "let told = 'alone'; try { told = parent.document.title } catch {} document.querySelector('p').textContent += ' ' + told";
export const reportText = '61 of 90 right';
const reportPage = `<!doctype html><title>Natural questions</title><p>${reportText}</p><script>${reportScript}</script>`;
const reportHash = createHash('sha256').update(reportScript).digest('base64');
// Style attributes: Chromium itself writes them while somebody types over highlighted text.
const policy = `default-src 'none'; script-src 'self' 'sha256-${reportHash}'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;

export const hasPage = (): boolean => existsSync(join(dist, 'index.html'));

const recorded: RecordedAnswers = JSON.parse(
  readFileSync(new URL('./recorded-answers.json', import.meta.url), 'utf8'),
) as RecordedAnswers;
export const recordedQuestions: readonly string[] = recorded.streams.map(({ question }) => question);

function responseOf(events: readonly StreamEvent[]): GenerateResponse {
  const last = events.at(-1);
  if (last?.type !== 'response') throw new Error('a recorded stream ends with its response');
  return last.response;
}

/** The recorded run as it stood after so many steps. */
function runAt(step: number): RunMetricsResponse {
  const { name, series, evaluations } = recorded.run;
  return {
    name,
    series: Object.fromEntries(
      Object.entries(series).map(([key, points]) => [key, points.filter(([at]) => at <= step)]),
    ),
    evaluations: evaluations.filter((one) => one.step <= step),
  };
}

/** A format that copies values writes a whole statement at once; other models write word by word. */
function tokenByToken(event: StreamEvent): StreamEvent[] {
  if (event.type !== 'token') return [event];
  return event.text.split(/(?<= )/).map((text) => ({ ...event, text }));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

const refusal = (code: string, message: string, next: string) => ({ error: { code, message, next } });

export async function startPageServer(options: PageServerOptions = {}): Promise<PageServer> {
  const bodies = new Map<string, unknown[]>();
  let history: HistoryItem[] = recorded.streams.map(({ question, events }, at) => {
    const { id, sql, confidence_score, latency_ms, answer } = responseOf(events);
    const at_ = new Date(Date.UTC(2026, 5, 30, 9, at)).toISOString();
    const { abstained } = answer;
    return {
      ...{ id, at: at_, query: question, sql, confidence_score, latency_ms, abstained },
      feedback: null,
    };
  });
  let abandoned = 0;
  const total = Math.max(...recorded.run.series.loss!.map(([step]) => step));
  const steps = { done: options.stepMs === undefined ? total : 4_000, total };

  const json = (response: ServerResponse, value: unknown, status = 200): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };

  const stream = async (response: ServerResponse, events: AsyncIterable<unknown> | Iterable<unknown>) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.on('close', () => {
      if (!response.writableEnded) abandoned += 1;
    });
    for await (const event of events) {
      if (response.destroyed) return;
      const { type } = event as { type?: string };
      response.write(`${type === undefined ? '' : `event: ${type}\n`}data: ${JSON.stringify(event)}\n\n`);
      if (options.pauseMs !== undefined) await new Promise((resolve) => setTimeout(resolve, options.pauseMs));
    }
    response.end();
  };

  async function* live(): AsyncGenerator<RunMetricsResponse> {
    yield runAt(steps.done);
    while (steps.done < steps.total) {
      await new Promise((resolve) => setTimeout(resolve, options.stepMs ?? 200));
      const before = steps.done;
      steps.done = Math.min(steps.total, steps.done + 200);
      const { name, series, evaluations } = runAt(steps.done);
      const last = Object.entries(series).map(
        ([key, points]) => [key, points.filter(([step]) => step > before)] as const,
      );
      yield {
        name,
        series: Object.fromEntries(last),
        evaluations: evaluations.filter(({ step }) => step > before),
      };
    }
  }

  const answers: Readonly<
    Record<string, (body: unknown, response: ServerResponse, request: IncomingMessage) => unknown>
  > = {
    'POST /generate': (body, response) => {
      const { query } = body as { query: string };
      if (query.includes('overload')) {
        json(
          response,
          refusal('http/overloaded', 'too many questions at once', 'Ask again in a moment.'),
          429,
        );
        return;
      }
      const found = recorded.streams.find(({ question }) => question === query) ?? recorded.streams[0]!;
      return stream(response, found.events.flatMap(tokenByToken));
    },
    'POST /execute': (body, response) => {
      const { sql } = body as { sql: string };
      if (!/^\s*(select|with)/i.test(sql)) {
        json(response, refusal('sandbox/refused', 'only reading statements may run', 'Write a SELECT.'), 422);
        return;
      }
      const rows = [
        ['Engineering', 12],
        ['IT', null],
        ['HSE', 7],
      ] as const;
      json(response, {
        columns: ['Department', 'projects'],
        rows,
        truncated: false,
        elapsed_ms: 2.5,
      } satisfies ExecuteResponse);
    },
    'POST /explain': (body, response) => {
      const { sql } = body as { sql: string };
      const found =
        recorded.streams.find(({ events }) => responseOf(events).sql === sql) ?? recorded.streams[0]!;
      const { explanation, tables, columns, warnings, plan = [] } = responseOf(found.events).answer;
      json(response, { explanation, tables, columns, warnings, plan, advice: [] });
    },
    'POST /feedback': (body, response) => {
      const { id, verdict, corrected_sql } = body as {
        id: string;
        verdict: 'right' | 'wrong';
        corrected_sql?: string;
      };
      history = history.map((item) =>
        item.id === id
          ? { ...item, feedback: { verdict, corrected_sql: corrected_sql ?? null, comment: null } }
          : item,
      );
      json(response, { id, verdict, becomes_example: verdict === 'right' || corrected_sql !== undefined });
    },
    'GET /history': (_, response, request) => {
      const search =
        new URL(request.url!, 'http://localhost').searchParams.get('search')?.toLowerCase() ?? '';
      const items = [...history].reverse().filter(({ query }) => query.toLowerCase().includes(search));
      json(response, { items, next: null });
    },
    'GET /model/info': (_, response) =>
      json(response, {
        name: 'erp-small',
        kind: 'embedded',
        parameters: null,
        prompt_format: 'compact',
        database_id: recorded.schema.database_id,
        schema_hash: recorded.schema.hash,
        querent_version: '0.1.0',
        calibration_error: null,
      }),
    'GET /schema': (_, response) => json(response, recorded.schema),
    'GET /examples': (_, response) =>
      json(response, {
        examples: recorded.streams
          .slice(0, 3)
          .map(({ question, events }) => ({ query: question, sql: responseOf(events).sql })),
      }),
    'GET /runs': (_, response) => {
      const run = { stage: 'sft', steps: steps.total, updated_at: new Date().toISOString() } as const;
      json(response, {
        runs: [
          { ...run, name: recorded.run.name, step: steps.done, is_live: options.stepMs !== undefined },
          { ...run, name: 'erp-grpo', stage: 'grpo', step: steps.total, is_live: false },
        ],
      });
    },
    'GET /reports': (_, response) =>
      json(response, {
        reports: [
          {
            name: 'natural questions',
            url: '/reports/natural%20questions',
            updated_at: '2026-06-30T09:00:00Z',
          },
        ],
      }),
    'GET /reports/natural%20questions': (_, response) =>
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(reportPage),
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    response.setHeader('content-security-policy', policy);
    response.setHeader('x-content-type-options', 'nosniff');
    const file = normalize(join(dist, pathname === '/' ? 'index.html' : pathname));
    if (request.method === 'GET' && file.startsWith(dist) && types[extname(file)] && existsSync(file)) {
      const isLate = options.lateScriptsMs !== undefined && /^\/assets\/(?!index-).*\.js$/.test(pathname);
      if (isLate) await new Promise((resolve) => setTimeout(resolve, options.lateScriptsMs));
      response.writeHead(200, { 'content-type': types[extname(file)] }).end(readFileSync(file));
      return;
    }
    if (options.key !== undefined && request.headers.authorization !== `Bearer ${options.key}`) {
      json(response, refusal('http/key-needed', 'this server answers only with a key', 'Send one.'), 401);
      return;
    }
    const body = await bodyOf(request);
    bodies.set(pathname, [...(bodies.get(pathname) ?? []), body]);
    const answer = answers[`${request.method} ${pathname}`];
    if (answer !== undefined) {
      await answer(body, response, request);
    } else if (/^\/runs\/[^/]+\/metrics$/.test(pathname)) {
      if (request.headers.accept === 'text/event-stream') await stream(response, live());
      else json(response, runAt(steps.total));
    } else if (request.method === 'GET' && pathname.startsWith('/history/')) {
      const item = history.find(({ id }) => id === pathname.slice('/history/'.length));
      const { events } = recorded.streams.find(({ question }) => question === item?.query) ?? {};
      if (item === undefined || events === undefined)
        json(response, refusal('api/not-found', 'there is no answer with this id', 'See /history.'), 404);
      else json(response, { ...item, answer: responseOf(events).answer } satisfies HistoryEntry);
    } else if (request.method === 'DELETE' && pathname.startsWith('/history/')) {
      history = history.filter(({ id }) => id !== pathname.slice('/history/'.length));
      response.writeHead(204).end();
    } else {
      json(response, refusal('http/not-found', `there is nothing at ${pathname}`, 'See /openapi.json.'), 404);
    }
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received: (path) => bodies.get(path) ?? [],
    get abandoned() {
      return abandoned;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
