/**
 * GRPO (DeepSeekMath, arXiv 2402.03300): sample groups, score them by execution, push the policy towards what was better
 * than its group. It knows `Policy`, `PromptFormat` and `RewardFunction`; it does not know the engine or SQL.
 *
 * Which log-probability is which: `SampledSequence.logprobs` belongs to the distribution a token was drawn from (after
 * floor and mask), `policyLogprobs` to softmax(logits / temperature). The loss takes ratios to the latter, because that is
 * what it can differentiate: the ratio is then 1 before the first update and the clip bounds mean what they say. The
 * difference between the two goes into the truncated importance weights (policy-loss.ts).
 */
import type { Example } from '../data/example.ts';
import type { Policy, SampledSequence } from '../engine/policy.ts';
import { parseConfig } from '../foundation/config.ts';
import { ignoreEvents, type Metrics, type Observe } from '../foundation/events.ts';
import type { PromptFormat } from '../prompts/prompt-format.ts';
import type { RewardFunction } from '../rewards/reward.ts';
import { groupAdvantages } from './advantages.ts';
import { runPaths, savePolicy } from './checkpoint.ts';
import { type ExampleStream, epochStream } from './example-stream.ts';
import { type GrpoConfig, type GrpoConfigInput, grpoConfigSchema } from './grpo-config.ts';
import { rolloutMetrics } from './grpo-metrics.ts';
import { scoreSequences, trainingSequences, updatePolicy } from './policy-update.ts';
import { createReplay, type Replay } from './replay.ts';
import { collectRollouts, type SampledGroup, scoresOf } from './rollouts.ts';
import {
  type RunOptions,
  runTraining,
  type StepContext,
  type StepOutcome,
  type TrainingResult,
} from './training-run.ts';

export interface GrpoOptions extends RunOptions {
  readonly policy: Policy;
  readonly format: PromptFormat;
  readonly reward: RewardFunction;
  readonly examples: readonly Example[] | ExampleStream;
  /** Gold examples for `replayExamples`. */
  readonly replay?: readonly Example[] | undefined;
  readonly config?: GrpoConfigInput | undefined;
  /** Metrics for the validation, for example `{ ex }`; `bestMetric` names the one that decides. */
  readonly evaluate?: ((policy: Policy, step: number) => Promise<Metrics>) | undefined;
}

interface Grpo {
  readonly policy: Policy;
  readonly format: PromptFormat;
  readonly reward: RewardFunction;
  readonly stream: ExampleStream;
  readonly replay: Replay | undefined;
  readonly config: GrpoConfig;
  readonly observe: Observe;
}

/** Mean difference of log-probabilities above which the first step warns; other kernels alone stay far below. */
const suspiciousMismatch = 0.02;
const defaultSteps = 100;

export async function trainGrpo(options: GrpoOptions): Promise<TrainingResult> {
  const config = parseConfig(grpoConfigSchema, options.config ?? {}, 'GRPO configuration');
  const { policy, format, reward, examples, evaluate } = options;
  const stream = 'next' in examples ? examples : epochStream(examples, config.seed);
  const observe = options.observe ?? ignoreEvents;
  const replay = createReplay(policy, format, options.replay ?? [], config);
  const grpo: Grpo = { policy, format, reward, stream, replay, config, observe };
  const validate =
    evaluate === undefined
      ? {}
      : { validate: async (step: number) => [{ set: 'evaluation', metrics: await evaluate(policy, step) }] };
  return runTraining(
    {
      stage: 'grpo',
      policy,
      config,
      maxSteps: config.maxSteps ?? (config.maxSeconds === undefined ? defaultSteps : undefined),
      stream,
      best: { metric: config.bestMetric, higherIsBetter: true },
      prepare: (runDirectory, isResumed) => prepareReference(grpo, runDirectory, isResumed),
      trainStep: (context) => grpoStep(grpo, context),
      ...validate,
    },
    options,
  );
}

/**
 * The reference is the policy as the run began, a trained adapter included. A resumed run must not freeze the weights it
 * resumes with: the reference is kept beside the checkpoints.
 */
async function prepareReference(
  grpo: Grpo,
  runDirectory: string | undefined,
  isResumed: boolean,
): Promise<void> {
  const { policy, config } = grpo;
  if (config.klBeta === 0) return;
  if (isResumed && runDirectory !== undefined) await policy.load(runPaths(runDirectory).reference);
  await policy.freezeReference();
  if (!isResumed && runDirectory !== undefined) await savePolicy(runPaths(runDirectory).reference, policy);
}

async function grpoStep(grpo: Grpo, context: StepContext): Promise<StepOutcome> {
  const { policy, config } = grpo;
  const startedAt = performance.now();
  const referenceLogprobs = new Map<SampledSequence, Float32Array>();
  const whileScoring = async (groups: readonly SampledGroup[]): Promise<void> => {
    const scored = await scoreSequences(policy, groups, { useReference: true });
    for (const [sequence, logprobs] of scored) referenceLogprobs.set(sequence, logprobs);
  };
  const collected = await collectRollouts(
    { ...grpo, ...(config.klBeta > 0 ? { whileScoring } : {}) },
    context.random.fork('rollouts'),
  );
  const advantages = groupAdvantages(collected.groups.map(scoresOf), config);
  const sequences = trainingSequences(collected.groups, advantages, referenceLogprobs, config);
  const updateStartedAt = performance.now();
  const update = await updatePolicy(policy, sequences, config, context, grpo.replay);
  if (context.step === 0) warnOfMismatch(update.samplerMismatch ?? 0, grpo.observe);
  const now = performance.now();
  const rollouts = rolloutMetrics(collected, advantages);
  return {
    metrics: { ...update, ...rollouts.metrics, learningRate: context.learningRate },
    timing: {
      sampleMs: collected.sampleMs,
      rewardWaitMs: collected.rewardWaitMs,
      updateMs: now - updateStartedAt,
      completionsPerSecond: (1000 * rollouts.completions) / (now - startedAt),
      tokensPerSecond: (1000 * rollouts.tokens) / (now - startedAt),
    },
  };
}

/** Seen in practice: dropout left on, another temperature, weights that did not reach the sampler. */
function warnOfMismatch(mismatch: number, observe: Observe): void {
  if (mismatch <= suspiciousMismatch) return;
  observe({
    type: 'warning',
    code: 'training/sampler-mismatch',
    message: `sampler and trainer differ by ${mismatch.toFixed(3)} in log-probability a token: switch dropout off for GRPO, or set oldLogprobs to trainer where the sampler is another program`,
  });
}
