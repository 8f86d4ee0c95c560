/** POST /generate and /generate/batch: questions to answers, at once, as they come about, or many. */
import { z } from 'zod';
import { tooManyItems } from '../../http/answer.ts';
import { parseJson } from '../../http/body.ts';
import { answerQuestion, errorOf } from '../answer-question.ts';
import { batchResponseSchema, generateResponseSchema } from '../answers.ts';
import { mediaType, readBytes, readJson, wrongType } from '../body.ts';
import {
  type BatchItem,
  type BatchResponse,
  type BatchResult,
  batchItemSchema,
  batchRequestSchema,
  limits as contractLimits,
  generateRequestSchema,
} from '../contract.ts';
import { eventStream } from '../event-stream.ts';
import type { ApiContext } from '../guard.ts';
import type { ApiParts } from '../parts.ts';
import { parseInput } from '../problems.ts';
import type { ApiRoute } from '../route.ts';

/** Of one batch; the model takes them together, other clients keep their share. */
const ITEMS_AT_ONCE = 16;
const LINES = 'application/x-ndjson';

export const ownerOf = (c: ApiContext): string => c.get('key')?.id ?? '';

/** Items that cannot be read are failures of their own. */
type ReadItem = { readonly item: BatchItem } | { readonly failure: unknown; readonly id: string | null };

function readItem(value: unknown, where: string): ReadItem {
  const item = typeof value === 'string' ? { query: value } : value;
  try {
    return { item: parseInput(batchItemSchema, item, where) };
  } catch (failure) {
    const id = (item as { id?: unknown } | null)?.id;
    return { failure, id: typeof id === 'string' ? id.slice(0, 200) : null };
  }
}

function readLines(bytes: Buffer): ReadItem[] {
  // Split before decoding: one line that is not UTF-8 spoils no other.
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at);
    const stop = end < 0 ? bytes.length : end;
    const line = bytes.subarray(at, stop);
    if (line.some((byte) => byte !== 32 && byte !== 13 && byte !== 9)) lines.push(line);
    at = stop + 1;
  }
  return lines.map((line, index) => {
    try {
      return readItem(parseJson(line), `line ${index + 1}`);
    } catch (failure) {
      return { failure, id: null };
    }
  });
}

interface Batch {
  readonly parts: ApiParts;
  readonly owner: string;
  readonly requestId: string;
  readonly signal: AbortSignal;
}

async function answerItem(
  { parts, owner, requestId, signal }: Batch,
  read: ReadItem,
  index: number,
): Promise<BatchResult> {
  const failed = (thrown: unknown, item_id: string | null): BatchResult => ({
    index,
    item_id,
    ok: false,
    error: errorOf(parts, requestId, thrown),
  });
  if ('failure' in read) return failed(read.failure, read.id);
  const { id = null, ...request } = read.item;
  try {
    const response = await answerQuestion(parts, { owner, request, signal, isPatient: true });
    return { index, item_id: id, ok: true, response };
  } catch (thrown) {
    return failed(thrown, id);
  }
}

/** In order, each as soon as it and those before it are there. */
async function* answerAll(batch: Batch, items: readonly ReadItem[]): AsyncGenerator<BatchResult> {
  const running: Promise<BatchResult>[] = [];
  let next = 0;
  while (running.length > 0 || next < items.length) {
    while (running.length < ITEMS_AT_ONCE && next < items.length) {
      running.push(answerItem(batch, items[next]!, next));
      next += 1;
    }
    yield await running.shift()!;
  }
}

/** `next` is asked for only when the client has taken what came before: a slow reader slows its own batch. */
function lineStream(results: AsyncGenerator<BatchResult>, onGone: () => void): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await results.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
    },
    cancel: async () => {
      onGone();
      await results.return(undefined);
    },
  });
  return new Response(body, { headers: { 'content-type': LINES } });
}

function streamed(c: ApiContext, parts: ApiParts, body: unknown): Response {
  const request = parseInput(generateRequestSchema, body, 'the body');
  // Known before the stream begins: a status says it better than an event.
  parts.model.take();
  parts.gate.refuseIfFull();
  const owner = ownerOf(c);
  const id = c.get('requestId');
  return eventStream(c.req.raw.signal, async (send, signal) => {
    try {
      const response = await answerQuestion(parts, {
        owner,
        request,
        signal,
        observe: (event) => {
          // The answer comes inside the response.
          if (event.type !== 'answer') send(event.type, event);
        },
      });
      send('response', { type: 'response', response });
    } catch (thrown) {
      send('error', { type: 'error', error: errorOf(parts, id, thrown) });
    }
  });
}

const example = { query: 'How many active projects are there?', include_reasoning: true };

export function questionRoutes(parts: ApiParts): readonly ApiRoute[] {
  const { limits } = parts;
  return [
    {
      method: 'post',
      path: '/generate',
      tag: 'Questions',
      summary: 'A question to SQL, confidence and rows',
      description:
        'With `Accept: text/event-stream` the steps of the pipeline come as they happen: `step-start`, `step-end`, `token`, ' +
        '`candidate`, `rows`, and last `response` or `error`. A client that goes away ends the work.',
      body: { schema: generateRequestSchema, example },
      answer: { description: 'The answer', schema: generateResponseSchema, types: ['text/event-stream'] },
      handle: async (c) => {
        const body = await readJson(c, limits.bodyBytesMax);
        if ((c.req.header('accept') ?? '').includes('text/event-stream')) return streamed(c, parts, body);
        const request = parseInput(generateRequestSchema, body, 'the body');
        return c.json(await answerQuestion(parts, { owner: ownerOf(c), request, signal: c.req.raw.signal }));
      },
    },
    {
      method: 'post',
      path: '/generate/batch',
      tag: 'Questions',
      summary: 'Many questions; each fails or succeeds for itself',
      description:
        'JSON in, JSON out; or one JSON object a line in (`application/x-ndjson`), one result a line out, in order, each as soon ' +
        'as it is there.',
      body: { schema: batchRequestSchema, lines: batchItemSchema, example: { queries: [example.query] } },
      answer: { description: 'The answers, in order', schema: batchResponseSchema, types: [LINES] },
      handle: async (c) => {
        const type = mediaType(c);
        if (type !== LINES && type !== 'application/json') throw wrongType(`application/json or ${LINES}`);
        const gone = new AbortController();
        const signal = AbortSignal.any([c.req.raw.signal, gone.signal]);
        const batch = { parts, owner: ownerOf(c), requestId: c.get('requestId'), signal };
        parts.model.take();
        parts.gate.refuseIfFull();
        if (type === LINES) {
          const items = readLines(await readBytes(c, limits.batchBytesMax));
          if (items.length > contractLimits.batchItemsMax)
            throw tooManyItems(items.length, contractLimits.batchItemsMax);
          return lineStream(answerAll(batch, items), () => gone.abort());
        }
        const body = await readJson(c, limits.batchBytesMax);
        const { queries } = parseInput(batchEnvelope, body, 'the body');
        const items = queries.map((query, at) => readItem(query, `queries.${at}`));
        const results: BatchResult[] = [];
        for await (const result of answerAll(batch, items)) results.push(result);
        const succeeded = results.filter(({ ok }) => ok).length;
        return c.json({ results, succeeded, failed: results.length - succeeded } satisfies BatchResponse);
      },
    },
  ];
}

/** The list as such; what stands in it is looked at item by item. */
const batchEnvelope = batchRequestSchema.extend({
  queries: z.array(z.unknown()).min(1).max(contractLimits.batchItemsMax),
});
