/**
 * Which of several candidates is the answer. Knows candidates with what is known of them; `vote` uses nothing but what they
 * return, `best` uses the reward, which looks at the gold query – a bound for every selection, not what a user would get.
 */
import type { Prediction } from '../../agents/predictor.ts';
import type { Verdict } from '../verdict.ts';

export const SELECTIONS = ['greedy', 'vote', 'best'] as const;
export type Selection = (typeof SELECTIONS)[number];

export interface Candidate {
  readonly prediction: Prediction;
  readonly verdict: Verdict;
  readonly reward?: number | null;
  /** Of what it returned (see database/comparison/result-key.ts); null where it returned nothing. */
  readonly resultKey?: string | null;
}

/** The largest group of equal results; of equally large ones, that of the earlier candidate. */
function voted(candidates: readonly Candidate[]): Candidate {
  const votes = new Map<string, number>();
  for (const { resultKey } of candidates)
    if (typeof resultKey === 'string') votes.set(resultKey, (votes.get(resultKey) ?? 0) + 1);
  const most = Math.max(0, ...votes.values());
  return (
    candidates.find(({ resultKey }) => typeof resultKey === 'string' && votes.get(resultKey) === most) ??
    candidates[0]!
  );
}

function best(candidates: readonly Candidate[]): Candidate {
  const rewardOf = ({ reward }: Candidate): number => reward ?? Number.NEGATIVE_INFINITY;
  return candidates.reduce((first, candidate) => (rewardOf(candidate) > rewardOf(first) ? candidate : first));
}

/** `greedy`: the first, which is where the greedy answer stands. */
export function select(candidates: readonly Candidate[], by: Selection): Candidate {
  switch (by) {
    case 'greedy':
      return candidates[0]!;
    case 'vote':
      return voted(candidates);
    case 'best':
      return best(candidates);
    default:
      throw by satisfies never;
  }
}
