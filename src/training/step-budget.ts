/**
 * How many optimizer steps a run has. A budget in seconds is turned into a number of steps once, from the time of the
 * first steps; from then on the run depends on the number alone, so a resumed run has the same schedule.
 */
import { z } from 'zod';
import { QuerentError } from '../foundation/errors.ts';

/** Steps timed at least before a budget in seconds is turned into steps. */
const calibrationSteps = 8;
/** Share of the budget that is timed at least: more example lengths are seen where steps are short. */
const calibrationShare = 0.05;
/** Guess of the total while no step has been timed. */
const unknownTotalSteps = 1000;

export const budgetStateSchema = z.strictObject({
  totalSteps: z.int().min(0).nullable(),
  stepSeconds: z.array(z.number()),
  stepLimit: z.int().min(0).nullable(),
  secondsLimit: z.number().nullable(),
});
export type BudgetState = z.infer<typeof budgetStateSchema>;

export interface StepBudget {
  /** Known from the start, or after the first steps of a budget in seconds. */
  totalSteps(): number | null;
  /** The best present guess; equal to `totalSteps()` once that is known. Only the warm-up is computed from a guess. */
  plannedSteps(): number;
  isSpent(stepsDone: number): boolean;
  recordStep(seconds: number): void;
  state(): BudgetState;
}

/** Mean without outliers: a first step that builds sessions takes many times longer than the rest. */
function typicalSeconds(stepSeconds: readonly number[]): number {
  const sorted = [...stepSeconds].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const typical = sorted.filter((seconds) => seconds <= 3 * median);
  return typical.reduce((sum, seconds) => sum + seconds, 0) / Math.max(1, typical.length);
}

export function createBudget(limits: {
  readonly maxSteps?: number | undefined;
  readonly maxSeconds?: number | undefined;
}): StepBudget {
  if (limits.maxSteps === undefined && limits.maxSeconds === undefined) {
    throw new QuerentError(
      'training/no-end',
      'the run has no end: neither epochs, steps nor seconds are set',
      {
        next: 'Set maxSteps or maxSeconds (or epochs where the examples are a list).',
      },
    );
  }
  const stepLimit = limits.maxSteps ?? null;
  const secondsLimit = limits.maxSeconds ?? null;
  return budgetFrom({
    totalSteps: secondsLimit === null ? stepLimit : null,
    stepSeconds: [],
    stepLimit,
    secondsLimit,
  });
}

/** Continue from a saved state. */
export function budgetFrom(saved: BudgetState): StepBudget {
  const { stepLimit, secondsLimit } = saved;
  const stepSeconds = [...saved.stepSeconds];
  let total = saved.totalSteps;
  const spent = (): number => stepSeconds.reduce((sum, seconds) => sum + seconds, 0);
  const estimate = (): number => {
    const left = Math.max(0, (secondsLimit ?? 0) - spent());
    const steps = stepSeconds.length + Math.floor(left / Math.max(1e-6, typicalSeconds(stepSeconds)));
    return Math.max(1, Math.min(steps, stepLimit ?? steps));
  };
  return {
    totalSteps: () => total,
    plannedSteps: () => total ?? (stepSeconds.length === 0 ? (stepLimit ?? unknownTotalSteps) : estimate()),
    isSpent: (stepsDone) => total !== null && stepsDone >= total,
    recordStep: (seconds) => {
      if (total !== null || secondsLimit === null) return;
      stepSeconds.push(seconds);
      const isTimed = stepSeconds.length >= calibrationSteps && spent() >= calibrationShare * secondsLimit;
      if (isTimed || spent() >= secondsLimit || stepSeconds.length === stepLimit) total = estimate();
    },
    state: () => ({ totalSteps: total, stepSeconds: [...stepSeconds], stepLimit, secondsLimit }),
  };
}
