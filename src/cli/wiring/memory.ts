/**
 * Whether a training run fits into memory, said before it starts. The estimate is a formula over sizes, fitted to peak
 * memory of the engine, measured on five shapes (hidden 128–512, 4–8 layers, 1,920–7,680 tokens a pass): there it is
 * between 3% under and 16% over. What the commands need besides is a fixed allowance.
 */
import { totalmem } from 'node:os';
import { QuerentError } from '../../foundation/errors.ts';

/** A container's limit counts, not the machine behind it. */
export function usableMemoryBytes(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

export interface TrainingSizes {
  readonly parameterCount: number;
  readonly trainableCount: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layerCount: number;
  /** Tokens that run at once. */
  readonly tokenBudget: number;
}

/** Runtime, sandbox workers, schema and examples. */
const fixedBytes = 500e6;
/** Weight; gradient and two moments for what trains. */
const bytesOfWeight = 4;
const bytesOfTraining = 12;
/** Floats kept for the backward pass, for each token, layer and channel of the hidden and the intermediate size. */
const keptFloats = 9;

function passBytesPerToken({ hiddenSize, intermediateSize, layerCount }: TrainingSizes): number {
  return 4 * keptFloats * layerCount * (hiddenSize + intermediateSize);
}

function modelBytes({ parameterCount, trainableCount }: TrainingSizes): number {
  return fixedBytes + bytesOfWeight * parameterCount + bytesOfTraining * trainableCount;
}

export function estimateTrainingBytes(sizes: TrainingSizes): number {
  return modelBytes(sizes) + passBytesPerToken(sizes) * sizes.tokenBudget;
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
/** A pass must at least hold one sequence. */
const tokensMin = 256;

/** Refuses a run that cannot fit, and says what to lower and by how much. */
export function refuseIfTooLarge(sizes: TrainingSizes, memoryBytes: number): void {
  const needed = estimateTrainingBytes(sizes);
  if (needed <= memoryBytes) return;
  const fitting = Math.floor((memoryBytes - modelBytes(sizes)) / passBytesPerToken(sizes));
  const next =
    fitting >= tokensMin
      ? `Run fewer tokens at once: --set model.tokenBudget=${2 ** Math.floor(Math.log2(fitting))} (now ${sizes.tokenBudget}); it only takes longer.`
      : `The weights and their training state alone need ${gigabytes(modelBytes(sizes))}: use a smaller model (model.hiddenSize, model.layerCount) or a machine with more memory.`;
  throw new QuerentError(
    'training/too-large',
    `training needs about ${gigabytes(needed)}, and ${gigabytes(memoryBytes)} can be used here`,
    { next, details: { ...sizes, needed, memoryBytes } },
  );
}
