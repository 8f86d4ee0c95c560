/** How an evaluation of predictions is stopped, also in the middle of a statement. Knows nothing of what runs. */
import { QuerentError } from '../../foundation/errors.ts';

export const interrupted = (doing: string): QuerentError =>
  new QuerentError('evaluation/interrupted', `while ${doing} the predictions.`, {
    next: 'Run the command again.',
  });

/**
 * Does not wait for what was started: a statement that runs is ended by whoever closes the sandbox. What comes of the
 * work afterwards, also an error, is nobody's concern.
 */
export async function untilInterrupted<T>(
  start: () => Promise<T>,
  doing: string,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal?.aborted === true) throw interrupted(doing);
  let stop = (): void => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(interrupted(doing));
  });
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([start(), stopped]);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
