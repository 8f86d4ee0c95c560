/**
 * Whether a training run fits into memory, said before it starts. The engine knows what a token's activations take; weights
 * and training state are counted, and what the commands need besides is a fixed allowance. `docs/experiments.md` holds
 * the measurement.
 */
import { totalmem } from 'node:os';
import type { ModelConfig } from '../../engine/index.ts';
import { activationBytesPerToken, defaultCheckpointing } from '../../engine/runtime/memory-budget.ts';
import { QuerentError } from '../../foundation/errors.ts';

/** A container's limit counts, not the machine behind it. */
export function usableMemoryBytes(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

export interface TrainingSizes {
  readonly config: ModelConfig;
  readonly parameterCount: number;
  readonly trainableCount: number;
  /** Tokens that run at once. */
  readonly tokenBudget: number;
}

/** Runtime, sandbox workers, schema and examples. */
const fixedBytes = 500e6;
/** Weight; gradient and two moments for what trains. */
const bytesOfWeight = 4;
const bytesOfTraining = 12;

function modelBytes({ parameterCount, trainableCount }: TrainingSizes): number {
  return fixedBytes + bytesOfWeight * parameterCount + bytesOfTraining * trainableCount;
}

/** With what the engine computes again by default. */
const bytesPerToken = (config: ModelConfig): number =>
  activationBytesPerToken(config, defaultCheckpointing(config));

export function estimateTrainingBytes(sizes: TrainingSizes): number {
  return modelBytes(sizes) + bytesPerToken(sizes.config) * sizes.tokenBudget;
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
/** A pass must at least hold one sequence. */
const tokensMin = 256;

/** Refuses a run that cannot fit, and says what to lower and by how much. */
export function refuseIfTooLarge(sizes: TrainingSizes, memoryBytes: number): void {
  const needed = estimateTrainingBytes(sizes);
  if (needed <= memoryBytes) return;
  const fitting = Math.floor((memoryBytes - modelBytes(sizes)) / bytesPerToken(sizes.config));
  const next =
    fitting >= tokensMin
      ? `Run fewer tokens at once: --set model.tokenBudget=${2 ** Math.floor(Math.log2(fitting))} (now ${sizes.tokenBudget}); it only takes longer.`
      : `The weights and their training state alone need ${gigabytes(modelBytes(sizes))}: use a smaller model (model.hiddenSize, model.layerCount) or a machine with more memory.`;
  throw new QuerentError(
    'training/too-large',
    `training needs about ${gigabytes(needed)}, and ${gigabytes(memoryBytes)} can be used here`,
    { next, details: { needed, memoryBytes, tokenBudget: sizes.tokenBudget } },
  );
}
