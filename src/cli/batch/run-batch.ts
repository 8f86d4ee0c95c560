/**
 * Every question of a file through the pipeline, a few at a time, answers in their order. What goes wrong with one is its
 * answer; only what would go wrong with all of them ends the run. Knows questions and answers; knows no file format.
 */
import type { Pipeline, PipelineRequest } from '../../agents/pipeline.ts';
import { isQuerentError, messageOf, QuerentError } from '../../foundation/errors.ts';
import type { Observe } from '../../foundation/events.ts';
import { outcomeOf } from '../conversation/answer-text.ts';
import type { AnswersFile, BatchAnswer } from './answers-file.ts';
import type { BatchQuestion } from './questions-file.ts';

export interface BatchRun {
  readonly questions: AsyncIterable<BatchQuestion>;
  /** For the time left. */
  readonly total: number;
  readonly answers: AnswersFile;
  readonly pipeline: Pipeline;
  readonly options: NonNullable<PipelineRequest['options']>;
  /** Questions at the same time. */
  readonly parallel: number;
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

export interface BatchSummary {
  /** Now, or in an earlier run. */
  readonly questions: number;
  readonly known: number;
  readonly answered: number;
  /** Asked now, without rows to show for it: see their outcome. */
  readonly unanswered: number;
  /** Asked now, and could not be. */
  readonly failed: number;
}

const nothing = { sql: '', confidence: null, explanation: '', latencyMs: null } as const;

function failed({ row, id, question }: BatchQuestion, message: string): BatchAnswer {
  return { row, ...(id === undefined ? {} : { id }), question, ...nothing, outcome: 'error', message };
}

async function answerOne(
  asked: BatchQuestion,
  { pipeline, options, signal }: BatchRun,
): Promise<BatchAnswer | undefined> {
  const { row, id, question, problem } = asked;
  if (problem !== undefined) return failed(asked, `[batch/bad-line] ${problem}`);
  try {
    const answer = await pipeline.ask({ question, options }, { signal });
    const { sql, confidence, failure, result, explanation, latencyMs, clarification } = answer;
    const message = failure ?? clarification?.question;
    return {
      row,
      ...(id === undefined ? {} : { id }),
      question,
      sql,
      confidence,
      outcome: outcomeOf(answer),
      ...(message === undefined ? {} : { message }),
      explanation,
      ...(result === undefined
        ? {}
        : { columns: result.columns, rows: result.rows, truncated: result.truncated }),
      latencyMs: Math.round(latencyMs * 10) / 10,
    };
  } catch (thrown) {
    if (signal.aborted) return undefined;
    // A closed database or a lost model is nobody's question.
    if (!isQuerentError(thrown) || !/^agents\/(empty-question|question-too-long)$/.test(thrown.code))
      throw thrown;
    return failed(asked, `[${thrown.code}] ${messageOf(thrown)}`);
  }
}

export async function runBatch(run: BatchRun): Promise<BatchSummary> {
  const { questions, total, answers, parallel, observe, signal } = run;
  const running: Promise<BatchAnswer | undefined>[] = [];
  const counts = { questions: 0, known: 0, answered: 0, unanswered: 0, failed: 0 };

  const finishFirst = async (): Promise<void> => {
    const answer = await running.shift();
    // Withdrawn: it is asked again the next time.
    if (answer === undefined) return;
    answers.add(answer);
    if (answer.outcome === 'error') counts.failed += 1;
    else if (answer.outcome === 'rows' || answer.outcome === 'not-run') counts.answered += 1;
    else counts.unanswered += 1;
    const done = counts.known + counts.answered + counts.unanswered + counts.failed;
    observe({ type: 'progress', stage: 'batch', label: 'questions', done, total: Math.max(done, total) });
  };

  try {
    for await (const asked of questions) {
      if (signal.aborted) break;
      counts.questions += 1;
      if (answers.has(asked)) {
        counts.known += 1;
        continue;
      }
      const work = answerOne(asked, run);
      // It is awaited in its turn; until then its failure is nobody's.
      work.catch(() => {});
      running.push(work);
      if (running.length >= parallel) await finishFirst();
    }
    while (running.length > 0) await finishFirst();
  } finally {
    await Promise.allSettled(running);
  }
  if (signal.aborted) {
    const done = counts.known + counts.answered + counts.unanswered + counts.failed;
    throw new QuerentError('batch/interrupted', `stopped after ${done} of ${total} questions`, {
      next: 'Run the same command again: it goes on from here.',
    });
  }
  return counts;
}
