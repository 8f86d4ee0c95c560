/** Server-sent events from the body of a fetch: EventSource can neither POST nor send a key. It knows no event's meaning. */

export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** One block between blank lines; undefined for comments (`: keep-alive`). */
function eventOf(block: string): ServerSentEvent | undefined {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n') };
}

/** Splits text that arrives in pieces, at whatever places, into events. */
export function createEventParser(): (piece: string) => ServerSentEvent[] {
  let pending = '';
  return (piece) => {
    // A line may end in CR LF, and a piece between the two: a CR at the end waits for what follows.
    const text = pending + piece;
    const isSplit = text.endsWith('\r');
    const blocks = (isSplit ? text.slice(0, -1) : text).replace(/\r\n?/g, '\n').split('\n\n');
    pending = blocks.pop()! + (isSplit ? '\r' : '');
    return blocks.map(eventOf).filter((event) => event !== undefined);
  };
}

export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  const parse = createEventParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parse(value);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
