/**
 * Whether a training run fits into memory, said before its first step, by the estimate that `querent doctor --model` gives too.
 */
import { totalmem } from 'node:os';
import type { Example } from '../../data/example.ts';
import type { ModelConfig, Policy } from '../../engine/index.ts';
import type { BaseFormat } from '../../engine/model/base-tensor.ts';
import { type FitReport, fitKeys, fitReport } from '../../engine/runtime/memory-advice.ts';
import type { FitRequest, FrozenBase } from '../../engine/runtime/memory-estimate.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { PromptFormat } from '../../prompts/prompt-format.ts';

/** A container's limit counts, not the machine behind it. */
export function usableMemoryBytes(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/** Sandbox workers, schema and examples, which the estimate of the engine does not know. */
const commandBytes = 285e6;

/** What is left for the engine of a command that trains. */
export const trainingMemoryBytes = (): number => usableMemoryBytes() - commandBytes;

export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(bytes < 1e8 ? 3 : 1)} GB`;

/** How a checkpoint's frozen matrices lie in memory, from the type that its config.json names. */
export function frozenBaseOf(raw: unknown): FrozenBase | undefined {
  const { torch_dtype, dtype = torch_dtype } = raw as { torch_dtype?: unknown; dtype?: unknown };
  return dtype === 'float32' ? 'fp32' : undefined;
}

export interface PlannedTraining {
  readonly config: ModelConfig;
  readonly policy: Pick<Policy, 'parameterCount' | 'trainableCount' | 'maxLength'>;
  readonly format: PromptFormat;
  readonly examples: readonly Example[];
  /** Tokens that run at once. */
  readonly tokenBudget: number;
  readonly baseWeights: BaseFormat | undefined;
  /** Of "auto" and "stored". */
  readonly storedBase: FrozenBase | undefined;
  readonly rank: number | undefined;
}

const lengthSample = 64;

/** Tokens of the longest prompt and statement among some examples. */
function longestExample({ format, examples, policy }: PlannedTraining): number {
  const step = Math.max(1, Math.floor(examples.length / lengthSample));
  let longest = 1;
  for (let i = 0; i < examples.length; i += step) {
    const { question, sql } = examples[i]!;
    const prompt = format.prepare(question);
    longest = Math.max(
      longest,
      prompt.promptTokens.length + (format.completionTokens(sql, prompt)?.length ?? 0),
    );
  }
  return Math.min(longest, policy.maxLength);
}

function baseOf({ baseWeights = 'auto', storedBase }: PlannedTraining): FrozenBase | undefined {
  if (baseWeights === 'fp32' || baseWeights === 'int8') return baseWeights;
  return baseWeights === 'fp16' ? 'halves' : storedBase;
}

export function fitRequestOf(planned: PlannedTraining): FitRequest {
  const { config, policy, tokenBudget, baseWeights, rank } = planned;
  const length = Math.min(longestExample(planned), tokenBudget);
  const isFull = policy.trainableCount === policy.parameterCount;
  return {
    config,
    device: 'in-process',
    method: isFull ? 'full' : baseWeights === 'int4' ? 'qlora' : 'lora',
    base: baseOf(planned),
    rank: rank ?? 16,
    adapterValues: isFull ? undefined : policy.trainableCount,
    batch: Math.max(1, Math.floor(tokenBudget / length)),
    length,
  };
}

/** The settings of a recipe that make the difference. */
function settingsOf(from: FitRequest, to: FitRequest): string {
  const tokens = ({ batch, length }: FitRequest): number => batch * length;
  const settings = [
    to.method !== 'full' && (from.method === 'full' || to.rank !== from.rank)
      ? `model.lora.rank=${to.rank}`
      : undefined,
    to.method === 'qlora' && from.method !== 'qlora' ? 'model.baseWeights=int4' : undefined,
    tokens(to) === tokens(from) ? undefined : `model.tokenBudget=${tokens(to)} (now ${tokens(from)})`,
    to.length === from.length ? undefined : `model.maxLength=${to.length} (longest now ${from.length})`,
  ];
  return settings.flatMap((setting) => (setting === undefined ? [] : [`--set ${setting}`])).join(' ');
}

function nextOf({ request, estimate, advice, memory }: FitReport): string {
  const told = advice.map(
    ({ request: to, peak, saved }) =>
      `${settingsOf(request, to)} needs ${gigabytes(peak)}, ${gigabytes(saved)} less`,
  );
  if (advice.some(({ fits }) => fits)) return `Change this: ${told.join('; or ')}.`;
  const nearest = advice[0]?.peak ?? estimate.peak;
  const tried = told.length === 0 ? '' : `The most that settings save is too little: ${told[0]}. `;
  return `${tried}Use a smaller model (model.hiddenSize, model.layerCount), or a machine with ${gigabytes(nearest - memory)} more memory.`;
}

/** A pass of fewer tokens is not worth starting. */
const tokensMin = 256;

/** Refuses a run that cannot fit, and says what to lower and by how much. */
export function refuseIfTooLarge(planned: PlannedTraining, memory = trainingMemoryBytes()): void {
  const request = fitRequestOf(planned);
  const isChat = planned.format.id === 'chat';
  const report = fitReport(request, memory, {
    // A small model with a vocabulary of its own has no adapter, and its length is that of its examples.
    keys: isChat ? fitKeys : ['batch'],
    leastBatch: Math.ceil(tokensMin / request.length),
  });
  if (report.fits) return;
  const { peak, parts } = report.estimate;
  throw new QuerentError(
    'training/too-large',
    `training needs about ${gigabytes(peak)}, and ${gigabytes(Math.max(0, memory))} are left for it here`,
    {
      next: nextOf(report),
      details: { needed: peak, memory, parts, request: { ...request, config: undefined } },
    },
  );
}
