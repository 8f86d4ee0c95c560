/**
 * The settings that both trainers share: optimizer, schedule, length of the run, checkpoints.
 * It knows names, defaults and bounds; it does not know what a step does.
 */
import { z } from 'zod';
import type { AdamParams } from '../engine/policy.ts';

const positiveInteger = z.int().min(1);

export const runShape = {
  seed: z.int().min(0).max(0xffffffff).default(42).describe('Seed of data order, augmentation and sampling'),
  learningRate: z.number().positive().max(1).describe('Peak learning rate, reached after the warm-up'),
  schedule: z
    .enum(['constant', 'linear', 'cosine'])
    .default('cosine')
    .describe('Shape of the learning rate after the warm-up'),
  warmupRatio: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('Share of all steps in which the learning rate rises linearly from 0'),
  finalLearningRateRatio: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('Learning rate at the end as a share of the peak (linear and cosine)'),
  optimizer: z
    .enum(['adamw', 'muon'])
    .default('adamw')
    .describe(
      'How weights are updated; muon: the matrices of layers by Muon, the rest by AdamW (whole models trained in this process)',
    ),
  muonMomentum: z.number().min(0).max(0.9999).default(0.95).describe('Momentum of Muon'),
  weightDecay: z.number().min(0).max(1).default(0.01).describe('Decoupled weight decay of AdamW'),
  beta1: z.number().min(0).max(0.9999).default(0.9).describe('Decay of the first moment of AdamW'),
  beta2: z.number().min(0).max(0.99999).default(0.99).describe('Decay of the second moment of AdamW'),
  epsilon: z.number().positive().default(1e-8).describe('Added to the root of the second moment'),
  gradientClip: z.number().min(0).default(1).describe('Largest global gradient norm; 0 = not clipped'),
  maxSteps: positiveInteger.optional().describe('Optimizer steps at most; default: by epochs or maxSeconds'),
  maxSeconds: z
    .number()
    .positive()
    .optional()
    .describe(
      'Time for the steps: the first steps are timed, then the number of steps is fixed once (and saved), so that the schedule stays right and a resumed run is the same; validation and checkpoints come on top',
    ),
  validateEverySteps: z
    .int()
    .min(0)
    .default(0)
    .describe('Steps between validations; 0 = only at the end of the run'),
  validateAtStart: z.boolean().default(false).describe('Also validate before the first step'),
  earlyStoppingPatience: z
    .int()
    .min(0)
    .default(0)
    .describe('Stop after so many validations without an improvement; 0 = never'),
  restoreBest: z
    .boolean()
    .default(true)
    .describe('End with the weights of the best validation (needs a run directory)'),
  checkpointEverySteps: z
    .int()
    .min(0)
    .default(50)
    .describe('Steps between resumable checkpoints; 0 = only at the end or on Ctrl-C'),
  keepCheckpoints: positiveInteger.default(1).describe('Resumable checkpoints that are kept'),
} as const;

export interface RunConfig {
  readonly seed: number;
  readonly learningRate: number;
  readonly schedule: 'constant' | 'linear' | 'cosine';
  readonly warmupRatio: number;
  readonly finalLearningRateRatio: number;
  readonly optimizer: 'adamw' | 'muon';
  readonly muonMomentum: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly gradientClip: number;
  readonly maxSteps?: number | undefined;
  readonly maxSeconds?: number | undefined;
  readonly validateEverySteps: number;
  readonly validateAtStart: boolean;
  readonly earlyStoppingPatience: number;
  readonly restoreBest: boolean;
  readonly checkpointEverySteps: number;
  readonly keepCheckpoints: number;
}

export function adamParams(config: RunConfig, learningRate: number): AdamParams {
  return {
    learningRate,
    beta1: config.beta1,
    beta2: config.beta2,
    eps: config.epsilon,
    weightDecay: config.weightDecay,
    gradientClip: config.gradientClip,
    ...(config.optimizer === 'muon' ? { muonMomentum: config.muonMomentum } : {}),
  };
}
