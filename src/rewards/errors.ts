/** Errors of the reward layer: settings under which a reward would teach the wrong thing, or cannot be made. */
import { QuerentError } from '../foundation/errors.ts';

export function wrongOrder(what: string, right: number, wrong: number): QuerentError {
  return new QuerentError(
    'rewards/wrong-order',
    `${what}: a wrong answer could score ${wrong}, a right one ${right}; every right answer must score more than every wrong one`,
    { next: 'Raise the score or weight of a match, or lower the others.', details: { right, wrong } },
  );
}

export function needsSchema(what: string): QuerentError {
  return new QuerentError('rewards/needs-schema', `the reward "${what}" needs the schema of the database`, {
    next: 'Give `schemaOf` where the reward is made.',
  });
}

export function needsSandbox(what: string): QuerentError {
  return new QuerentError('rewards/needs-sandbox', `the reward "${what}" needs a sandbox that can execute`, {
    next: 'Give a sandbox with `execute` where the reward is made.',
  });
}

export function badRewardFile(path: string, problem: string, next: string, cause?: unknown): QuerentError {
  return new QuerentError('rewards/bad-file', `the reward file ${path} ${problem}`, {
    next,
    details: { path },
    ...(cause === undefined ? {} : { cause }),
  });
}

export function badScore(name: string, problem: string): QuerentError {
  return new QuerentError('rewards/bad-score', `the reward "${name}" gave ${problem}`, {
    next: 'Return one reward an item; a score is a finite number, or null where there is none.',
  });
}
