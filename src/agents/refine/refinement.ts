/**
 * Refinement: a best candidate that fails or finds nothing is shown to the generator with the reason, and tried again, at most
 * N turns. A model whose prompt has no place for a reason draws other statements instead. What comes out replaces the first
 * answer only where the evaluator prefers it, so the result is never worse by its measure. Knows no model and no database:
 * both are handed in.
 */
import type { Draft } from '../generate/query-generator.ts';
import type { Scored } from '../score/reward-evaluator.ts';

export interface RefinementParts {
  /** Drafts written in the knowledge of what was wrong; `turn` from 1. */
  readonly rewrite: (
    failed: { readonly sql: string; readonly message: string },
    turn: number,
  ) => Promise<readonly Draft[]>;
  /** All candidates so far with the new ones, best first. */
  readonly judge: (drafts: readonly Draft[]) => Promise<readonly Scored[]>;
}

export interface Refined {
  readonly candidates: readonly Scored[];
  readonly turns: number;
  /** A later turn gave the answer. */
  readonly isChanged: boolean;
}

/** Why a candidate should not stay; undefined where it may. */
export function complaintOf(best: Scored | undefined): string | undefined {
  if (best === undefined || best.draft.sql === '') return 'no statement was written';
  const error = best.validation?.issues.find(({ severity }) => severity === 'error');
  if (error !== undefined) return error.message;
  const { execution } = best;
  if (execution === undefined) return undefined;
  switch (execution.outcome) {
    case 'rows':
      return execution.rows.every((row) => row.every((value) => value === null))
        ? 'the statement runs but returns no rows: check the conditions and the values'
        : undefined;
    case 'sql-error':
      return execution.message;
    case 'timeout':
      return `the statement ran longer than ${execution.limitMs} ms`;
    case 'refused':
      return `refused: ${execution.reason}`;
    case 'out-of-memory':
      return 'the statement needs more memory than is allowed';
    default:
      throw execution satisfies never;
  }
}

export async function refine(
  first: readonly Scored[],
  turnsMax: number,
  { rewrite, judge }: RefinementParts,
): Promise<Refined> {
  let candidates = first;
  let turns = 0;
  while (turns < turnsMax) {
    const best = candidates[0];
    const message = complaintOf(best);
    if (message === undefined) break;
    turns += 1;
    const tried = new Set(candidates.map(({ draft }) => draft.sql));
    const drafts = (await rewrite({ sql: best?.draft.sql ?? '', message }, turns)).filter(
      ({ sql }) => sql !== '' && !tried.has(sql),
    );
    // The same again: further turns would bring the same.
    if (drafts.length === 0) break;
    candidates = await judge(drafts);
  }
  return { candidates, turns, isChanged: candidates[0]?.draft.sql !== first[0]?.draft.sql };
}
