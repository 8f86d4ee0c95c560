/**
 * What a training run takes in memory, part by part, before anything is loaded: in this process, on one GPU, or on Apple's. The
 * in-process figures follow the engine's own arrays and are held to measured peaks by `bench/fit.ts`; those of GPUs follow the
 * Python worker (transformers, PEFT, bitsandbytes) and are computed only.
 */

import { SMALL_PARAMETERS_MAX } from '../model/base-tensor.ts';
import { adapterShapes, parseLoraConfig } from '../model/lora.ts';
import { keyValueWidth, type ModelConfig } from '../model/model-config.ts';
import type { Checkpointing } from '../model/model-graph.ts';
import { EMBEDDING_NAME, elementCount, OUTPUT_NAME, parameterCount, weightShapes } from '../model/weights.ts';
import {
  activationBytesPerToken,
  defaultCheckpointing,
  defaultVocabularyChunk,
  LOGIT_BUDGET_BYTES,
} from './memory-budget.ts';

export const fitDevices = ['in-process', 'gpu', 'mps'] as const;
export type FitDevice = (typeof fitDevices)[number];
export const fitMethods = ['full', 'lora', 'qlora'] as const;
export type FitMethod = (typeof fitMethods)[number];

export interface FitRequest {
  readonly config: ModelConfig;
  readonly device: FitDevice;
  readonly method: FitMethod;
  /**
   * In this process, under "lora": how frozen matrices lie in memory; left out: as halves in models above 64M parameters, as
   * checkpoints on the hub have them. "qlora" is 4 bits.
   */
  readonly base?: FrozenBase | undefined;
  readonly rank: number;
  /** Values that train in an adapter, where they are known; left out: one of that rank on every linear layer. */
  readonly adapterValues?: number | undefined;
  /** Sequences that run at once, and the tokens of each. */
  readonly batch: number;
  readonly length: number;
}

/** As in `BaseFormat`, without saying which halves. */
export type FrozenBase = 'fp32' | 'halves' | 'int8';

/** Bytes. */
export interface MemoryParts {
  readonly runtime: number;
  readonly weights: number;
  /** What trains: its values where they are apart from the weights, gradients, two moments. */
  readonly optimizer: number;
  readonly activations: number;
  readonly logits: number;
  /** Keys and values while as many sequences are sampled; never at the same time as activations and logits. */
  readonly cache: number;
}

export interface MemoryEstimate {
  readonly parts: MemoryParts;
  readonly peak: number;
}

interface Counts {
  readonly all: number;
  /** Of matrices inside the layers, which quantisation packs. */
  readonly packed: number;
  /** Of embedding and output. */
  readonly outer: number;
  readonly adapter: number;
}

function countsOf({ config, method, rank, adapterValues }: FitRequest): Counts {
  let packed = 0;
  let outer = 0;
  for (const [name, shape] of weightShapes(config)) {
    if (name === EMBEDDING_NAME || name === OUTPUT_NAME) outer += elementCount(shape);
    else if (shape.length === 2) packed += elementCount(shape);
  }
  let adapter = 0;
  if (method !== 'full' && adapterValues !== undefined) adapter = adapterValues;
  else if (method !== 'full') {
    const lora = parseLoraConfig({ rank, alpha: rank }, 'the request');
    for (const shape of adapterShapes(config, lora).values()) adapter += elementCount(shape);
  }
  return { all: parameterCount(config), packed, outer, adapter };
}

/** Value, gradient and two moments, all in float32. */
const trainedBytes = 16;

interface Machine {
  readonly runtime: number;
  readonly weights: (request: FitRequest, counts: Counts) => number;
  readonly trainedBytes: (method: FitMethod) => number;
  readonly activationsPerToken: (request: FitRequest) => number;
  /** Scores and their softmax of a row of a query, a head, over one position. */
  readonly scoreBytes: (checkpointing: Checkpointing, config: ModelConfig) => number;
  readonly checkpointing: (config: ModelConfig) => Checkpointing;
  /** Of one token and one row of the vocabulary, all copies together. */
  readonly logitBytes: number;
  /** Where micro-batches are cut so that logits take no more. */
  readonly logitBytesMax?: number;
  readonly logitRows: (config: ModelConfig) => number;
  readonly cacheBytes: number;
}

/**
 * Values, gradients, moments; the weights that the run began with; and what the runtime holds of gradients before they are
 * copied to their place (7.4 bytes measured at 26M parameters).
 */
const fullTrainingBytes = trainedBytes + 4 + 7;

/** float32 scales of blocks of 32, a packed value. */
const scaleBytes = 4 / 32;

