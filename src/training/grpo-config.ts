/** Configuration of GRPO: every key, its default and its bounds. The numbers in brackets name rl.md's list of pitfalls. */
import { z } from 'zod';
import { runShape } from './optimizer-config.ts';

const temperatureValue = z.number().positive().max(5);

/** How the loss is normalised and clipped; the formulas are in policy-loss.ts. */
export const lossVariants = ['grpo', 'dr_grpo', 'dapo', 'bnpo', 'gspo', 'cispo'] as const;
export type LossVariant = (typeof lossVariants)[number];

const grpoShape = {
  ...runShape,
  learningRate: runShape.learningRate.default(5e-5),
  schedule: runShape.schedule.default('constant'),
  weightDecay: runShape.weightDecay.default(0),
  groupSize: z.int().min(2).max(256).default(8).describe('Samples of each prompt, K'),
  promptsPerStep: z.int().min(1).default(8).describe('Prompts of one optimizer round'),
  maxNewTokens: z.int().min(1).default(128).describe('Longest completion in tokens'),
  temperature: z
    .union([
      temperatureValue,
      z.strictObject({
        from: temperatureValue,
        to: temperatureValue,
        levels: z.int().min(2).max(8).default(3),
      }),
    ])
    .default(1)
    .describe(
      'Of the samples and of the loss [5]; a range spreads the prompts of a step over its levels, each group has one',
    ),
  minProbability: z
    .number()
    .min(0)
    .max(0.5)
    .default(0)
    .describe(
      'Tokens below this probability (after temperature) are never sampled; keeps a hot policy from noise',
    ),
  replayExamples: z
    .int()
    .min(0)
    .default(0)
    .describe('Gold examples whose supervised loss is added to each optimizer step; 0 = none'),
  replayWeight: z.number().positive().default(1).describe('Weight of that loss, a mean over its tokens'),
  replayLabelSmoothing: z.number().min(0).max(0.5).default(0).describe('Label smoothing of that loss'),
  loss: z.enum(lossVariants).default('dapo').describe('Normalisation and form of the loss [2, 7]'),
  advantage: z
    .enum(['std', 'batch', 'none'])
    .optional()
    .describe(
      'Advantages are divided by the std of the group, of the batch, or not [1]; default std, none for dr_grpo',
    ),
  advantageClip: z.number().positive().default(5).describe('Advantages are clipped to ± this'),
  klBeta: z
    .number()
    .min(0)
    .default(0)
    .describe('Weight of the k3 KL penalty to the frozen start of the run [3, 10]'),
  clipLow: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe('Lower bound of the ratio is 1 - this; default 0.2 (gspo 3e-4)'),
  clipHigh: z
    .number()
    .positive()
    .optional()
    .describe('Upper bound of the ratio is 1 + this; default 0.28 (gspo 4e-4)'),
  innerEpochs: z.int().min(1).default(1).describe('Passes over the samples of a step'),
  minibatches: z.int().min(1).default(1).describe('Optimizer steps of one pass over the samples'),
  microBatchSize: z
    .int()
    .min(0)
    .default(0)
    .describe('Sequences of one forward and backward pass; 0 = the whole minibatch. Lowers memory'),
  dynamicSampling: z
    .int()
    .min(0)
    .default(0)
    .describe('Rounds in which groups without variance are replaced by new prompts, at most [6]; 0 = never'),
  samplingChunk: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'Prompts of one sampling call, so that the rewards of a chunk run while the next is sampled; 0 = all',
    ),
  oldLogprobs: z
    .enum(['sampler', 'trainer'])
    .default('sampler')
    .describe(
      'Where the log-probabilities of the old policy come from [5]: `trainer` costs one more pass and is right where the sampler is another program',
    ),
  importanceCorrection: z
    .enum(['truncate', 'mask', 'none'])
    .default('truncate')
    .describe(
      'Old policy over sampling distribution, per token: cut at the cap, or drop the tokens beyond it [5]',
    ),
  importanceCap: z.number().min(1).default(3).describe('Cap of that ratio'),
  overlong: z
    .enum(['mask', 'punish'])
    .default('mask')
    .describe('Completions cut off at maxNewTokens leave loss and baseline, or keep the reward they got [9]'),
  overlongBuffer: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'With `punish`: within so many tokens of the limit the reward falls linearly (DAPO, eq. 13); 0 = off',
    ),
  overlongPenalty: z.number().min(0).default(1).describe('How far it falls'),
  bestMetric: z.string().default('ex').describe('Metric of the evaluate function that decides what is best'),
} as const;

const ordered = z.strictObject(grpoShape).superRefine((config, context) => {
  const { temperature } = config;
  if (typeof temperature === 'object' && temperature.from > temperature.to) {
    context.addIssue({ code: 'custom', path: ['temperature'], message: '`from` must not be above `to`' });
  }
});

/** Parsed configuration with the defaults that depend on the loss filled in. */
export const grpoConfigSchema = ordered.transform((config) => ({
  ...config,
  advantage: config.advantage ?? (config.loss === 'dr_grpo' ? ('none' as const) : ('std' as const)),
  clipLow: config.clipLow ?? (config.loss === 'gspo' ? 3e-4 : 0.2),
  clipHigh: config.clipHigh ?? (config.loss === 'gspo' ? 4e-4 : 0.28),
}));

/** The keys, for help texts. */
export const grpoConfigKeys: readonly string[] = Object.keys(grpoShape);

export type GrpoConfig = Readonly<z.output<typeof grpoConfigSchema>>;
export type GrpoConfigInput = z.input<typeof grpoConfigSchema>;

/** The temperatures that a step uses, low to high. */
export function temperatureLevels(config: Pick<GrpoConfig, 'temperature'>): readonly number[] {
  const { temperature } = config;
  if (typeof temperature === 'number') return [temperature];
  const { from, to, levels } = temperature;
  return Array.from({ length: levels }, (_, i) => from + ((to - from) * i) / (levels - 1));
}
