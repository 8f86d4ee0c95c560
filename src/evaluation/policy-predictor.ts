/** A `Policy` with a `PromptFormat` as a `Predictor`: greedy, in batches, with the probability of the whole query as confidence. */
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
}

export function createPolicyPredictor(options: PolicyPredictorOptions): Predictor {
  const { name, policy, format, maxNewTokens = 256, ownsPolicy = true } = options;
  return {
    name,
    predict: async (questions) => {
      if (questions.length === 0) return [];
      const startedAt = performance.now();
      const prompts = questions.map((question) => format.prepare(question));
      const groups = await sampleFitting(policy, format, prompts, maxNewTokens);
      // Wall time of the batch, shared out: what one question costs when asked together with the others.
      const latencyMs = (performance.now() - startedAt) / questions.length;
      return prompts.map((prompt, i) => toPrediction(format, prompt, groups[i], latencyMs));
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
  maxNewTokens: number,
): Promise<readonly (SampledSequence | undefined)[]> {
  const fitting = prompts.filter((prompt) => prompt.promptTokens.length < policy.maxLength);
  if (fitting.length === 0) return prompts.map(() => undefined);
  const groups = await policy.sample({
    prompts: fitting.map((prompt) => prompt.promptTokens),
    samplesPerPrompt: 1,
    maxNewTokens,
    temperature: 0,
    stopTokens: format.stopTokens,
    seed: 0,
    ...(format.constraint === undefined ? {} : { constraint: format.constraint }),
  });
  const sampled = new Map(fitting.map((prompt, i) => [prompt, groups[i]?.[0]]));
  return prompts.map((prompt) => sampled.get(prompt));
}

function toPrediction(
  format: PromptFormat,
  prompt: PreparedPrompt,
  sequence: SampledSequence | undefined,
  latencyMs: number,
): Prediction {
  if (sequence === undefined) return { sql: '', confidence: 0, latencyMs, tokens: 0 };
  const completion = format.parseCompletion(sequence.tokens, prompt);
  const isComplete = completion.isComplete && sequence.stopReason === 'stop';
  let logprob = 0;
  for (const value of sequence.policyLogprobs) logprob += value;
  return {
    sql: isComplete ? completion.sql : '',
    ...(completion.reasoning === undefined ? {} : { reasoning: completion.reasoning }),
    confidence: Math.min(1, Math.exp(logprob)),
    latencyMs,
    tokens: sequence.tokens.length,
  };
}
