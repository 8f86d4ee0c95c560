/** What a caller of the pipeline can get wrong, and what can go wrong around it. */
import { QuerentError } from '../foundation/errors.ts';

/** Characters of a question at most: beyond it nobody asks, somebody pastes. */
export const QUESTION_CHARACTERS_MAX = 4_000;

export function checkQuestion(question: string): string {
  const text = question.normalize('NFC').trim();
  if (!/[\p{L}\p{N}]/u.test(text)) {
    throw new QuerentError('agents/empty-question', 'the question is empty, expected at least one word', {
      next: 'Ask something of the data, for example "How many active projects are there?"',
    });
  }
  if (text.length > QUESTION_CHARACTERS_MAX) {
    throw new QuerentError(
      'agents/question-too-long',
      `the question has ${text.length} characters, expected at most ${QUESTION_CHARACTERS_MAX}`,
      {
        next: 'Ask it in a sentence or two.',
        details: { length: text.length, max: QUESTION_CHARACTERS_MAX },
      },
    );
  }
  return text;
}

export function refuseIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new QuerentError('agents/aborted', 'the question was withdrawn before it was answered', {
    next: 'Ask it again.',
  });
}

export function closedError(): QuerentError {
  return new QuerentError('agents/closed', 'the pipeline was closed', {
    next: 'Open another one with createPipeline().',
  });
}
