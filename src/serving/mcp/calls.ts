/**
 * One call of a tool: counted, withdrawn when the client withdraws it, and its failure put into words that an assistant can
 * act on. Knows results of the protocol; does not know what a call does.
 */
import type { CallToolResult, ServerContext } from '@modelcontextprotocol/server';
import { isQuerentError, QuerentError } from '../../foundation/errors.ts';

export interface Calls {
  /** Runs the work of a call; whatever goes wrong is in the result. */
  answer<T extends object>(signal: AbortSignal, work: () => Promise<T>): Promise<CallToolResult>;
}

function failure(code: string, message: string, next?: string): CallToolResult {
  const text = `[${code}] ${message}${next === undefined ? '' : `\nnext: ${next}`}`;
  return { content: [{ type: 'text', text }], isError: true };
}

/** Rejects as soon as the signal aborts; what still runs ends at its own limit, and nobody waits for it. */
export function withdrawable<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const withdraw = (): void =>
      reject(new QuerentError('mcp/aborted', 'the call was withdrawn', { next: 'Call again.' }));
    if (signal.aborted) withdraw();
    signal.addEventListener('abort', withdraw, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', withdraw));
  });
}

export function createCalls(callsMax: number, onFailure: (error: unknown) => void): Calls {
  let active = 0;
  return {
    answer: async (signal, work) => {
      if (active >= callsMax)
        return failure('mcp/busy', `${callsMax} calls run already`, 'Call again in a second.');
      active += 1;
      const running = work().finally(() => {
        active -= 1;
      });
      try {
        const structuredContent = { ...(await withdrawable(signal, running)) };
        return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
      } catch (thrown) {
        if (isQuerentError(thrown)) return failure(thrown.code, withoutFolders(thrown.message), thrown.next);
        onFailure(thrown);
        return failure('mcp/internal', 'the server failed; its log says why');
      }
    },
  };
}

/** An assistant need not know where files lie on the host. */
function withoutFolders(message: string): string {
  return message.replace(/(?<![\w.<])(?:\/|[A-Za-z]:[\\/])[^\s'"]*[\\/]([^\s'"\\/]+)/g, '…/$1');
}

/** Sends the steps of the work to a client that asked for progress; a client that is gone is not told. */
export function progressOf(context: ServerContext, total: number): (message: string) => void {
  const token = context.mcpReq._meta?.progressToken;
  if (token === undefined) return () => {};
  let progress = 0;
  return (message) => {
    progress += 1;
    const params = { progressToken: token, progress: Math.min(progress, total), total, message };
    // Where the connection is gone, the call itself learns of it by its signal.
    context.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {});
  };
}
