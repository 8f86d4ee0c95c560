/**
 * A streamed chat completion put together: server-sent events whose deltas become the same object that an unstreamed answer is.
 * A stream that ends before every choice has its reason was cut, and is an error: half an answer is none. Knows nothing of requests.
 * Format: https://html.spec.whatwg.org/multipage/server-sent-events.html and OpenAI's `chat.completion.chunk`.
 */
import { z } from 'zod';

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        index: z.number().default(0),
        delta: z.object({ content: z.string().nullish(), reasoning_content: z.string().nullish() }).nullish(),
        finish_reason: z.string().nullish(),
        logprobs: z.object({ content: z.array(z.object({ logprob: z.number() })).nullish() }).nullish(),
      }),
    )
    .default([]),
  usage: z.object({ completion_tokens: z.number() }).nullish(),
  error: z.unknown().optional(),
});

interface StreamedChoice {
  message: { content: string; reasoning_content?: string };
  finish_reason: string | undefined;
  logprobs: { content: { logprob: number }[] };
}

/** The data of each event. Lines end with LF, CRLF or CR; an event may have several data lines. */
async function* eventsOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  const take = function* (lines: readonly string[]): Generator<string> {
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
      else if (line === '' && data.length > 0) {
        yield data.join('\n');
        data = [];
      }
    }
  };
  for await (const bytes of response.body ?? []) {
    rest += decoder.decode(bytes, { stream: true });
    // A CR at the end may be the first half of a CRLF.
    const whole = rest.endsWith('\r') ? rest.slice(0, -1) : rest;
    const lines = whole.split(/\r\n|\n|\r/);
    rest = lines.pop()! + rest.slice(whole.length);
    yield* take(lines);
  }
  yield* take([...rest.split(/\r\n|\n|\r/), '']);
}

function addDelta(choices: Map<number, StreamedChoice>, chunk: z.output<typeof chunkSchema>): void {
  for (const { index, delta, finish_reason: reason, logprobs } of chunk.choices) {
    const choice = choices.get(index) ?? {
      message: { content: '' },
      finish_reason: undefined,
      logprobs: { content: [] },
    };
    choices.set(index, choice);
    choice.message.content += delta?.content ?? '';
    if (typeof delta?.reasoning_content === 'string')
      choice.message.reasoning_content = (choice.message.reasoning_content ?? '') + delta.reasoning_content;
    choice.finish_reason = reason ?? choice.finish_reason;
    choice.logprobs.content.push(...(logprobs?.content ?? []));
  }
}

/** Throws where the stream was cut, says that it failed, or is no stream of chunks. */
export async function readChatStream(response: Response): Promise<unknown> {
  const choices = new Map<number, StreamedChoice>();
  let usage: { readonly completion_tokens: number } | undefined;
  for await (const event of eventsOf(response)) {
    if (event === '[DONE]') break;
    const chunk = chunkSchema.parse(JSON.parse(event));
    if (chunk.error !== undefined && chunk.error !== null)
      throw new Error(`the server failed in mid-answer: ${JSON.stringify(chunk.error).slice(0, 200)}`);
    addDelta(choices, chunk);
    usage = chunk.usage ?? usage;
  }
  const ordered = [...choices].sort(([a], [b]) => a - b).map(([, choice]) => choice);
  if (ordered.length === 0 || ordered.some(({ finish_reason: reason }) => reason === undefined))
    throw new Error('the answer was cut off: its stream ended too early');
  return { choices: ordered, ...(usage === undefined ? {} : { usage }) };
}
