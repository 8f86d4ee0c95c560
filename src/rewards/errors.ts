/** Errors of the reward layer: settings under which a reward would teach the wrong thing. */
import { QuerentError } from '../foundation/errors.ts';

export function wrongOrder(what: string, right: number, wrong: number): QuerentError {
  return new QuerentError(
    'rewards/wrong-order',
    `${what}: a wrong answer could score ${wrong}, a right one ${right}; every right answer must score more than every wrong one`,
    { next: 'Raise the score or weight of a match, or lower the others.', details: { right, wrong } },
  );
}
