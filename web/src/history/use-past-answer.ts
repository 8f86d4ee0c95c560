/** An answer of the history that the address names: fetched, and put where a new one would be. */
import { useEffect, useState } from 'react';
import type { ConversationControl } from '../answer/use-conversation.ts';
import { historyEntry } from '../api/client.ts';
import { type ApiFailure, asFailure, isAbort } from '../api/failure.ts';

/** Why it is not there, if it is not. */
export function usePastAnswer(
  id: string | undefined,
  { recall }: Pick<ConversationControl, 'recall'>,
): ApiFailure | undefined {
  const [failure, setFailure] = useState<ApiFailure>();
  useEffect(() => {
    setFailure(undefined);
    if (id === undefined) return;
    const controller = new AbortController();
    historyEntry(id, controller.signal).then(recall, (thrown: unknown) => {
      if (!isAbort(thrown)) setFailure(asFailure(thrown));
    });
    return () => controller.abort();
  }, [id, recall]);
  return failure;
}
