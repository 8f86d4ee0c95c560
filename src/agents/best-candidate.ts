/**
 * Chooses what to answer: the greedy statement where nothing speaks against it, else the best of it and some samples.
 * What speaks against a statement is counted in nats and taken off its log-probability: misused values of the question
 * (`PromptFormat.doubtOf`) and what the database says (`inspect`: names that do not exist, an empty result). It knows no
 * gold answers. Choosing among samples by what they return when they are run: Wang et al. 2018, arXiv 1807.03100.
 */
import type { SampledSequence } from '../engine/policy.ts';
import type { PreparedPrompt, PromptFormat } from '../prompts/prompt-format.ts';

/** For each statement how much speaks against it, in nats; null where it cannot be used at all. */
export type Inspect = (statements: readonly string[]) => Promise<readonly (number | null)[]>;

export interface ChoiceOptions {
  readonly format: PromptFormat;
  readonly inspect?: Inspect | undefined;
  /** Samples of these prompts, one group each; left out: only the greedy statement can be chosen. */
  readonly draw?: ((prompts: readonly PreparedPrompt[]) => Promise<Groups>) | undefined;
}

export type Groups = readonly (readonly SampledSequence[])[];

interface Candidate {
  readonly at: number;
  readonly sequence: SampledSequence;
}

interface Scored extends Candidate {
  readonly score: number;
}

/** A greedy statement at least so probable is not doubted for its probability. */
const confidentFrom = 0.3;

export function logprobOf(sequence: SampledSequence): number {
  return sequence.policyLogprobs.reduce((sum, value) => sum + value, 0);
}

/** The SQL of a whole completion, empty for half of one. */
export function statementOf(format: PromptFormat, prompt: PreparedPrompt, sequence: SampledSequence): string {
  const completion = format.parseCompletion(sequence.tokens, prompt);
  return completion.isComplete && sequence.stopReason === 'stop' ? completion.sql : '';
}

/** What speaks against each candidate, in nats; null for one that cannot be used. Equal statements are inspected once. */
async function doubtsOf(
  { format, inspect }: ChoiceOptions,
  prompts: readonly PreparedPrompt[],
  candidates: readonly Candidate[],
): Promise<readonly (number | null)[]> {
  const statements = candidates.map(({ at, sequence }) => statementOf(format, prompts[at]!, sequence));
  const distinct = [...new Set(statements)];
  const inspected = (await inspect?.(distinct)) ?? distinct.map(() => 0);
  const byStatement = new Map(distinct.map((statement, i) => [statement, inspected[i] ?? null]));
  return candidates.map(({ at, sequence }, i) => {
    const known = byStatement.get(statements[i]!) ?? null;
    return known === null ? null : known + (format.doubtOf?.(sequence.tokens, prompts[at]!) ?? 0);
  });
}

/** One a prompt, in order; undefined where no candidate can be used. `greedy`: one sequence a prompt, or none. */
export async function bestCandidates(
  options: ChoiceOptions,
  prompts: readonly PreparedPrompt[],
  greedy: Groups,
): Promise<readonly (SampledSequence | undefined)[]> {
  const best = new Map<number, Scored>();
  const settled = new Set<number>();
  const consider = async (candidates: readonly Candidate[]): Promise<void> => {
    const doubts = await doubtsOf(options, prompts, candidates);
    candidates.forEach((candidate, i) => {
      const doubt = doubts[i] ?? null;
      if (doubt === null) return;
      const score = logprobOf(candidate.sequence) - doubt;
      if (doubt === 0 && Math.exp(score) >= confidentFrom) settled.add(candidate.at);
      if (score > (best.get(candidate.at)?.score ?? -Infinity))
        best.set(candidate.at, { ...candidate, score });
    });
  };

  await consider(greedy.flatMap((group, at) => group.slice(0, 1).map((sequence) => ({ at, sequence }))));
  const doubtful = prompts.map((_, at) => at).filter((at) => !settled.has(at));
  if (doubtful.length > 0 && options.draw !== undefined) {
    const drawn = await options.draw(doubtful.map((at) => prompts[at]!));
    await consider(doubtful.flatMap((at, n) => drawn[n]!.map((sequence) => ({ at, sequence }))));
  }
  return prompts.map((_, at) => best.get(at)?.sequence);
}
