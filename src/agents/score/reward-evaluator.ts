/**
 * Reward Evaluator: how good a candidate is, without gold. Validity and schema from the validator, what the format has against
 * it, what it returns, and how many candidates agree with that; picks the best and says why. Everything is counted in nats, so
 * that a doubt can be weighed against a probability. Agreement of candidates by what they return: Wang et al. 2022,
 * "self-consistency", arXiv 2203.11171; the weight of a result is the probability of the statements that return it.
 */
import { resultKey } from '../../database/comparison/result-key.ts';
import type { Execution } from '../../database/execution.ts';
import type { Draft } from '../generate/query-generator.ts';
import type { PipelineCandidate } from '../pipeline.ts';
import type { Validation } from '../validate/validator.ts';

export interface Judged {
  readonly draft: Draft;
  readonly validation: Validation | undefined;
  /** Undefined where it was not run. */
  readonly execution: Execution | undefined;
}

export interface Scored extends Judged {
  /** Higher is better; -Infinity for what nobody can use. */
  readonly score: number;
  /** Share of all weight that lies on the same result. */
  readonly agreement: number;
  /** Probability of all drawn statements that return the same. */
  readonly mass: number;
  readonly feedback: readonly string[];
}

export interface EvaluatorWeights {
  /** Nats against a statement that finds nothing, and against a single number that is 0. */
  readonly emptyNats: number;
  readonly zeroNats: number;
  /** Against each warning of the validator. */
  readonly warningNats: number;
  /** Of what the format has against a statement. */
  readonly doubtFactor: number;
}

/** Tried on the development questions of the demonstration (docs/pipeline.md). */
export const defaultWeights: EvaluatorWeights = {
  emptyNats: 3,
  zeroNats: 1.5,
  warningNats: 1,
  doubtFactor: 1,
};

const isEmpty = (rows: readonly (readonly unknown[])[]): boolean =>
  rows.every((row) => row.every((value) => value === null));

/** Nats against what a statement gave, and the words for it; null for what cannot be used. */
export function doubtOfResult(
  execution: Execution | undefined,
  weights: EvaluatorWeights = defaultWeights,
): { readonly nats: number; readonly words: string } | null {
  if (execution === undefined) return { nats: 0, words: 'not run' };
  switch (execution.outcome) {
    case 'rows': {
      const { rows, truncated } = execution;
      if (isEmpty(rows)) return { nats: weights.emptyNats, words: 'it returns nothing' };
      const isZero = rows.length === 1 && rows[0]!.length === 1 && rows[0]![0] === 0;
      if (isZero) return { nats: weights.zeroNats, words: 'it returns a single 0' };
      return { nats: 0, words: `it returns ${rows.length}${truncated ? '+' : ''} rows` };
    }
    case 'timeout':
      return { nats: weights.emptyNats, words: `it ran longer than ${execution.limitMs} ms` };
    case 'sql-error':
      return null;
    case 'refused':
    case 'out-of-memory':
      return null;
    default:
      throw execution satisfies never;
  }
}

/** What speaks against one candidate alone, in nats; null where it cannot be used. */
export function doubtOf(
  { draft, validation, execution }: Judged,
  weights: EvaluatorWeights = defaultWeights,
) {
  if (draft.sql === '' || validation?.isValid === false) return null;
  const result = doubtOfResult(execution, weights);
  if (result === null) return null;
  const warnings = validation?.issues.filter(({ severity }) => severity === 'warning').length ?? 0;
  return result.nats + weights.warningNats * warnings + weights.doubtFactor * draft.doubt;
}

/** Where no probability is known, each draw counts the same. */
function weightOf(draft: Draft, drawn: number): number {
  return draft.logprob === undefined ? 1 / Math.max(1, drawn) : Math.exp(draft.logprob);
}

