/** The curves of one run; while it goes on, as a stream that is taken up again when it breaks. */
import { useEffect, useState } from 'react';
import type { RunMetricsResponse } from '../../../src/serving/api/contract.ts';
import { runMetrics, watchRun } from '../api/client.ts';
import { type ApiFailure, asFailure, isAbort } from '../api/failure.ts';
import { mergeMetrics } from './curves.ts';

const againMs = 3_000;

export function useRunMetrics(name: string, isLive: boolean) {
  const [metrics, setMetrics] = useState<RunMetricsResponse>();
  const [failure, setFailure] = useState<ApiFailure>();

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const follow = async (): Promise<void> => {
      try {
        if (isLive) {
          for await (const next of watchRun(name, signal)) {
            setFailure(undefined);
            setMetrics((earlier) => mergeMetrics(earlier, next));
          }
        } else {
          setMetrics(await runMetrics(name, signal));
          setFailure(undefined);
          return;
        }
      } catch (thrown) {
        if (isAbort(thrown)) return;
        setFailure(asFailure(thrown));
      }
      if (!signal.aborted) timer = setTimeout(() => void follow(), againMs);
    };
    void follow();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [name, isLive]);

  return { metrics, failure };
}
