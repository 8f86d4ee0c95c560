/** A conversation that asks the server: one question at a time, a new one withdraws the one before. */
import { useCallback, useEffect, useReducer, useRef } from 'react';
import type { HistoryEntry } from '../../../src/serving/api/contract.ts';
import { type AskOptions, ask } from '../api/client.ts';
import { ApiFailure, asFailure, isAbort } from '../api/failure.ts';
import { advance, type Conversation, emptyConversation } from './conversation.ts';

export interface ConversationControl {
  readonly state: Conversation;
  ask(question: string, options?: AskOptions): void;
  stop(): void;
  recall(entry: HistoryEntry): void;
  judged(verdict: 'right' | 'wrong'): void;
}

export function useConversation(): ConversationControl {
  const [state, dispatch] = useReducer(advance, emptyConversation);
  const running = useRef<AbortController>(undefined);

  const run = useCallback((question: string, options: AskOptions = {}): void => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    // What arrives after another question was asked belongs to nobody.
    const send: typeof dispatch = (event) => {
      if (running.current === controller) dispatch(event);
    };
    send({ type: 'asked', question });
    void (async () => {
      try {
        let isEnded = false;
        for await (const event of ask(question, options, controller.signal)) {
          if (event.type === 'error') throw new ApiFailure(event.error);
          if (event.type === 'response') isEnded = true;
          send(event);
        }
        if (!isEnded) {
          throw new ApiFailure({
            code: 'web/cut-off',
            message: 'the connection ended before the answer did',
            next: 'Ask again; if it stays so, see the log of querent serve.',
          });
        }
      } catch (thrown) {
        if (isAbort(thrown)) send({ type: 'stopped' });
        else send({ type: 'failed', failure: asFailure(thrown) });
      }
    })();
  }, []);

  const stop = useCallback((): void => running.current?.abort(), []);
  const recall = useCallback((entry: HistoryEntry): void => {
    running.current?.abort();
    running.current = undefined;
    dispatch({ type: 'recalled', entry });
  }, []);
  const judged = useCallback((verdict: 'right' | 'wrong'): void => dispatch({ type: 'judged', verdict }), []);

  useEffect(() => () => running.current?.abort(), []);
  return { state, ask: run, stop, recall, judged };
}
