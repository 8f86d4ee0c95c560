/**
 * Runs a predictor over a set of examples and judges every answer. It knows questions, statements and verdicts; it does
 * not know which model answers or how the database is opened.
 */

import type { Predictor } from '../agents/predictor.ts';
import type { Example } from '../data/example.ts';
import { sqlFeatures } from '../data/sql-features.ts';
import { QuerentError } from '../foundation/errors.ts';
import { ignoreEvents, type Observe } from '../foundation/events.ts';
import type { RewardFunction } from '../rewards/reward.ts';
import { identifierUse } from '../schema/identifiers.ts';
import type { Schema } from '../schema/schema.ts';
import { loadParser } from '../schema/syntax/parser.ts';
import { isExactMatch } from './exact-match.ts';
import type { SetJournal } from './journal.ts';
import { type BatchOptions, type CandidateOptions, hasGreedy, judgedBatch } from './judged-batch.ts';
import { type CandidateSource, sourceOf } from './predictors/candidate-source.ts';
import { type PassAtK, passAtK, type SampledItem } from './selection/pass-at-k.ts';
import { type Candidate, select } from './selection/select.ts';
import { type Summary, summarize } from './summary.ts';
import type { Judge } from './verdict.ts';

export interface EvaluationOptions {
  readonly predictor: Predictor | CandidateSource;
  /** Name of the set in events and reports. */
  readonly set: string;
  readonly examples: readonly Example[];
  readonly judge: Judge;
  readonly schema: Schema;
  /** "text" may be a string, as in Spider and BIRD: then it is no invented column. Default false. */
  readonly doubleQuotedStrings?: boolean;
  /** Adds reward, success rate and perfect rate. */
  readonly reward?: RewardFunction;
  /** Default: one greedy answer. */
  readonly candidates?: CandidateOptions;
  /** For `select: 'vote'`: what each statement gave, as a key. */
  readonly resultKeysOf?: BatchOptions['resultKeysOf'];
  /** pass@k of the drawn candidates for these k. */
  readonly passAt?: readonly number[];
  /** What was answered before is not asked again, and what is answered is kept. */
  readonly journal?: SetJournal;
  /** Training stage in whose name the events go out. */
  readonly stage?: string;
  readonly step?: number;
  readonly batchSize?: number;
  /** Batches at the same time: for predictors that wait for others. Default 1. */
  readonly parallel?: number;
  readonly observe?: Observe;
  readonly signal?: AbortSignal;
}

export interface Evaluation {
  readonly set: string;
  readonly predictor: string;
  readonly items: readonly SampledItem[];
  readonly summary: Summary;
  readonly passAt?: readonly PassAtK[];
}

const validOutcomes: ReadonlySet<string> = new Set(['match', 'mismatch']);
const oneGreedy: CandidateOptions = { samples: 1, temperature: 0, select: 'greedy' };

export async function evaluateSet(options: EvaluationOptions): Promise<Evaluation> {
  const { predictor, set, observe = ignoreEvents, stage = 'evaluate', passAt = [] } = options;
  await loadParser();
  const items = await evaluateAll(options);
  const evaluation = evaluationOf(set, predictor.name, items, passAt);
  const metrics = metricsOf(evaluation.summary);
  observe({ type: 'evaluation-end', stage, set, step: options.step ?? 0, metrics });
  return evaluation;
}

export function evaluationOf(
  set: string,
  predictor: string,
  items: readonly SampledItem[],
  ks: readonly number[] = [],
): Evaluation {
  const passAt = passAtK(items, ks);
  return { set, predictor, items, summary: summarize(items), ...(passAt.length === 0 ? {} : { passAt }) };
}

/** Batches have fixed places, so that a continued evaluation asks the same ones; each worker takes the next. */
async function evaluateAll(options: EvaluationOptions): Promise<SampledItem[]> {
  const { examples, predictor, set, observe = ignoreEvents, stage = 'evaluate', batchSize = 64 } = options;
  const { candidates = oneGreedy, parallel = 1 } = options;
  const source = 'propose' in predictor ? predictor : sourceOf(predictor);
  const items: SampledItem[] = Array.from({ length: examples.length });
  let next = 0;
  let done = 0;
  let isFailed = false;
  const work = async (): Promise<void> => {
    while (next < examples.length && !isFailed) {
      const start = next;
      next += batchSize;
      refuseIfAborted(options.signal, set);
      const batch = examples.slice(start, start + batchSize);
      const judged = await judgedBatch({ ...options, source, candidates }, batch);
      batch.forEach((example, at) => {
        items[start + at] = itemResult(example, judged[at]!, candidates, options);
      });
      done += batch.length;
      observe({ type: 'progress', stage, label: `evaluate ${set}`, done, total: examples.length });
    }
  };
  // One failure stops the others after what they are at, so that nothing is asked behind the caller's back.
  const outcomes = await Promise.allSettled(
    Array.from({ length: parallel }, () =>
      work().catch((thrown: unknown) => {
        isFailed = true;
        throw thrown;
      }),
    ),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return items;
}

/** The figures that curves and live lines show. */
export function metricsOf(summary: Summary): Readonly<Record<string, number>> {
  return {
    ex: summary.ex.share,
    em: summary.em.share,
    validity: summary.validity.share,
    inventedIdentifiers: summary.inventedIdentifiers,
    items: summary.ex.total,
  };
}

function itemResult(
  example: Example,
  judged: readonly Candidate[],
  candidates: CandidateOptions,
  { schema, doubleQuotedStrings = false }: EvaluationOptions,
): SampledItem {
  const { prediction, verdict, reward } = select(judged, candidates.select);
  const { tables, invented } = identifierUse(prediction.sql, schema, { doubleQuotedStrings });
  const drawn = candidates.samples === 1 ? [] : judged.slice(hasGreedy(candidates) ? 1 : 0);
  const right = drawn.filter((candidate) => candidate.verdict.outcome === 'match').length;
  return {
    example,
    predictedSql: prediction.sql,
    ...(prediction.reasoning === undefined ? {} : { reasoning: prediction.reasoning }),
    verdict,
    isExactMatch: isExactMatch(prediction.sql, example.sql),
    isValid: validOutcomes.has(verdict.outcome),
    tables,
    inventedIdentifiers: invented,
    confidence: prediction.confidence,
    latencyMs: prediction.latencyMs,
    ...(prediction.tokens === undefined ? {} : { tokens: prediction.tokens }),
    ...(reward === undefined ? {} : { reward }),
    ...(drawn.length === 0 ? {} : { samples: { drawn: drawn.length, right } }),
    features: sqlFeatures(example.sql),
  };
}

export function refuseIfAborted(signal: AbortSignal | undefined, set: string): void {
  if (signal?.aborted !== true) return;
  throw new QuerentError('evaluation/interrupted', `while evaluating ${set}`, {
    next: 'Run the command again.',
  });
}