/** Of equal statements the first; a statement drawn again adds nothing to its probability. */
function distinct(candidates: readonly Judged[]): Judged[] {
  const bySql = new Map<string, Judged>();
  for (const candidate of candidates) {
    const known = bySql.get(candidate.draft.sql);
    const isBetter = known?.draft.logprob === undefined && candidate.draft.logprob !== undefined;
    if (known === undefined) bySql.set(candidate.draft.sql, candidate);
    else if (isBetter) {
      const { logprob } = candidate.draft;
      bySql.set(candidate.draft.sql, { ...known, draft: { ...known.draft, logprob: logprob! } });
    }
  }
  return [...bySql.values()];
}

/** Best first; the candidates keep their order among equals, so that the greedy one wins a tie. */
export function evaluateCandidates(
  candidates: readonly Judged[],
  weights: EvaluatorWeights = defaultWeights,
): readonly Scored[] {
  const different = distinct(candidates);
  const masses = new Map<string, number>();
  const keys = different.map(({ draft, execution, validation }) => {
    const key = execution === undefined || validation?.isValid === false ? null : resultKey(execution);
    if (key !== null) masses.set(key, (masses.get(key) ?? 0) + weightOf(draft, candidates.length));
    return key;
  });
  const total = [...masses.values()].reduce((sum, mass) => sum + mass, 0);
  const scored = different.map((candidate, at): Scored => {
    const key = keys[at] ?? null;
    const mass = key === null ? weightOf(candidate.draft, candidates.length) : masses.get(key)!;
    const agreement = key === null || total === 0 ? 0 : masses.get(key)! / total;
    const doubt = doubtOf(candidate, weights);
    const score = doubt === null ? Number.NEGATIVE_INFINITY : Math.log(mass + 1e-12) - doubt;
    return { ...candidate, score, agreement, mass, feedback: feedbackOn(candidate, agreement, weights) };
  });
  return scored
    .map((candidate, at) => ({ candidate, at }))
    .sort((a, b) => compare(a, b))
    .map(({ candidate }) => candidate);
}

interface Placed {
  readonly candidate: Scored;
  readonly at: number;
}

function compare(a: Placed, b: Placed): number {
  if (a.candidate.score === b.candidate.score) {
    const logprob = ({ candidate }: Placed): number => candidate.draft.logprob ?? Number.NEGATIVE_INFINITY;
    return logprob(b) === logprob(a) ? a.at - b.at : logprob(b) - logprob(a);
  }
  return b.candidate.score - a.candidate.score;
}

/** What speaks for and against a candidate, for a person and for the next try of a model. */
function feedbackOn(
  { draft, validation, execution }: Judged,
  agreement: number,
  weights: EvaluatorWeights,
): string[] {
  if (draft.sql === '') return ['no whole statement was written'];
  const feedback = validation?.issues.map(({ message }) => message) ?? [];
  if (execution?.outcome === 'sql-error') feedback.push(execution.message);
  else feedback.push(doubtOfResult(execution, weights)?.words ?? 'it cannot be run');
  if (draft.doubt > 0) feedback.push('it leaves out or misuses a value of the question');
  if (agreement > 0) feedback.push(`${Math.round(100 * agreement)}% of what was drawn returns the same`);
  return feedback;
}

export function toPipelineCandidate(scored: Scored, isChosen: boolean): PipelineCandidate {
  const { draft, validation, execution, agreement, score, feedback } = scored;
  return {
    sql: draft.sql,
    ...(draft.logprob === undefined ? {} : { probability: Math.min(1, Math.exp(draft.logprob)) }),
    temperature: draft.temperature,
    isValid: draft.sql !== '' && validation?.isValid !== false,
    outcome: execution?.outcome ?? 'not-run',
    ...(execution?.outcome === 'rows' ? { rowCount: execution.rows.length } : {}),
    agreement,
    // JSON has no infinity.
    ...(Number.isFinite(score) ? { score } : {}),
    feedback,
    isChosen,
  };
}
