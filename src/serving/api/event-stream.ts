/** Server-sent events as an answer. It knows the wire; it does not know what is sent. */

/** Proxies and browsers give up on a silent connection; a comment now and then keeps it. */
const KEEP_ALIVE_MS = 15_000;

export type SendEvent = (event: string, data: unknown) => void;

/** `work` gets a signal that is aborted when the client goes away; what it throws ends the stream without a word. */
export function eventStream(
  signal: AbortSignal,
  work: (send: SendEvent, signal: AbortSignal) => Promise<void>,
): Response {
  const gone = new AbortController();
  const either = AbortSignal.any([signal, gone.signal]);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      const write = (text: string): void => {
        if (!gone.signal.aborted) controller.enqueue(encoder.encode(text));
      };
      const timer = setInterval(() => write(': keep-alive\n\n'), KEEP_ALIVE_MS);
      work((event, data) => write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`), either)
        .catch(() => {})
        .finally(() => {
          clearInterval(timer);
          if (!gone.signal.aborted) controller.close();
        });
    },
    cancel: () => gone.abort(),
  });
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    },
  });
}
