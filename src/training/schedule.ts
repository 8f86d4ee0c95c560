/** Learning rate as a pure function of the step: linear warm-up, then constant, linear or cosine decay. */

export interface ScheduleConfig {
  readonly learningRate: number;
  readonly schedule: 'constant' | 'linear' | 'cosine';
  readonly warmupRatio: number;
  readonly finalLearningRateRatio: number;
}

/** Steps count from 0. The first step already moves: (step + 1) / warmupSteps of the peak. */
export function learningRateAt(step: number, totalSteps: number, config: ScheduleConfig): number {
  const warmupSteps = Math.round(config.warmupRatio * totalSteps);
  if (step < warmupSteps) return (config.learningRate * (step + 1)) / warmupSteps;
  const decaySteps = Math.max(1, totalSteps - warmupSteps);
  const progress = Math.min(1, (step - warmupSteps) / decaySteps);
  const floor = config.finalLearningRateRatio;
  return config.learningRate * (floor + (1 - floor) * decay(config.schedule, progress));
}

function decay(shape: ScheduleConfig['schedule'], progress: number): number {
  switch (shape) {
    case 'constant':
      return 1;
    case 'linear':
      return 1 - progress;
    case 'cosine':
      return 0.5 * (1 + Math.cos(Math.PI * progress));
    default:
      return shape satisfies never;
  }
}
