/**
 * A `Policy` with a `PromptFormat` as a `Predictor`: greedy, in batches, with the probability of the whole query as
 * confidence. Where a greedy statement cannot be used (`areUsable`: it does not prepare, or names what does not exist),
 * a few samples are drawn and the likeliest usable one is taken; without any, the predictor abstains with empty SQL.
 */
import type { Policy, SampledSequence } from '../engine/policy.ts';
import type { PreparedPrompt, PromptFormat } from '../prompts/prompt-format.ts';
import type { Prediction, Predictor } from './predictor.ts';

export interface PolicyPredictorOptions {
  readonly name: string;
  readonly policy: Policy;
  readonly format: PromptFormat;
  readonly maxNewTokens?: number;
  /** Close the policy with the predictor; false where a training loop still owns it. */
  readonly ownsPolicy?: boolean;
  /** Which statements the database would accept, without running them; left out: all are. */
  readonly areUsable?: (statements: readonly string[]) => Promise<readonly boolean[]>;
  /** Samples drawn for a question whose greedy statement is not usable. Default 8; 0 = abstain at once. */
  readonly repairSamples?: number;
}

const repairTemperature = 0.7;

export function createPolicyPredictor(options: PolicyPredictorOptions): Predictor {
  const { name, policy, format, maxNewTokens = 256, ownsPolicy = true } = options;
  return {
    name,
    predict: async (questions) => {
      if (questions.length === 0) return [];
      const startedAt = performance.now();
      const prompts = questions.map((question) => format.prepare(question));
      const greedy = await sampleFitting(policy, format, prompts, { maxNewTokens, samples: 1 });
      const chosen = await usableOf(options, prompts, greedy, maxNewTokens);
      // Wall time of the batch, shared out: what one question costs when asked together with the others.
      const latencyMs = (performance.now() - startedAt) / questions.length;
      return prompts.map((prompt, i) => toPrediction(format, prompt, chosen[i], latencyMs));
    },
    close: async () => {
      if (ownsPolicy) await policy.close();
    },
  };
}

/** Prompts that leave no room for an answer are not sampled; the others are, and the results keep their places. */
async function sampleFitting(
  policy: Policy,
  format: PromptFormat,
  prompts: readonly PreparedPrompt[],
  { maxNewTokens, samples }: { readonly maxNewTokens: number; readonly samples: number },
): Promise<readonly (readonly SampledSequence[])[]> {
  const fitting = prompts.filter((prompt) => prompt.promptTokens.length < policy.maxLength);
  if (fitting.length === 0) return prompts.map(() => []);
  const groups = await policy.sample({
    prompts: fitting.map((prompt) => prompt.promptTokens),
    samplesPerPrompt: samples,
    maxNewTokens,
    temperature: samples === 1 ? 0 : repairTemperature,
    ...(samples === 1 ? {} : { minProbability: 0.003 }),
    stopTokens: format.stopTokens,
    seed: 0,
    ...(format.constraint === undefined ? {} : { constraint: format.constraint }),
  });
  const sampled = new Map(fitting.map((prompt, i) => [prompt, groups[i] ?? []]));
  return prompts.map((prompt) => sampled.get(prompt) ?? []);
}

function logprobOf(sequence: SampledSequence): number {
  return sequence.policyLogprobs.reduce((sum, value) => sum + value, 0);
}

/** The SQL of a whole completion, empty for half of one. */
function statementOf(format: PromptFormat, prompt: PreparedPrompt, sequence: SampledSequence): string {
  const completion = format.parseCompletion(sequence.tokens, prompt);
  return completion.isComplete && sequence.stopReason === 'stop' ? completion.sql : '';
}

/** For each prompt its greedy sequence if usable, else the likeliest usable sample, else nothing. */
async function usableOf(
  options: PolicyPredictorOptions,
  prompts: readonly PreparedPrompt[],
  greedy: readonly (readonly SampledSequence[])[],
  maxNewTokens: number,
): Promise<readonly (SampledSequence | undefined)[]> {
  const { policy, format, areUsable, repairSamples = 8 } = options;
  const first = greedy.map((group) => group[0]);
  if (areUsable === undefined) return first;
  const usable = await areUsable(
    first.map((sequence, i) => (sequence ? statementOf(format, prompts[i]!, sequence) : '')),
  );
  const failed = prompts.flatMap((_, i) => (usable[i] === true ? [] : [i]));
  const chosen = first.map((sequence, i) => (usable[i] === true ? sequence : undefined));
  if (failed.length === 0 || repairSamples < 2) return chosen;
  const retried = await sampleFitting(
    policy,
    format,
    failed.map((i) => prompts[i]!),
    { maxNewTokens, samples: repairSamples },
  );
  const candidates = failed.flatMap((at, n) => retried[n]!.map((sequence) => ({ at, sequence })));
  const fits = await areUsable(
    candidates.map(({ at, sequence }) => statementOf(format, prompts[at]!, sequence)),
  );
  candidates.forEach(({ at, sequence }, n) => {
    const best = chosen[at];
    if (fits[n] === true && (best === undefined || logprobOf(sequence) > logprobOf(best)))
      chosen[at] = sequence;
  });
  return chosen;
}

function toPrediction(
  format: PromptFormat,
  prompt: PreparedPrompt,
  sequence: SampledSequence | undefined,
  latencyMs: number,
): Prediction {
  if (sequence === undefined) return { sql: '', confidence: 0, latencyMs, tokens: 0 };
  const completion = format.parseCompletion(sequence.tokens, prompt);
  return {
    sql: statementOf(format, prompt, sequence),
    ...(completion.reasoning === undefined ? {} : { reasoning: completion.reasoning }),
    confidence: Math.min(1, Math.exp(logprobOf(sequence))),
    latencyMs,
    tokens: sequence.tokens.length,
  };
}
