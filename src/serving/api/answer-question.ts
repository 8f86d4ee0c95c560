/** One question through the pipeline: counted, within its time, kept in the history. It knows no HTTP. */
import type { ObservePipeline, PipelineAnswer } from '../../agents/pipeline.ts';
import { isQuerentError, messageOf, QuerentError } from '../../foundation/errors.ts';
import type { ApiError, GenerateRequest, GenerateResponse } from './contract.ts';
import type { AnswerOutcome } from './metrics.ts';
import type { ApiParts } from './parts.ts';
import { problemOf } from './problems.ts';
import { staleWarning } from './served-database.ts';

export interface Asking {
  readonly owner: string;
  readonly request: GenerateRequest;
  /** Of the client that waits. */
  readonly signal: AbortSignal;
  readonly observe?: ObservePipeline;
  /** One of many: waits for its turn where another would be sent away. */
  readonly isPatient?: boolean;
}

function deadline(timeoutMs: number): QuerentError {
  return new QuerentError('http/deadline', `there was no answer within ${timeoutMs} ms`, {
    next: 'Ask for less, or give the server more time with --timeout.',
    details: { retryAfterSeconds: 1 },
  });
}

/** `signal` is aborted with the client's, and when the time is up; `left` rejects at that moment. */
function withDeadline(client: AbortSignal, timeoutMs: number) {
  const controller = new AbortController();
  let rejectLeft: (error: unknown) => void = () => {};
  const left = new Promise<never>((_, reject) => {
    rejectLeft = reject;
  });
  left.catch(() => {});
  const end = (error: unknown): void => {
    controller.abort(error);
    rejectLeft(error);
  };
  const timer = setTimeout(() => end(deadline(timeoutMs)), timeoutMs);
  const onGone = (): void => end(client.reason);
  if (client.aborted) onGone();
  client.addEventListener('abort', onGone, { once: true });
  return {
    signal: controller.signal,
    left,
    release: () => {
      clearTimeout(timer);
      client.removeEventListener('abort', onGone);
    },
  };
}

const outcomeOf = (answer: PipelineAnswer): AnswerOutcome => (answer.abstained ? 'abstained' : 'answered');

/** Throws what the client is to be told. */
export async function answerQuestion(parts: ApiParts, asking: Asking): Promise<GenerateResponse> {
  const { model, database, metrics, limits, gate } = parts;
  const { request, observe, isPatient = false } = asking;
  model.take();
  const startedAt = performance.now();
  const ended = (outcome: AnswerOutcome) =>
    metrics.answered(outcome, (performance.now() - startedAt) / 1_000);
  const { signal, left, release } = withDeadline(asking.signal, limits.timeoutMs);
  let leave: (() => void) | undefined;
  try {
    leave = await gate.enter(signal, { isPatient });
    await database.refresh();
    const asked = model.take().pipeline.ask(
      {
        question: request.query,
        ...(request.options === undefined ? {} : { options: request.options }),
      },
      { signal, ...(observe === undefined ? {} : { observe }) },
    );
    // The place stays taken until the work has really ended, also where nobody waits for it any more.
    asked.then(leave, leave);
    const told = await Promise.race([asked, left]);
    const answer = database.isStale ? { ...told, warnings: [staleWarning, ...told.warnings] } : told;
    ended(outcomeOf(answer));
    return responseOf(parts, asking, answer, performance.now() - startedAt);
  } catch (thrown) {
    leave?.();
    if (asking.signal.aborted) {
      ended('withdrawn');
      throw new QuerentError('http/gone', 'the client went away');
    }
    ended('failed');
    throw thrown;
  } finally {
    release();
  }
}

function responseOf(
  { store, database, log }: ApiParts,
  { owner, request }: Asking,
  answer: PipelineAnswer,
  latencyMs: number,
): GenerateResponse {
  let id = '';
  try {
    id = store.history.add(owner, database.known.schema.databaseId, answer);
  } catch (thrown) {
    // An answer that cannot be kept is still an answer; without an id there is no feedback on it.
    log({ event: 'history-failed', error: messageOf(thrown) });
  }
  return {
    id,
    sql: answer.sql,
    confidence_score: answer.confidence,
    reasoning: request.include_reasoning ? (answer.reasoning ?? answer.explanation) : null,
    latency_ms: Math.round(latencyMs * 1_000) / 1_000,
    answer,
  };
}

/** For streams and batches, where the status has been sent already. */
export function errorOf(parts: ApiParts, id: string, thrown: unknown): ApiError {
  const { error, status } = problemOf(thrown);
  if (status === 500)
    parts.log({
      event: 'failure',
      id,
      error: isQuerentError(thrown) ? `[${thrown.code}] ${thrown.message}` : messageOf(thrown),
    });
  return error;
}
