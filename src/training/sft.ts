/**
 * Supervised fine-tuning: the policy learns to write the gold SQL of each question. It knows `Policy` and
 * `PromptFormat`; it does not know the engine, the schema or how SQL is evaluated.
 */
import type { Example } from '../data/example.ts';
import type { Datum, LossSpec, Policy } from '../engine/policy.ts';
import { parseConfig } from '../foundation/config.ts';
import type { Metrics } from '../foundation/events.ts';
import { createRandom, type Random } from '../foundation/random.ts';
import type { PromptFormat } from '../prompts/prompt-format.ts';
import { drawEncoded, type EncodedExample, encodeExample, supervisedDatum } from './encode.ts';
import { type ExampleStream, epochStream } from './example-stream.ts';
import { adamParams } from './optimizer-config.ts';
import { type SftConfig, type SftConfigInput, sftConfigSchema } from './sft-config.ts';
import {
  type RunOptions,
  runTraining,
  type StepContext,
  type StepOutcome,
  type TrainingResult,
  type Validation,
} from './training-run.ts';

const defaultEpochs = 3;
const validationBatchSize = 64;

export interface SftOptions extends RunOptions {
  readonly policy: Policy;
  readonly format: PromptFormat;
  /** A list (shuffled each epoch) or an endless stream. */
  readonly examples: readonly Example[] | ExampleStream;
  /** Held-out examples; default: `validationShare` of a list. */
  readonly validation?: readonly Example[] | undefined;
  readonly config?: SftConfigInput | undefined;
  /** Further metrics for the validation, for example execution accuracy. */
  readonly evaluate?: ((policy: Policy, step: number) => Promise<Metrics>) | undefined;
}

/** What the steps need, fixed for the run. */
interface Sft {
  readonly policy: Policy;
  readonly format: PromptFormat;
  readonly config: SftConfig;
  readonly stream: ExampleStream;
  readonly validation: readonly EncodedExample[];
}

export async function trainSft(options: SftOptions): Promise<TrainingResult> {
  const config = parseConfig(sftConfigSchema, options.config ?? {}, 'SFT configuration');
  const { policy, format, evaluate } = options;
  const { training, validation } = splitExamples(options, config);
  const stream = isStream(training) ? training : epochStream(training, config.seed);
  const sft: Sft = {
    policy,
    format,
    config,
    stream,
    validation: encodeValidation(validation, policy, format),
  };
  const canValidate = sft.validation.length > 0 || evaluate !== undefined;
  return runTraining(
    {
      stage: 'sft',
      policy,
      config,
      maxSteps: stepLimit(config, stream),
      stream,
      best: { metric: config.bestMetric, higherIsBetter: config.bestIsHighest },
      trainStep: (context) => sftStep(sft, context),
      ...(canValidate ? { validate: (step: number) => validateSft(sft, step, evaluate) } : {}),
    },
    options,
  );
}

function isStream(examples: readonly Example[] | ExampleStream): examples is ExampleStream {
  return 'next' in examples;
}

function splitExamples(options: SftOptions, config: SftConfig) {
  const { examples, validation } = options;
  if (validation !== undefined || isStream(examples))
    return { training: examples, validation: validation ?? [] };
  const count = Math.floor(examples.length * config.validationShare);
  const shuffled = createRandom(config.seed).fork('validation-split').shuffle(examples);
  return { training: shuffled.slice(count), validation: shuffled.slice(0, count) };
}

/** Validation prompts carry no noise, so that its loss is comparable between steps. */
function encodeValidation(
  examples: readonly Example[],
  policy: Policy,
  format: PromptFormat,
): EncodedExample[] {
  return examples.flatMap((example) => encodeExample(example, format, policy.maxLength, undefined) ?? []);
}

