/**
 * The model of a server: opened behind its back, so that pages and health answer while it loads; where it cannot be opened, the
 * rest of the server works on and it is tried again. It knows how to open a model only from who hands that in.
 */
import type { ExampleMemory } from '../../agents/generate/example-memory.ts';
import type { Pipeline } from '../../agents/pipeline.ts';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import type { ModelInfoResponse } from './contract.ts';

export interface ServedModel {
  readonly pipeline: Pipeline;
  readonly memory: ExampleMemory;
  readonly info: Pick<
    ModelInfoResponse,
    'name' | 'kind' | 'parameters' | 'prompt_format' | 'calibration_error'
  >;
  close(): Promise<void>;
}

export type ModelState = 'loading' | 'ready' | 'missing';

export interface ModelHolder {
  readonly state: ModelState;
  /** Resolves when it is known whether there is a model. */
  readonly settled: Promise<void>;
  /** Throws `model/loading` and `model/missing`, both worth another try. */
  take(): ServedModel;
  close(): Promise<void>;
}

export interface ModelHolderOptions {
  readonly open: () => Promise<ServedModel>;
  readonly onFailure: (thrown: unknown) => void;
  /** A missing model is looked for again when it is asked for, but not more often. Default 5,000. */
  readonly retryMs?: number;
}

export function createModelHolder({ open, onFailure, retryMs = 5_000 }: ModelHolderOptions): ModelHolder {
  let state: ModelState = 'loading';
  let model: ServedModel | undefined;
  let triedAt = 0;
  let isClosed = false;

  const load = async (): Promise<void> => {
    state = 'loading';
    triedAt = performance.now();
    try {
      const opened = await open();
      if (isClosed) return await opened.close();
      model = opened;
      state = 'ready';
    } catch (thrown) {
      state = 'missing';
      onFailure(thrown);
    }
  };

  let settled = load();
  return {
    get state() {
      return state;
    },
    get settled() {
      return settled;
    },
    take: () => {
      if (model !== undefined) return model;
      if (state === 'loading') throw loadingError();
      if (performance.now() - triedAt > retryMs) settled = load();
      throw missingError();
    },
    close: async () => {
      isClosed = true;
      await settled;
      await model?.close();
    },
  };
}

function loadingError(): QuerentError {
  return new QuerentError('model/loading', 'the model is being loaded', {
    next: 'Try again in a few seconds.',
    details: { retryAfterSeconds: 2 },
    isRetryable: true,
  });
}

function missingError(): QuerentError {
  return new QuerentError(
    'model/missing',
    'the server has no model: its files are missing or cannot be read',
    {
      next: 'Whoever runs the server finds the reason in its log. Statements can be run and explained meanwhile.',
      details: { retryAfterSeconds: 10 },
      isRetryable: true,
    },
  );
}

/** For the log of the server, where paths may stand. */
export const logWords = (thrown: unknown): string =>
  thrown instanceof QuerentError
    ? `[${thrown.code}] ${thrown.message}${thrown.next === undefined ? '' : ` next: ${thrown.next}`}`
    : messageOf(thrown);
