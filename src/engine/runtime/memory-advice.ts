/**
 * What to change in a training run that does not fit, and by how much: every change is estimated again, and only those that fit
 * (or come nearest) are told. It knows requests; the words for a change are those of whoever asked.
 */
import { estimateMemory, type FitRequest, type MemoryEstimate } from './memory-estimate.ts';

export const fitKeys = ['method', 'batch', 'length', 'rank'] as const;
export type FitKey = (typeof fitKeys)[number];

export interface Advice {
  readonly request: FitRequest;
  readonly peak: number;
  readonly saved: number;
  readonly fits: boolean;
}

export interface FitReport {
  readonly request: FitRequest;
  readonly estimate: MemoryEstimate;
  readonly memory: number;
  readonly fits: boolean;
  /** Nothing where the run fits; where no change is enough, the one that comes nearest. */
  readonly advice: readonly Advice[];
}

export interface AdviceLimits {
  /** What may be changed; left out: everything. */
  readonly keys?: readonly FitKey[];
  /** Fewest sequences at once that may be advised. */
  readonly leastBatch?: number;
}

const least = { length: 256, rank: 8 } as const;

function withMethod(request: FitRequest): FitRequest[] {
  // MPS has no packed weights: bitsandbytes knows CUDA alone.
  const methods =
    request.device === 'mps' ? (['full', 'lora'] as const) : (['full', 'lora', 'qlora'] as const);
  const at = (methods as readonly string[]).indexOf(request.method);
  // Values of a known adapter stay known; full training has none.
  return methods.slice(at + 1).map((method) => ({ ...request, method }));
}

/** The largest value below the present one (by halves) with which the run fits, else the smallest sensible one. */
function halved(
  request: FitRequest,
  key: Exclude<FitKey, 'method'>,
  smallest: number,
  memory: number,
): FitRequest[] {
  let changed = request;
  while (changed[key] > smallest) {
    const value = Math.max(smallest, Math.floor(changed[key] / 2));
    const values = changed.adapterValues;
    const adapterValues = key === 'rank' && values !== undefined ? (values * value) / changed.rank : values;
    changed = { ...changed, [key]: value, adapterValues };
    if (estimateMemory(changed).peak <= memory) break;
  }
  return changed === request ? [] : [changed];
}

function changesOf(
  request: FitRequest,
  memory: number,
  { keys = fitKeys, leastBatch = 1 }: AdviceLimits,
): FitRequest[] {
  const changes: FitRequest[] = [];
  const halves = (from: FitRequest, key: Exclude<FitKey, 'method'>, smallest: number): FitRequest[] =>
    keys.includes(key) ? halved(from, key, smallest, memory) : [];
  for (const method of [request, ...(keys.includes('method') ? withMethod(request) : [])]) {
    if (method !== request) changes.push(method);
    const smaller = halves(method, 'batch', leastBatch);
    changes.push(...smaller);
    for (const other of smaller.length > 0 ? smaller : [method])
      if (estimateMemory(other).peak > memory) changes.push(...halves(other, 'length', least.length));
    if (method.method !== 'full') changes.push(...halves(method, 'rank', least.rank));
  }
  return changes;
}

const adviceMax = 4;

export function fitReport(request: FitRequest, memory: number, limits: AdviceLimits = {}): FitReport {
  const estimate = estimateMemory(request);
  const fits = estimate.peak <= memory;
  if (fits) return { request, estimate, memory, fits, advice: [] };
  const all = changesOf(request, memory, limits).map((changed): Advice => {
    const { peak } = estimateMemory(changed);
    return { request: changed, peak, saved: estimate.peak - peak, fits: peak <= memory };
  });
  const fitting = all.filter((advice) => advice.fits);
  // Where nothing is enough, what comes nearest still says how far away it is.
  const nearest = all.toSorted((a, b) => a.peak - b.peak).slice(0, 1);
  return {
    request,
    estimate,
    memory,
    fits,
    advice: (fitting.length > 0 ? fitting : nearest).slice(0, adviceMax),
  };
}
