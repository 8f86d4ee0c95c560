/** What each outcome of running a query is worth, and that a right answer is always worth most. */
import type { Execution, SqlErrorClass } from '../database/execution.ts';
import { wrongOrder } from './errors.ts';
import type { Reward } from './reward.ts';

/**
 * Scores by outcome. A match with an empty gold result proves nothing (a condition that no row meets gives it too): unless
 * the text is the gold's own, it cannot be scored.
 */
export interface ExecutionScale {
  /** The rows of the gold query. */
  readonly match: number;
  /** Runs, but gives other rows. */
  readonly wrong: number;
  /** Gives the rows by constants. Default: `wrong`. */
  readonly hardCoded?: number;
  /** An error, a refusal, a timeout, or no query at all. */
  readonly error: number;
  /** An error of syntax. Default: `error`. */
  readonly syntaxError?: number;
  /** Stopped by the time limit. Default: `error`. */
  readonly timeout?: number;
  /** Cut off before its end and so never run. `null` leaves the sample out of every average. */
  readonly incomplete: number | null;
}

/**
 * `default` is Arctic's scale (1 / 0.1 / 0): the 0.1 tells a policy that writes no valid SQL yet where to go, and is too
 * small to be worth staying at. No wrong answer outscores a right one because every scale is checked for it below.
 */
export const executionScales = {
  default: { match: 1, wrong: 0.1, error: 0, incomplete: 0 },
  arctic: { match: 1, wrong: 0.1, error: 0, incomplete: 0 },
  binary: { match: 1, wrong: 0, error: 0, incomplete: 0 },
  /** A constant is worth no more than an error: it is the cheapest way to something that runs. */
  strict: { match: 1, wrong: 0.1, hardCoded: 0, error: 0, incomplete: 0 },
  composite: {
    match: 1,
    wrong: 0.3,
    error: -0.8,
    timeout: -0.8,
    syntaxError: -0.5,
    incomplete: -0.5,
  },
} as const satisfies Readonly<Record<string, ExecutionScale>>;

/** How a completion ended; in `details.outcome` of every reward that runs queries. */
export type Outcome =
  | 'match'
  | 'wrong-rows'
  /** Constants instead of a query. */
  | 'hard-coded'
  /** The same rows, but not on a neighbour of the database. */
  | 'accident'
  | 'incomplete'
  | 'no-query'
  | 'unscorable'
  | Exclude<Execution['outcome'], 'rows'>;

/** `outcome` of a reward that an execution reward gave, or of its part `execution`. */
export function outcomeOf({ details }: Reward): Outcome | undefined {
  const own = details.outcome ?? (details.execution as Reward['details'] | undefined)?.outcome;
  return own as Outcome | undefined;
}

/** By how much a right answer beats the best wrong one. */
export function marginOf(scale: ExecutionScale): number {
  return scale.match - bestWrong(scale);
}

function bestWrong({ wrong, error, hardCoded, syntaxError, timeout, incomplete }: ExecutionScale): number {
  const others = [hardCoded, syntaxError, timeout, incomplete ?? undefined];
  return Math.max(wrong, error, ...others.filter((score) => score !== undefined));
}

export function refuseWrongOrder(scale: ExecutionScale): void {
  if (scale.match <= bestWrong(scale)) throw wrongOrder('execution scale', scale.match, bestWrong(scale));
}

/** `message`: the database's words, or in a word why. */
export function rewardOfOutcome(
  scale: ExecutionScale,
  outcome: Exclude<Outcome, 'unscorable'>,
  reason?: string,
  errorClass?: SqlErrorClass,
): Reward {
  const details = {
    outcome,
    ...(reason === undefined ? {} : { reason }),
    ...(errorClass === undefined ? {} : { errorClass }),
  };
  const score = scoreOf(scale, outcome, errorClass);
  if (score === null) return { score, components: {}, details };
  const isMatch = outcome === 'match';
  const runs = isMatch || ['wrong-rows', 'hard-coded', 'accident'].includes(outcome);
  return { score, components: { match: isMatch ? 1 : 0, executable: runs ? 1 : 0 }, details };
}

function scoreOf(
  scale: ExecutionScale,
  outcome: Exclude<Outcome, 'unscorable'>,
  errorClass: SqlErrorClass | undefined,
): number | null {
  switch (outcome) {
    case 'match':
      return scale.match;
    case 'wrong-rows':
    case 'accident':
      return scale.wrong;
    case 'hard-coded':
      return scale.hardCoded ?? scale.wrong;
    case 'incomplete':
      return scale.incomplete;
    case 'timeout':
      return scale.timeout ?? scale.error;
    case 'sql-error':
      return errorClass === 'syntax' ? (scale.syntaxError ?? scale.error) : scale.error;
    case 'refused':
    case 'out-of-memory':
    case 'no-query':
      return scale.error;
    default:
      throw outcome satisfies never;
  }
}
