/**
 * Confidence: how often answers like this one are right. A few features of the candidates, weighed by what was learnt on
 * questions that the model was not trained on; the result lies beside the model as `confidence.json`. Without it the
 * probability of the statement is all there is, and that is said.
 */
import { z } from 'zod';
import { parseConfig } from '../../foundation/config.ts';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { readTextFile } from '../../foundation/files.ts';
import type { Scored } from '../score/reward-evaluator.ts';
import { fitLogistic, type Labelled, predictLogistic } from './logistic.ts';

export const confidenceFile = 'confidence.json';

/** In the order of the weights. All are bounded, so that no outlier decides alone. */
export const confidenceFeatures = [
  'probability',
  'mass',
  'agreement',
  'doubt',
  'empty',
  'length',
  'unknown',
] as const;

export const confidenceMapSchema = z.strictObject({
  formatVersion: z.literal(1),
  features: z.array(z.string()),
  bias: z.number(),
  weights: z.array(z.number()),
  /** On what it was learnt, and what it was worth there and on questions that it has not seen. */
  fittedOn: z.strictObject({ sets: z.array(z.string()), questions: z.int() }),
  ece: z.strictObject({ before: z.number(), after: z.number() }).optional(),
});
export type ConfidenceMap = z.output<typeof confidenceMapSchema>;

export interface Confidence {
  /** In [0, 1]. */
  readonly value: number;
  /** Before the calibration: the probability of the statement. */
  readonly raw: number;
  readonly reason: string;
  /** In the order of `confidenceFeatures`; empty where there is no usable statement. */
  readonly features: readonly number[];
}

export const nothingToTrust = (reason: string): Confidence => ({ value: 0, raw: 0, reason, features: [] });

/** Few questions and seven weights: they are pulled towards what follows. */
const RIDGE = 2;

/**
 * What speaks against an answer where no question of the fit can tell: a result of nothing, a word that nobody knows. One
 * log-odds each, by choice and not by measurement; the others start at 0.
 */
const PRIOR = confidenceFeatures.map((name) => (name === 'empty' || name === 'unknown' ? -1 : 0));

const logitOf = (p: number): number => {
  const bounded = Math.min(0.995, Math.max(0.005, p));
  return Math.log(bounded / (1 - bounded));
};

export interface ConfidenceInput {
  readonly best: Scored;
  /** Words of the question that nothing knows. */
  readonly unknownWords: number;
}

export function featuresOf({ best, unknownWords }: ConfidenceInput): number[] {
  const { draft, mass, agreement, validation, execution } = best;
  const isEmpty =
    execution?.outcome !== 'rows' || execution.rows.every((row) => row.every((value) => value === null));
  const warnings = validation?.issues.filter(({ severity }) => severity === 'warning').length ?? 0;
  return [
    logitOf(Math.exp(draft.logprob ?? Math.log(mass + 1e-9))),
    logitOf(mass),
    agreement,
    Math.min(2, draft.doubt) + Math.min(2, warnings),
    Number(isEmpty),
    Math.min(3, draft.tokens / 30),
    Math.min(3, unknownWords),
  ];
}

/** What pulls most in the direction of the verdict, as a sentence. */
function reasonOf({ best, unknownWords }: ConfidenceInput, value: number): string {
  const { draft, agreement, execution, validation } = best;
  const share = Math.round(100 * agreement);
  const against: string[] = [];
  if (unknownWords > 0)
    against.push(
      `${unknownWords === 1 ? 'a word' : `${unknownWords} words`} of the question could not be placed`,
    );
  if (draft.doubt > 0) against.push('a value of the question is left out or used twice');
  if (validation?.issues.some(({ severity }) => severity === 'warning') === true)
    against.push('the validator has doubts');
  if (execution?.outcome === 'rows' && execution.rows.length === 0) against.push('it finds nothing');
  if (agreement < 0.7) against.push(`only ${share}% of the model's weight lies on this result`);
  if (value >= 0.8 && against.length === 0) return `${share}% of the model's weight lies on this result`;
  return against.length === 0 ? 'such answers are not always right' : against.join('; ');
}

export function confidenceOf(input: ConfidenceInput, map: ConfidenceMap | undefined): Confidence {
  if (input.best.draft.sql === '' || input.best.score === Number.NEGATIVE_INFINITY)
    return nothingToTrust('no usable statement was found');
  const raw = Math.min(1, Math.exp(input.best.draft.logprob ?? Math.log(input.best.mass + 1e-9)));
  const features = featuresOf(input);
  const value = map === undefined ? raw : predictLogistic(map, features);
  return { value, raw, reason: reasonOf(input, value), features };
}

/** What was answered and whether it was right, on questions that the model was not trained on. */
export function fitConfidence(judged: readonly Labelled[], sets: readonly string[]): ConfidenceMap {
  const { bias, weights } = fitLogistic(judged, RIDGE, PRIOR);
  const round = (value: number): number => Number(value.toFixed(5));
  return {
    formatVersion: 1,
    features: [...confidenceFeatures],
    bias: round(bias),
    weights: weights.map(round),
    fittedOn: { sets: [...sets], questions: judged.length },
  };
}

export function parseConfidenceMap(text: string, source: string): ConfidenceMap {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    throw new QuerentError('agents/bad-confidence', `${source} is not JSON: ${messageOf(thrown)}`, {
      next: 'Delete the file, or make it anew (docs/pipeline.md says how).',
      cause: thrown,
    });
  }
  const map = parseConfig(confidenceMapSchema, json, source) as ConfidenceMap;
  if (map.features.join() === confidenceFeatures.join() && map.weights.length === confidenceFeatures.length)
    return map;
  throw new QuerentError(
    'agents/bad-confidence',
    `${source} was made for the features ${map.features.join(', ')}, expected ${confidenceFeatures.join(', ')}`,
    { next: 'Make it anew (docs/pipeline.md says how).' },
  );
}

export async function loadConfidenceMap(path: string): Promise<ConfidenceMap> {
  return parseConfidenceMap(await readTextFile(path, 'calibration'), path);
}
