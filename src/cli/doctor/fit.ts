/**
 * Whether a training run fits, as `querent doctor --model` says it. Knows models by name, folder or `config.json`; loads no
 * weights. What would fit is found in `memory-advice.ts`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseModelConfig } from '../../engine/index.ts';
import { knownModel, knownModelNames } from '../../engine/model/known-models.ts';
import { longestSequence, type ModelConfig } from '../../engine/model/model-config.ts';
import { parameterCount } from '../../engine/model/weights.ts';
import { type FitReport, fitKeys } from '../../engine/runtime/memory-advice.ts';
import type { FitRequest, FrozenBase } from '../../engine/runtime/memory-estimate.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { frozenBaseOf, gigabytes } from '../wiring/memory.ts';
import { findSource, readJson } from '../wiring/model-source.ts';

export interface FitModel {
  readonly name: string;
  readonly config: ModelConfig;
  /** Where the dimensions are from. */
  readonly source: string;
  /** How its frozen weights would lie in memory here, where its files say it. */
  readonly base?: FrozenBase | undefined;
}

/** A folder of a model or an adapter, a config.json, or a name on the hub. */
export async function fitModel(named: string, path: string): Promise<FitModel> {
  const file = path.endsWith('.json') && existsSync(path) ? path : undefined;
  const isFolder = ['config.json', 'adapter_config.json'].some((name) => existsSync(join(path, name)));
  const configPath = file ?? (isFolder ? join((await findSource(path)).base, 'config.json') : undefined);
  if (configPath !== undefined) {
    const raw = await readJson(configPath, 'model config');
    const config = parseModelConfig(raw, configPath);
    return { name: named, config, source: configPath, base: frozenBaseOf(raw) };
  }
  const known = knownModel(named);
  if (known !== undefined) return known;
  throw new QuerentError(
    'doctor/unknown-model',
    `${named} is no model folder, and its shape is not known here`,
    {
      next: `Name a folder with its config.json, or one of: ${knownModelNames.join(', ')} (or their -Instruct versions).`,
      details: { model: named },
    },
  );
}

const described = (from: FitRequest, to: FitRequest): string =>
  fitKeys
    .filter((key) => from[key] !== to[key])
    .map((key) => `--${key} ${to[key]} (now ${from[key]})`)
    .join(' and ');

export interface Suggestion {
  /** What to change, with its value now. */
  readonly change: string;
  readonly peak: number;
  readonly saved: number;
  readonly fits: boolean;
}

/** The advice of a report in the words of the command. */
export const suggestionsOf = ({ request, advice }: FitReport): Suggestion[] =>
  advice.map(({ request: changed, ...rest }) => ({ change: described(request, changed), ...rest }));

export function checkRequest({ config, batch, length, device, method }: FitRequest): void {
  const most = longestSequence(config);
  if (length > most) {
    throw new QuerentError('usage/length', `--length ${length}: the model reads ${most} tokens`, {
      next: `Choose at most ${most}.`,
    });
  }
  if (device === 'mps' && method === 'qlora') {
    throw new QuerentError(
      'usage/method',
      'qlora needs CUDA or the in-process engine; Apple GPUs have no packed weights',
      {
        next: 'Choose --method lora, or --device in-process.',
      },
    );
  }
  if (batch < 1) throw new RangeError('batch');
}

const partNames = {
  runtime: 'runtime',
  weights: 'weights',
  optimizer: 'trained values, gradients, moments',
  activations: 'activations',
  logits: 'logits',
  cache: 'KV cache while sampling (not at the same time)',
} as const;

/** For a person. */
export function fitLines(model: FitModel, report: FitReport): string[] {
  const { request, estimate, memory, fits } = report;
  const { method, rank, batch, length, device } = request;
  const how = method === 'full' ? 'full training' : `${method}, rank ${rank}`;
  const parts = Object.entries(partNames).map(
    ([key, name]) =>
      `  ${name.padEnd(48)}${gigabytes(estimate.parts[key as keyof typeof partNames]).padStart(10)}`,
  );
  const verdict = fits
    ? `fits: about ${gigabytes(estimate.peak)} of ${gigabytes(memory)}`
    : `does not fit: about ${gigabytes(estimate.peak)}, ${gigabytes(estimate.peak - memory)} more than ${gigabytes(memory)}`;
  const told = suggestionsOf(report).map(({ change, peak, saved, fits: enough }) =>
    enough
      ? `  next: ${change}: ${gigabytes(peak)}, saves ${gigabytes(saved)}`
      : `  nothing of batch, length, rank and method is enough; nearest is ${change}: ${gigabytes(peak)}. Take a smaller model or another device.`,
  );
  return [
    `${model.name} (${(parameterCount(model.config) / 1e9).toFixed(2)}B; ${model.source})`,
    `${how}, ${batch} × ${length} tokens, ${device}`,
    ...parts,
    verdict,
    ...told,
  ];
}
