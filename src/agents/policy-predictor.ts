/**
 * A `Policy` with a `PromptFormat` as a `Predictor`: greedy, in batches, with the probability of the whole query as
 * confidence. Where something speaks against a greedy statement, a few samples are drawn and the best usable one is taken
 * (`best-candidate.ts`); without any, the predictor abstains with empty SQL.
 */
import type { Policy, SampleControl, SampledSequence, SampleRequest } from '../engine/policy.ts';
import type { PreparedPrompt, PromptFormat } from '../prompts/prompt-format.ts';
import { bestCandidates, type Inspect, logprobOf, statementOf } from './best-candidate.ts';
import type { Prediction, Predictor } from './predictor.ts';

export interface PolicyPredictorOptions {
  readonly name: string;
  readonly policy: Policy;
  readonly format: PromptFormat;
  readonly maxNewTokens?: number;
  /** Close the policy with the predictor; false where a training loop still owns it. */
  readonly ownsPolicy?: boolean;
  /** What the database says against statements; left out: nothing. */
  readonly inspect?: Inspect;
  /** Samples drawn for a question whose greedy statement is unusable or doubtful. Default 16; 0 = none. */
  readonly repairSamples?: number;
}

export function createPolicyPredictor(options: PolicyPredictorOptions): Predictor {
  const { name, policy, format, maxNewTokens = 256, ownsPolicy = true, repairSamples = 16 } = options;
  const repair = { maxNewTokens, samples: repairSamples, temperature: 1, minProbability: 0.003 };
  const draw =
    repairSamples < 2
      ? undefined
      : (prompts: readonly PreparedPrompt[]) => sampleFitting(policy, format, prompts, repair);
  return {
    name,
    predict: async (questions) => {
      if (questions.length === 0) return [];
      const startedAt = performance.now();
      const prompts = questions.map((question) => format.prepare(question));
      const greedy = await sampleFitting(policy, format, prompts, {
        maxNewTokens,
        samples: 1,
        temperature: 0,
      });
      const chosen = await bestCandidates({ format, inspect: options.inspect, draw }, prompts, greedy);
      // Wall time of the batch, shared out: what one question costs when asked together with the others.
      const latencyMs = (performance.now() - startedAt) / questions.length;
      return prompts.map((prompt, i) => toPrediction(format, prompt, chosen[i], latencyMs));
    },
    // As drawn: no repair, or the candidates would not be independent.
    sample: async (questions, { samples, temperature }) => {
      const startedAt = performance.now();
      const prompts = questions.map((question) => format.prepare(question));
      const groups = await sampleFitting(policy, format, prompts, { maxNewTokens, samples, temperature });
      const latencyMs = (performance.now() - startedAt) / Math.max(1, questions.length);
      return prompts.map((prompt, i) =>
        Array.from({ length: samples }, (_, n) => toPrediction(format, prompt, groups[i]?.[n], latencyMs)),
      );
    },
    close: async () => {
      if (ownsPolicy) await policy.close();
    },
  };
}

export interface Draw {
  readonly maxNewTokens: number;
  readonly samples: number;
  readonly temperature: number;
  readonly minProbability?: number;
  /** Default 0. */
  readonly seed?: number;
  /** `onToken` is told of the prompts by their place. */
  readonly control?: SampleControl;
}

/** Prompts that leave no room for an answer are not sampled; the others are, and the results keep their places. */
export async function sampleFitting(
  policy: Policy,
  format: PromptFormat,
  prompts: readonly PreparedPrompt[],
  { maxNewTokens, samples, temperature, minProbability, seed = 0, control = {} }: Draw,
): Promise<readonly (readonly SampledSequence[])[]> {
  const fitting = prompts.filter((prompt) => prompt.promptTokens.length < policy.maxLength);
  const { onToken } = control;
  const places = fitting.map((prompt) => prompts.indexOf(prompt));
  const told: SampleControl = {
    ...control,
    ...(onToken === undefined
      ? {}
      : { onToken: (prompt, sample, token) => onToken(places[prompt]!, sample, token) }),
  };
  if (fitting.length === 0) return prompts.map(() => []);
  const request: SampleRequest = {
    prompts: fitting.map((prompt) => prompt.promptTokens),
    samplesPerPrompt: samples,
    maxNewTokens,
    temperature,
    ...(minProbability === undefined ? {} : { minProbability }),
    stopTokens: format.stopTokens,
    seed,
    ...(format.minLogprob === undefined ? {} : { minLogprob: format.minLogprob }),
    ...(format.constraint === undefined ? {} : { constraint: format.constraint }),
  };
  const groups = await policy.sample(request, told);
  const sampled = new Map(fitting.map((prompt, i) => [prompt, groups[i] ?? []]));
  return prompts.map((prompt) => sampled.get(prompt) ?? []);
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
