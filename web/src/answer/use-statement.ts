/** The statement in the editor: what it says now, its rows and its plan when a person runs it. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { PipelineRows } from '../../../src/agents/pipeline.ts';
import type { ExplainResponse } from '../../../src/serving/api/contract.ts';
import { execute, explain } from '../api/client.ts';
import { type ApiFailure, asFailure, isAbort } from '../api/failure.ts';
import type { Conversation } from './conversation.ts';

/** What a person's own run gave; it hides what the pipeline gave. */
export interface OwnRun {
  readonly isRunning: boolean;
  readonly rows?: PipelineRows;
  readonly failure?: ApiFailure;
  readonly explained?: ExplainResponse;
}

export interface Statement {
  readonly sql: string;
  readonly own: OwnRun | undefined;
  edit(sql: string): void;
  run(sql?: string): void;
}

export function useStatement(state: Conversation): Statement {
  /** Undefined: nobody has typed; the conversation's statement shows. */
  const [edited, setEdited] = useState<string>();
  const [own, setOwn] = useState<OwnRun>();
  const running = useRef<AbortController>(undefined);
  const sql = edited ?? state.sql;
  const current = useRef(sql);
  current.current = sql;
  const isNew = state.phase === 'running' || state.phase === 'recalled';

  // A new question starts with a clean editor.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the question and the answer's id say that it is a new one
  useEffect(() => {
    if (!isNew) return;
    running.current?.abort();
    setEdited(undefined);
    setOwn(undefined);
  }, [isNew, state.question, state.id]);

  useEffect(() => () => running.current?.abort(), []);

  const run = useCallback((other?: string): void => {
    const text = (other ?? current.current).trim();
    if (text === '') return;
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const set: typeof setOwn = (next) => {
      if (running.current === controller) setOwn(next);
    };
    if (other !== undefined) setEdited(other);
    set({ isRunning: true });
    void (async () => {
      try {
        const { columns, rows, truncated, elapsed_ms } = await execute(text, controller.signal);
        const result = { columns, rows, truncated, elapsedMs: elapsed_ms };
        set({ isRunning: false, rows: result });
        // Says what it uses and how; a statement that ran is worth its rows without it too.
        const explained = await explain(text, false, controller.signal).catch(() => undefined);
        if (explained !== undefined) set({ isRunning: false, rows: result, explained });
      } catch (thrown) {
        if (!isAbort(thrown)) set({ isRunning: false, failure: asFailure(thrown) });
      }
    })();
  }, []);

  return { sql, own, edit: setEdited, run };
}
