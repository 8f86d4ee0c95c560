/** What is told and asked between two tokens of a sampling call. */
import { QuerentError } from '../../foundation/errors.ts';

export interface SamplingWatch {
  readonly onToken?: (prompt: number, sample: number, token: number) => void;
  readonly isCancelled?: () => boolean;
}

export function refuseIfCancelled(watch: SamplingWatch | undefined): void {
  if (watch?.isCancelled?.() !== true) return;
  throw new QuerentError('engine/cancelled', 'the sampling call was cancelled', {
    next: 'Nothing is wrong: whoever asked no longer waits.',
  });
}
