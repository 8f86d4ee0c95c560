/**
 * One batch of questions: answers from the source and verdicts from the judge, each from the journal where it has them,
 * and into it as they come. Knows nothing of summaries.
 */

import type { Prediction } from '../agents/predictor.ts';
import type { Example } from '../data/example.ts';
import { QuerentError } from '../foundation/errors.ts';
import type { RewardFunction } from '../rewards/reward.ts';
import type { JudgedAnswers, SetJournal } from './journal.ts';
import { askOf, type CandidateSource, greedy } from './predictors/candidate-source.ts';
import type { Candidate, Selection } from './selection/select.ts';
import type { Judge } from './verdict.ts';

export interface CandidateOptions {
  readonly samples: number;
  readonly temperature: number;
  readonly select: Selection;
}

export interface BatchOptions {
  readonly source: CandidateSource;
  readonly judge: Judge;
  readonly candidates: CandidateOptions;
  readonly reward?: RewardFunction;
  /** For a vote: what each statement gave, as a key. */
  readonly resultKeysOf?: (statements: readonly string[]) => Promise<readonly (string | null)[]>;
  readonly journal?: SetJournal;
}

/** The greedy answer, where it is wanted, stands before the drawn ones: they alone count for pass@k. */
export const hasGreedy = ({ samples, select }: CandidateOptions): boolean =>
  samples === 1 || select === 'greedy';

async function propose(
  { source, candidates }: BatchOptions,
  batch: readonly Example[],
): Promise<readonly (readonly Prediction[])[]> {
  const { samples, temperature } = candidates;
  const asks = batch.map(askOf);
  const first = hasGreedy(candidates) ? await source.propose(asks, greedy) : asks.map(() => []);
  const drawn = samples === 1 ? asks.map(() => []) : await source.propose(asks, { samples, temperature });
  const answers = asks.map((_, at) => [...(first[at] ?? []), ...(drawn[at] ?? [])]);
  const expected = (hasGreedy(candidates) ? 1 : 0) + (samples === 1 ? 0 : samples);
  const count = answers.filter(({ length }) => length === expected).length;
  if (count < batch.length || first.length !== batch.length || drawn.length !== batch.length) {
    throw new QuerentError(
      'evaluation/predictions-missing',
      `${source.name} gave ${Math.min(count, first.length, drawn.length)} predictions for ${batch.length} questions`,
      { next: 'A predictor must answer every question, with an empty statement where it has none.' },
    );
  }
  return answers;
}

/** A batch of which something is missing is asked whole: what a model answers may depend on its neighbours. */
async function answersOf(
  options: BatchOptions,
  batch: readonly Example[],
): Promise<readonly (readonly Prediction[])[]> {
  const { journal } = options;
  const known = batch.map((example) => journal?.answersOf(example));
  if (known.every((answers) => answers !== undefined)) return known;
  const answers = await propose(options, batch);
  return batch.map((example, at) => {
    const before = known[at];
    if (before === undefined) journal?.recordAnswers(example, answers[at]!);
    return before ?? answers[at]!;
  });
}

function isEnough(judged: JudgedAnswers | undefined, options: BatchOptions): judged is JudgedAnswers {
  if (judged === undefined) return false;
  const isReward = options.reward === undefined || judged.rewards !== undefined;
  return isReward && (options.resultKeysOf === undefined || judged.resultKeys !== undefined);
}

async function judgeAll(
  { judge, reward, resultKeysOf }: BatchOptions,
  batch: readonly Example[],
  answers: readonly (readonly Prediction[])[],
): Promise<JudgedAnswers[]> {
  const flat = batch.flatMap((example, at) => answers[at]!.map(({ sql }) => ({ example, sql })));
  const verdicts = await judge(flat.map(({ example, sql }) => ({ gold: example.sql, predicted: sql })));
  const scored = await reward?.score(
    flat.map(({ example, sql }) => ({ example, completion: { sql, isComplete: true } })),
  );
  const keys = await resultKeysOf?.(flat.map(({ sql }) => sql));
  let start = 0;
  return answers.map(({ length }) => {
    const [from, to] = [start, start + length];
    start = to;
    return {
      verdicts: verdicts.slice(from, to),
      ...(scored === undefined ? {} : { rewards: scored.slice(from, to).map(({ score }) => score) }),
      ...(keys === undefined ? {} : { resultKeys: keys.slice(from, to) }),
    };
  });
}

/** The candidates of each question of the batch, with all that is known of them. */
export async function judgedBatch(options: BatchOptions, batch: readonly Example[]): Promise<Candidate[][]> {
  const { journal } = options;
  const answers = await answersOf(options, batch);
  const known = batch.map((example) => journal?.judgedOf(example));
  const open = batch.flatMap((_, at) => (isEnough(known[at], options) ? [] : [at]));
  const found = await judgeAll(
    options,
    open.map((at) => batch[at]!),
    open.map((at) => answers[at]!),
  );
  const judged = new Map(open.map((at, n) => [at, found[n]!]));
  for (const [at, its] of judged) journal?.recordJudged(batch[at]!, its);
  return answers.map((predictions, at) => {
    const { verdicts, rewards, resultKeys } = judged.get(at) ?? known[at]!;
    return predictions.map((prediction, n) => ({
      prediction,
      verdict: verdicts[n]!,
      ...(rewards === undefined ? {} : { reward: rewards[n]! }),
      ...(resultKeys === undefined ? {} : { resultKey: resultKeys[n]! }),
    }));
  });
}
