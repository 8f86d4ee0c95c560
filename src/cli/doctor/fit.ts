/**
 * Whether a training run fits, and if not what to change and by how much: each change is estimated again, and only those that
 * fit (or come nearest) are told. Knows models by name, folder or `config.json`; loads no weights.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseModelConfig } from '../../engine/index.ts';
import { knownModel, knownModelNames } from '../../engine/model/known-models.ts';
import { longestSequence, type ModelConfig } from '../../engine/model/model-config.ts';
import { parameterCount } from '../../engine/model/weights.ts';
import {
  estimateMemory,
  type FitRequest,
  type MemoryEstimate,
} from '../../engine/runtime/memory-estimate.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { findSource, readJson } from '../wiring/model-source.ts';

export interface FitModel {
  readonly name: string;
  readonly config: ModelConfig;
  /** Where the dimensions are from. */
  readonly source: string;
}

/** A folder of a model or an adapter, a config.json, or a name on the hub. */
export async function fitModel(named: string, path: string): Promise<FitModel> {
  const file = path.endsWith('.json') && existsSync(path) ? path : undefined;
  const isFolder = ['config.json', 'adapter_config.json'].some((name) => existsSync(join(path, name)));
  const configPath = file ?? (isFolder ? join((await findSource(path)).base, 'config.json') : undefined);
  if (configPath !== undefined) {
    const config = parseModelConfig(await readJson(configPath, 'model config'), configPath);
    return { name: named, config, source: configPath };
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

export interface Suggestion {
  /** What to change, with its value now. */
  readonly change: string;
  readonly peak: number;
  readonly saved: number;
  readonly fits: boolean;
}

export interface FitReport {
  readonly request: FitRequest;
  readonly estimate: MemoryEstimate;
  readonly memory: number;
  readonly fits: boolean;
  readonly suggestions: readonly Suggestion[];
}

type Change = readonly [text: string, request: FitRequest];

function withMethod(request: FitRequest): FitRequest[] {
  // MPS has no packed weights: bitsandbytes knows CUDA alone.
  const methods =
    request.device === 'mps' ? (['full', 'lora'] as const) : (['full', 'lora', 'qlora'] as const);
  const at = (methods as readonly string[]).indexOf(request.method);
  return methods.slice(at + 1).map((method) => ({ ...request, method }));
}

/** The largest value below the present one (by halves) with which the run fits, else the smallest sensible one. */
function halved(
  request: FitRequest,
  key: 'batch' | 'length' | 'rank',
  least: number,
  memory: number,
): FitRequest[] {
  let changed = request;
  while (changed[key] > least) {
    changed = { ...changed, [key]: Math.max(least, Math.floor(changed[key] / 2)) };
    if (estimateMemory(changed).peak <= memory) break;
  }
  return changed === request ? [] : [changed];
}

const least = { batch: 1, length: 256, rank: 8 } as const;

function changesOf(request: FitRequest, memory: number): Change[] {
  const changes: FitRequest[] = [];
  for (const method of [request, ...withMethod(request)]) {
    if (method !== request) changes.push(method);
    const smaller = halved(method, 'batch', least.batch, memory);
    changes.push(...smaller);
    for (const other of smaller.length > 0 ? smaller : [method])
      if (estimateMemory(other).peak > memory) changes.push(...halved(other, 'length', least.length, memory));
    if (method.method !== 'full') changes.push(...halved(method, 'rank', least.rank, memory));
  }
  return changes.map((changed) => [describe(request, changed), changed]);
}

const keys = ['method', 'batch', 'length', 'rank'] as const;

function describe(from: FitRequest, to: FitRequest): string {
  return keys
    .filter((key) => from[key] !== to[key])
    .map((key) => `--${key} ${to[key]} (now ${from[key]})`)
    .join(' and ');
}

const suggestionsMax = 4;

export function fitReport(request: FitRequest, memory: number): FitReport {
  const estimate = estimateMemory(request);
  const fits = estimate.peak <= memory;
  if (fits) return { request, estimate, memory, fits, suggestions: [] };
  const all = changesOf(request, memory).map(([change, changed]): Suggestion => {
    const { peak } = estimateMemory(changed);
    return { change, peak, saved: estimate.peak - peak, fits: peak <= memory };
  });
  const fitting = all.filter((suggestion) => suggestion.fits);
  // Where nothing is enough, what comes nearest still says how far away it is.
  const nearest = all.toSorted((a, b) => a.peak - b.peak).slice(0, 1);
  return {
    request,
    estimate,
    memory,
    fits,
    suggestions: (fitting.length > 0 ? fitting : nearest).slice(0, suggestionsMax),
  };
}

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

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(bytes < 1e8 ? 3 : 1)} GB`;

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
  const { request, estimate, memory, fits, suggestions } = report;
  const { method, rank, batch, length, device } = request;
  const how = method === 'full' ? 'full training' : `${method}, rank ${rank}`;
  const parts = Object.entries(partNames).map(
    ([key, name]) =>
      `  ${name.padEnd(48)}${gigabytes(estimate.parts[key as keyof typeof partNames]).padStart(10)}`,
  );
  const verdict = fits
    ? `fits: about ${gigabytes(estimate.peak)} of ${gigabytes(memory)}`
    : `does not fit: about ${gigabytes(estimate.peak)}, ${gigabytes(estimate.peak - memory)} more than ${gigabytes(memory)}`;
  const told = suggestions.map(({ change, peak, saved, fits: enough }) =>
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
