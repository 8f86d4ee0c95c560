/** Streams, log-probabilities and constrained answers, against a real server on loopback that has them, lacks them, or breaks off. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Prediction } from '../../agents/predictor.ts';
import { createRandom } from '../../foundation/random.ts';
import { greedy } from './candidate-source.ts';
import { createEndpointPredictor, type EndpointPredictorOptions } from './endpoint-predictor.ts';

type Body = Readonly<Record<string, unknown>>;
type Reply = (response: ServerResponse, body: Body, at: number) => void;

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as Body;
}

async function serve(reply: Reply) {
  const bodies: Body[] = [];
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    bodies.push(body);
    reply(response, body, bodies.length);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { bodies, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

const predictorOf = (url: string, more: Partial<EndpointPredictorOptions>) =>
  createEndpointPredictor({
    ...{
      url,
      model: 'm',
      key: undefined,
      timeoutMs: 5_000,
      retries: 3,
      pauseMs: 1,
      concurrency: 1,
      tokensMax: 100,
    },
    signal: new AbortController().signal,
    random: createRandom(1),
    schemaTextOf: async () => 'CREATE TABLE t (a INT);',
    ...more,
  });
const firstOf = async (url: string, more: Partial<EndpointPredictorOptions>): Promise<Prediction> =>
  (await predictorOf(url, more).propose(asks, greedy))[0]![0]!;
const asks = [{ id: 'q', question: 'how many ?', databaseId: 'd' }];

const piece = (content: string, more: object = {}) => ({
  choices: [{ index: 0, delta: { content }, ...more }],
});
const sql = 'SELECT größe FROM t';
const pieces = ['```sql\n', 'SELECT gr', 'öße FROM t', '\n```'];
const wholeStream = [
  ...pieces.map((text, i) => piece(text, { logprobs: { content: [{ logprob: -0.1 * (i + 1) }] } })),
  piece('', { finish_reason: 'stop' }),
  { choices: [], usage: { completion_tokens: 12 } },
];
const eventStream = (chunks: readonly object[], end = '\n\n') =>
  chunks.map((chunk) => `data: ${JSON.stringify(chunk)}${end}`).join('');

function stream(response: ServerResponse, bytes: Buffer, step = bytes.length): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  for (let at = 0; at < bytes.length; at += step) response.write(bytes.subarray(at, at + step));
  response.end();
}

const answer = (response: ServerResponse, content: string, more: object = {}) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ choices: [{ message: { content }, finish_reason: 'stop', ...more }] }));
};

describe('streams', () => {
  it.each([
    ['pieces of any size', 7, '\n\n'],
    ['one byte at a time', 1, '\n\n'],
    ['lines that end with CRLF', 5, '\r\n\r\n'],
  ])('reads %s', async (_, step, end) => {
    const bytes = Buffer.from(`: comment\n\n${eventStream(wholeStream, end)}data: [DONE]${end}`);
    const { bodies, url } = await serve((response) => stream(response, bytes, step));
    const prediction = await firstOf(url, { stream: true, logprobs: true });
    expect(prediction).toMatchObject({ sql, tokens: 12 });
    expect(prediction.confidence).toBeCloseTo(Math.exp(-1), 6);
    expect(bodies[0]).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
      logprobs: true,
    });
  });

  const broken: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    [
      'breaks off between events',
      (r: ServerResponse): void => stream(r, Buffer.from(eventStream(wholeStream.slice(0, 2)))),
    ],
    [
      'breaks the connection in mid-event',
      (r: ServerResponse) => {
        r.writeHead(200, { 'content-type': 'text/event-stream' });
        r.write(eventStream(wholeStream).slice(0, 90), () => r.destroy());
      },
    ],
    [
      'sends an error',
      (r: ServerResponse): void => stream(r, Buffer.from(eventStream([{ error: { message: 'oom' } }]))),
    ],
    ['sends what is no JSON', (r: ServerResponse): void => stream(r, Buffer.from('data: {"cho\n\n'))],
    ['is overloaded', (r: ServerResponse) => void r.writeHead(429, { 'retry-after': '0' }).end()],
  ];

  it.each(broken)('asks again where the server %s', async (_, breakOff) => {
    const good = Buffer.from(eventStream(wholeStream));
    const { bodies, url } = await serve((response, __, at) =>
      at < 3 ? breakOff(response) : stream(response, good),
    );
    const prediction = await firstOf(url, { stream: true });
    expect(prediction).toMatchObject({ sql });
    expect(bodies.length).toBe(3);
  });

  it('gives up on a server whose every stream is cut, and never takes half an answer', async () => {
    const half = Buffer.from(eventStream([piece('SELECT 1')]));
    const { bodies, url } = await serve((response) => stream(response, half));
    await expect(predictorOf(url, { stream: true }).propose(asks, greedy)).rejects.toThrow(
      /cut off.*4 attempts/,
    );
    expect(bodies.length).toBe(4);
  });

  it('takes a whole answer from a server that does not stream', async () => {
    const { url } = await serve((response) => answer(response, `\`\`\`sql\n${sql}\n\`\`\``));
    const prediction = await firstOf(url, { stream: true });
    expect(prediction).toMatchObject({ sql });
  });
});

const schema = { type: 'object', properties: { sql: { type: 'string' } }, required: ['sql'] };

describe('constrained answers and log-probabilities', () => {
  it('asks for JSON after a schema and reads the query out of it', async () => {
    const { bodies, url } = await serve((response) =>
      answer(response, JSON.stringify({ reasoning: 'so', sql: `${sql};` })),
    );
    const constraint = { kind: 'json', name: 'query', schema } as const;
    const prediction = await firstOf(url, { constraint });
    expect(prediction).toMatchObject({ sql, reasoning: 'so' });
    expect(bodies[0]!.response_format).toEqual({
      type: 'json_schema',
      json_schema: { name: 'query', schema, strict: true },
    });
  });

  it('asks for a regular expression', async () => {
    const { bodies, url } = await serve((response) => answer(response, sql));
    await predictorOf(url, { constraint: { kind: 'regex', pattern: 'SELECT .*' } }).propose(asks, greedy);
    expect(bodies[0]!.guided_regex).toBe('SELECT .*');
  });

  it('leaves out what a server refuses by name, without counting it as a failure, from then on', async () => {
    const { bodies, url } = await serve((response, body) => {
      const refused = ['logprobs', 'response_format', 'stream_options'].find((name) => name in body);
      if (refused === undefined) answer(response, sql);
      else response.writeHead(400).end(`{"error":{"message":"Unrecognized argument: ${refused}"}}`);
    });
    const constraint = { kind: 'json', name: 'query', schema } as const;
    const predictor = predictorOf(url, { constraint, logprobs: true, stream: true, retries: 0 });
    for (let i = 0; i < 2; i++) expect(await predictor.propose(asks, greedy)).toMatchObject([[{ sql }]]);
    // Three refusals, then one request an answer.
    expect(bodies.length).toBe(5);
    expect(bodies.at(-1)).toMatchObject({ stream: true });
  });

  it('does not ask for ever where a server refuses what it was not asked for', async () => {
    const { bodies, url } = await serve((response) => void response.writeHead(400).end('logprobs'));
    await expect(predictorOf(url, { retries: 2 }).propose(asks, greedy)).rejects.toThrow(/HTTP 400/);
    expect(bodies.length).toBeLessThanOrEqual(2);
  });
});