function stepLimit(config: SftConfig, stream: ExampleStream): number | undefined {
  const { epochs, maxSteps, maxSeconds } = config;
  const isOpenEnded = maxSteps === undefined && maxSeconds === undefined;
  const passes = epochs ?? (isOpenEnded ? defaultEpochs : undefined);
  if (passes === undefined || stream.epochSize === undefined) return maxSteps;
  const steps = Math.ceil((passes * stream.epochSize) / (config.batchSize * config.accumulation));
  return Math.min(steps, maxSteps ?? steps);
}

async function sftStep(sft: Sft, context: StepContext): Promise<StepOutcome> {
  const { policy, format, config, stream } = sft;
  const startedAt = performance.now();
  const encode = (example: Example) =>
    encodeExample(example, format, policy.maxLength, noiseOf(config, context.random, example));
  const { encoded, skipped } = await drawEncoded(stream, config.batchSize * config.accumulation, encode);
  const tokens = encoded.reduce((sum, item) => sum + item.completionTokens.length, 0);
  const loss: LossSpec = { name: 'cross_entropy', labelSmoothing: config.labelSmoothing };
  let lossSum = 0;
  let logprobSum = 0;
  let entropySum = 0;
  for (let start = 0; start < encoded.length; start += config.batchSize) {
    // 1 / tokens of the whole accumulated batch: a mean of means would weigh short completions more.
    const data = toData(encoded.slice(start, start + config.batchSize), 1 / tokens);
    const result = await policy.forwardBackward(data, loss);
    lossSum += result.lossSum;
    logprobSum += sumOf(result.logprobs);
    entropySum += result.metrics.entropy ?? 0;
  }
  const { gradientNorm } = await policy.optimStep(adamParams(config, context.learningRate));
  const seconds = (performance.now() - startedAt) / 1000;
  const read = encoded.reduce((sum, item) => sum + item.prompt.promptTokens.length, tokens);
  return {
    metrics: {
      loss: lossSum,
      negativeLogLikelihood: -logprobSum / tokens,
      entropy: entropySum / tokens,
      gradientNorm,
      learningRate: context.learningRate,
      tokens,
      skippedExamples: skipped,
    },
    timing: { tokensPerSecond: read / seconds },
  };
}

/** Noise belongs to the draw, not to the step alone: the same example drawn twice in a step differs. */
function noiseOf(config: SftConfig, random: Random, example: Example): Random | undefined {
  return config.augment ? random.fork(`${random.int(0x7fffffff)}/${example.id}`) : undefined;
}

function toData(encoded: readonly EncodedExample[], weight: number): Datum[] {
  return encoded.map((item) => supervisedDatum(item.prompt.promptTokens, item.completionTokens, weight));
}

function sumOf(arrays: readonly Float32Array[]): number {
  let sum = 0;
  for (const array of arrays) for (const value of array) sum += value;
  return sum;
}

async function validateSft(sft: Sft, step: number, evaluate: SftOptions['evaluate']): Promise<Validation[]> {
  const validations: Validation[] = [];
  if (sft.validation.length > 0) {
    validations.push({ set: 'validation', metrics: await validationLoss(sft) });
  }
  if (evaluate !== undefined) {
    validations.push({ set: 'evaluation', metrics: await evaluate(sft.policy, step) });
  }
  return validations;
}

/** Mean negative log-likelihood of a gold token, and the share of queries that are likelier than not as a whole. */
async function validationLoss(sft: Sft): Promise<Metrics> {
  let logprobSum = 0;
  let tokens = 0;
  let likely = 0;
  for (let start = 0; start < sft.validation.length; start += validationBatchSize) {
    const batch = sft.validation.slice(start, start + validationBatchSize);
    const logprobs = await sft.policy.logprobs(toData(batch, 1));
    for (const [i, item] of batch.entries()) {
      const logprob = sumOf([logprobs[i]!]);
      logprobSum += logprob;
      tokens += item.completionTokens.length;
      if (logprob > Math.log(0.5)) likely += 1;
    }
  }
  return { loss: -logprobSum / tokens, likelyShare: likely / sft.validation.length };
}
