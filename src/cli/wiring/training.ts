/** SFT and GRPO as the commands run them: validation by execution, reward by execution, one run folder each. */
import { dirname, join } from 'node:path';
import type { Example } from '../../data/example.ts';
import type { Sandbox } from '../../database/sandbox.ts';
import { defaultTokenBudget } from '../../engine/runtime/memory-budget.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { Observe } from '../../foundation/events.ts';
import { trainGrpo } from '../../training/grpo.ts';
import { trainSft } from '../../training/sft.ts';
import type { ExistingRun, TrainingResult } from '../../training/training-run.ts';
import type { Recipe } from '../recipe.ts';
import type { OpenedDatabase } from './database.ts';
import { validationOf } from './evaluation.ts';
import { refuseIfTooLarge } from './memory.ts';
import type { Model } from './model.ts';
import { recipeReward } from './reward.ts';

export interface StageRun {
  /** The model computes on another machine, whose memory is its own affair. */
  readonly isRemote?: boolean;
  readonly model: Model;
  readonly recipe: Recipe;
  readonly examples: readonly Example[];
  /** GRPO: gold examples that are replayed beside the practice. */
  readonly replay?: readonly Example[];
  /** Asked at each validation; trained on by neither stage. */
  readonly validation: readonly Example[];
  readonly database: OpenedDatabase;
  readonly sandbox: Sandbox;
  readonly runDirectory: string;
  readonly existing: ExistingRun;
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

function validator({ model, recipe, validation, database, sandbox }: StageRun) {
  const { maxNewTokens } = recipe.evaluation;
  return validationOf({ format: model.format, database, sandbox, maxNewTokens }, validation);
}

/** A run that was asked to stop has saved a checkpoint; the command ends there. */
export function refuseIfAborted(
  result: TrainingResult,
  next = 'Go on with the same command and --resume.',
): TrainingResult {
  if (result.stopReason !== 'aborted') return result;
  throw new QuerentError(
    'training/interrupted',
    `after step ${result.steps} of ${result.stage}, with a checkpoint.`,
    { next },
  );
}

function refuseIfMemoryIsShort({ model, recipe, examples, isRemote }: StageRun): void {
  const { policy, format, config, storedBase } = model;
  if (isRemote === true || config === undefined) return;
  const { tokenBudget = defaultTokenBudget(config), baseWeights, lora } = recipe.model;
  const planned = { config, policy, format, examples, storedBase };
  refuseIfTooLarge({ ...planned, tokenBudget, baseWeights, rank: lora?.rank });
}

export async function runSft(run: StageRun): Promise<TrainingResult> {
  refuseIfMemoryIsShort(run);
  const { model, recipe, examples, runDirectory, existing, observe, signal } = run;
  return refuseIfAborted(
    await trainSft({
      policy: model.policy,
      format: model.format,
      examples,
      validation: run.validation,
      config: recipe.sft,
      evaluate: validator(run),
      runDirectory,
      existing,
      observe,
      signal,
    }),
  );
}

export async function runGrpo(run: StageRun): Promise<TrainingResult> {
  refuseIfMemoryIsShort(run);
  const { model, recipe, examples, database, sandbox, runDirectory, existing, observe, signal } = run;
  const directory = join(dirname(runDirectory), '.neighbours');
  const reward = await recipeReward({
    config: recipe.reward,
    sandbox,
    database,
    examples,
    directory,
    observe,
  });
  return refuseIfAborted(
    await trainGrpo({
      policy: model.policy,
      format: model.format,
      examples,
      replay: run.replay,
      reward,
      config: recipe.grpo,
      evaluate: validator(run),
      runDirectory,
      existing,
      observe,
      signal,
    }),
  );
}

/** Cuts the validation questions off the pairs kept for reinforcement learning: no stage trains on them. */
export function splitValidation(
  rl: readonly Example[],
  size: number,
): { readonly practice: readonly Example[]; readonly validation: readonly Example[] } {
  const count = Math.min(size, Math.floor(rl.length / 2));
  return { practice: rl.slice(0, rl.length - count), validation: rl.slice(rl.length - count) };
}
