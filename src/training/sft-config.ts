/** Configuration of supervised fine-tuning: every key, its default and its bounds; presets by name. */
import { z } from 'zod';
import { runShape } from './optimizer-config.ts';

export const sftConfigSchema = z.strictObject({
  ...runShape,
  learningRate: runShape.learningRate.default(2e-3),
  weightDecay: runShape.weightDecay.default(0.05),
  epochs: z
    .number()
    .positive()
    .optional()
    .describe('Passes over the examples; default 3 where neither maxSteps nor maxSeconds is set'),
  batchSize: z.int().min(1).default(32).describe('Examples of one forward and backward pass'),
  accumulation: z
    .int()
    .min(1)
    .default(1)
    .describe(
      'Passes whose gradients are added up before the weights move; the loss is the mean over all their tokens',
    ),
  labelSmoothing: z
    .number()
    .min(0)
    .max(0.5)
    .default(0)
    .describe(
      'Share of the target spread over the vocabulary; 0.05 leaves a policy that can still explore in GRPO',
    ),
  augment: z
    .boolean()
    .default(true)
    .describe('Encode each example anew with the noise of the prompt format whenever it is drawn'),
  validationShare: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.05)
    .describe('Share of the examples held out for validation where no validation set is given'),
  bestMetric: z
    .string()
    .default('loss')
    .describe('Metric of the validation that decides what is best: `loss`, or one of the evaluate function'),
  bestIsHighest: z
    .boolean()
    .default(false)
    .describe('True where a larger value of bestMetric is better (EX)'),
});

export type SftConfig = Readonly<z.output<typeof sftConfigSchema>>;
export type SftConfigInput = z.input<typeof sftConfigSchema>;

/** Presets for language models; the embedded model's recipe is the set of defaults. LoRA settings belong to the model. */
export const sftPresets = {
  /** One pass that shows that everything is in place, in seconds. */
  minimal: { epochs: 1, batchSize: 2, warmupRatio: 0, validationShare: 0, checkpointEverySteps: 0 },
  basic: { learningRate: 1e-4, epochs: 3, batchSize: 4, accumulation: 2, weightDecay: 0.01 },
  improved: {
    learningRate: 2e-5,
    epochs: 5,
    batchSize: 4,
    accumulation: 4,
    warmupRatio: 0.1,
    weightDecay: 0.01,
    validateEverySteps: 50,
    earlyStoppingPatience: 3,
  },
} as const satisfies Readonly<Record<string, SftConfigInput>>;

/** Examples that a preset limits the data to; undefined = all. */
export const presetExampleLimit: Readonly<Partial<Record<keyof typeof sftPresets, number>>> = { minimal: 10 };