/** What one matrix at a time is widened to, with the copy that the runtime makes of its halves. */
function widenedBytes({ config }: FitRequest): number {
  return 6 * config.hiddenSize * Math.max(config.intermediateSize, defaultVocabularyChunk(config));
}

/** Measured at 26M parameters: of a layer about 5 arrays of either width wait for the backward pass. */
function inProcessActivations({ config }: FitRequest): number {
  const checkpointing = defaultCheckpointing(config);
  if (checkpointing !== 'none') return activationBytesPerToken(config, checkpointing);
  return 4 * 5 * config.layerCount * (config.hiddenSize + config.intermediateSize);
}

/** 4-bit codes with a float32 scale a block of 32; embedding and output in 8 bits (`base-tensor.ts`). */
const inProcess: Machine = {
  runtime: 215e6,
  weights: (request, counts) => {
    const { all, packed, outer } = counts;
    const vectors = 4 * (all - packed - outer);
    if (request.method === 'full') return 0;
    if (request.method === 'qlora') return (0.5 + scaleBytes) * packed + (1 + scaleBytes) * outer + vectors;
    const isSmall = all <= SMALL_PARAMETERS_MAX;
    switch (request.base ?? (isSmall ? 'fp32' : 'halves')) {
      case 'fp32':
        // Small models merge adapters with their weights into a second copy (`model-graph.ts`).
        return 4 * (all + (isSmall ? packed : 0));
      case 'halves':
        return 2 * (packed + outer) + vectors + widenedBytes(request);
      case 'int8':
        return (1 + scaleBytes) * (packed + outer) + vectors;
    }
  },
  trainedBytes: (method) => (method === 'full' ? fullTrainingBytes : trainedBytes),
  activationsPerToken: inProcessActivations,
  scoreBytes: (checkpointing, { layerCount }) => (checkpointing === 'none' ? 4 * layerCount + 8 : 12),
  checkpointing: defaultCheckpointing,
  logitBytes: 12,
  logitBytesMax: 3 * LOGIT_BUDGET_BYTES,
  logitRows: defaultVocabularyChunk,
  cacheBytes: 4,
};

/**
 * bfloat16 weights and activations with gradient checkpointing: a layer keeps its input, and one layer at a time is computed
 * again. nf4 packs what is inside the layers with double quantisation (arXiv 2305.14314: 0.127 bits a value). Logits are
 * bfloat16, and float32 twice for the loss.
 */
const gpu: Machine = {
  runtime: 900e6,
  weights: ({ method }, { all, packed }) => {
    if (method === 'full') return 0;
    return 2 * (method === 'qlora' ? all - packed : all) + (method === 'qlora' ? (4.127 / 8) * packed : 0);
  },
  trainedBytes: () => trainedBytes,
  activationsPerToken: ({ config }) => activationBytesPerToken(config, 'layers') / 2,
  scoreBytes: () => 0,
  checkpointing: () => 'layers',
  logitBytes: 10,
  logitRows: ({ vocabSize }) => vocabSize,
  cacheBytes: 2,
};

const machines: Readonly<Record<FitDevice, Machine>> = {
  'in-process': inProcess,
  gpu,
  // Without fused attention and with float32 weights: what the worker does where there is no CUDA.
  mps: {
    ...gpu,
    weights: ({ method }, { all }) => (method === 'full' ? 0 : 4 * all),
    activationsPerToken: ({ config }) => activationBytesPerToken(config, 'layers'),
    scoreBytes: () => 12,
    logitBytes: 12,
    cacheBytes: 4,
  },
};

export function estimateMemory(request: FitRequest): MemoryEstimate {
  const { config, device, method, batch, length } = request;
  const machine = machines[device];
  const counts = countsOf(request);
  const tokens = batch * length;
  const checkpointing = machine.checkpointing(config);
  const scores = machine.scoreBytes(checkpointing, config) * config.headCount * tokens * length;
  const parts: MemoryParts = {
    runtime: machine.runtime,
    weights: machine.weights(request, counts),
    optimizer: machine.trainedBytes(method) * (method === 'full' ? counts.all : counts.adapter),
    activations: machine.activationsPerToken(request) * tokens + scores,
    logits: Math.min(
      machine.logitBytes * tokens * machine.logitRows(config),
      machine.logitBytesMax ?? Infinity,
    ),
    cache: machine.cacheBytes * 2 * config.layerCount * keyValueWidth(config) * tokens,
  };
  const { runtime, weights, optimizer, activations, logits, cache } = parts;
  return { parts, peak: runtime + weights + optimizer + Math.max(activations + logits, cache) };
}
