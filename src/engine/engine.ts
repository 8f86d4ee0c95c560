/**
 * Everything a `Policy` does, on the thread that calls it: training (`runtime/`), sampling (`sampling/`) and files
 * (`checkpoint/`) over the same weights. `local-policy.ts` puts one into a worker thread.
 */
import { availableParallelism } from 'node:os';
import { QuerentError } from '../foundation/errors.ts';
import { writeDirectoryAtomic } from '../foundation/files.ts';
import { createRandom } from '../foundation/random.ts';
import { loadAdapter, writeAdapter } from './checkpoint/adapter-directory.ts';
import { type BaseModel, Fingerprint } from './checkpoint/base-model.ts';
import { readJsonObject } from './checkpoint/json-file.ts';
import {
  loadModel,
  loadModelAs,
  refuseForeignDirectory,
  type WeightReader,
  writeModel,
} from './checkpoint/model-directory.ts';
import {
  type BaseFormat,
  type BaseTensor,
  type BaseWeights,
  type ChosenFormat,
  chosenFormat,
  type HalfTensor,
  toBaseTensor,
} from './model/base-tensor.ts';
import { initializeAdapter, type LoraConfig, type LoraOptions, parseLoraConfig } from './model/lora.ts';
import { longestSequence, type ModelConfig, parseModelConfig } from './model/model-config.ts';
import type { Checkpointing } from './model/model-graph.ts';
import {
  checkWeights,
  freshWeights,
  type NamedWeights,
  parameterCount,
  type WeightTensor,
} from './model/weights.ts';
import type {
  AdamParams,
  Datum,
  ForwardBackwardResult,
  LossSpec,
  Policy,
  SampledSequence,
  SampleRequest,
} from './policy.ts';
import {
  defaultCheckpointing,
  defaultTokenBudget,
  defaultVocabularyChunk,
  LOGIT_BUDGET_BYTES,
} from './runtime/memory-budget.ts';
import { PolicySampler } from './runtime/policy-sampler.ts';
import { Trainer } from './runtime/trainer.ts';
import { loadTrainingState, saveTrainingState } from './runtime/training-state.ts';
import type { SamplingWatch } from './sampling/sampling-watch.ts';
import { loadTokenizer, type TokenizerJson } from './tokenizer/tokenizer.ts';

export interface EngineOptions {
  /** A model with fresh weights: the content of a Hugging Face `config.json`. */
  readonly config?: unknown;
  /** Or a model directory: `config.json` and `model.safetensors`. */
  readonly directory?: string;
  /** Layers to begin with, more than those of `directory`: the added ones change nothing before they are trained. */
  readonly layers?: number;
  /** A `tokenizer.json` for every saved model; left out: the one of `directory`, if it has one. */
  readonly tokenizerFile?: string;
  /** Train an adapter and keep the weights frozen. */
  readonly lora?: LoraOptions;
  /** Or go on with a saved adapter (PEFT layout). */
  readonly adapterDirectory?: string;
  readonly seed: number;
  /**
   * Threads of matrix products; left out: all cores, and one for a model of up to 10M parameters that is only asked. Results
   * are the same only for the same number.
   */
  readonly threads?: number;
  /** Dropout on embeddings and branches under cross-entropy (never under policy-gradient losses); default 0. */
  readonly dropout?: number;
  /** Longest sequence; default: what the model was made for, at most 4096. */
  readonly maxLength?: number;
  /** Tokens that run at once; default: what fits into 1.5 GB of activations, at most 8192. */
  readonly tokenBudget?: number;
  /** Bytes that the logits of one micro-batch may take; default 256 MB. */
  readonly logitBudgetBytes?: number;
  /** Nothing trains: for sampling and log-probabilities. Without an adapter this also saves the room of gradients and moments. */
  readonly frozen?: boolean;
  /**
   * How frozen weights (under an adapter, or all with `frozen`) lie in memory. Default "auto": as the checkpoint has them, and
   * "fp32" up to 64M parameters. Embedding and output keep 8 bits under "int4".
   */
  readonly baseWeights?: BaseFormat;
  /** Neighbouring weights that share a scale under "int8" and "int4": 16, 32 (default), 64 or 128. */
  readonly blockSize?: 16 | 32 | 64 | 128;
  /** What the backward pass computes again instead of keeping it; default: "none", above 64M parameters "activations". */
  readonly checkpointing?: Checkpointing;
  /** Rows of the output matrix whose logits exist at once; default: all up to 16,384, else 8,192. */
  readonly vocabularyChunk?: number;
}

export type EngineFacts = Pick<Policy, 'vocabSize' | 'maxLength' | 'parameterCount' | 'trainableCount'>;

type LogprobsOptions = Parameters<Policy['logprobs']>[1];

interface Model {
  readonly config: ModelConfig;
  readonly weights: BaseWeights;
  readonly tokenizerJson: TokenizerJson | undefined;
  readonly companions?: ReadonlyMap<string, string>;
}

interface StartingPoint extends Model {
  /** What an adapter lies on; undefined without one. */
  readonly base: BaseModel | undefined;
  readonly lora: { readonly config: LoraConfig; readonly adapter: NamedWeights } | undefined;
}

function invalidOption(problem: string, next: string): QuerentError {
  return new QuerentError('engine/invalid-option', problem, { next });
}

async function readTokenizer(path: string): Promise<TokenizerJson> {
  const json = await readJsonObject(path, 'tokenizer');
  loadTokenizer(json); // refuses what is not a tokenizer
  return json;
}

/** How the weights are stored, once it is known which model they are of. */
type ToStored = (name: string, tensor: WeightTensor | HalfTensor, config: ModelConfig) => BaseTensor;

async function startingWeights(
  options: EngineOptions,
  formatFor: (config: ModelConfig) => ChosenFormat,
  toStored: ToStored,
): Promise<Model> {
  if ((options.config === undefined) === (options.directory === undefined)) {
    throw invalidOption(
      'a policy is made from either a config (fresh weights) or a directory, and got both or neither',
      'Give exactly one of "config" and "directory".',
    );
  }
  const tokenizerJson =
    options.tokenizerFile === undefined ? undefined : await readTokenizer(options.tokenizerFile);
  if (options.directory !== undefined) {
    const readAs: WeightReader<BaseTensor> = async (name, source, config) => {
      const isKept = ['stored', 'fp16'].includes(formatFor(config));
      return toStored(name, await (isKept ? source.readStored(name) : source.read(name)), config);
    };
    const loaded = await loadModelAs(options.directory, readAs, options.layers);
    return { ...loaded, tokenizerJson: tokenizerJson ?? loaded.tokenizerJson };
  }
  const config = parseModelConfig(options.config, 'the model config');
  const random = createRandom(options.seed).fork('weights');
  const weights = freshWeights(config, random, (name, tensor) => toStored(name, tensor, config));
  return { config, weights, tokenizerJson };
}

async function startingPoint(options: EngineOptions): Promise<StartingPoint> {
  const { baseWeights = 'auto', blockSize = 32, frozen = false } = options;
  const isAdapted = options.adapterDirectory !== undefined || options.lora !== undefined;
  const allTrain = !isAdapted && !frozen;
  if (allTrain && baseWeights !== 'fp32' && baseWeights !== 'auto') {
    throw invalidOption(
      `baseWeights is "${baseWeights}" and there is no adapter: packed weights cannot train`,
      'Add "lora" or "adapterDirectory", set "frozen" to sample only, or leave baseWeights out.',
    );
  }
  if (options.layers !== undefined && options.directory === undefined) {
    throw invalidOption(
      `layers is ${options.layers}, and there is no model to grow`,
      'Give "directory", or say the number of layers in "config".',
    );
  }
  if (!allTrain && options.layers !== undefined) {
    throw invalidOption(
      `layers is ${options.layers}, and the weights of the model do not train: added layers would stay empty`,
      'Leave layers out, or train all weights: without "lora", "adapterDirectory" and "frozen".',
    );
  }
  const formatFor = (config: ModelConfig): ChosenFormat =>
    allTrain ? 'fp32' : chosenFormat(baseWeights, config);
  // The base's identity is that of its own weights, however they are stored here.
  const fingerprint = new Fingerprint();
  const model = await startingWeights(options, formatFor, (name, tensor, config) => {
    fingerprint.add(name, tensor);
    return toBaseTensor(name, tensor, { format: formatFor(config), blockSize });
  });
  const { config } = model;
  if (!isAdapted) return { ...model, base: undefined, lora: undefined };
  const base = { directory: options.directory, fingerprint: fingerprint.toString() };
  if (options.adapterDirectory !== undefined) {
    const loaded = await loadAdapter(options.adapterDirectory, config, base);
    return { ...model, base, lora: { config: loaded.config, adapter: loaded.weights } };
  }
  const lora = parseLoraConfig(options.lora, 'the LoRA config');
  const adapter = initializeAdapter(config, lora, createRandom(options.seed).fork('adapter'));
  return { ...model, base, lora: { config: lora, adapter } };
}

/** Beyond the window of a sliding attention the engine would compute another model. */
function checkedLength(asked: number | undefined, config: ModelConfig): number {
  const window = config.slidingWindow?.size ?? Number.POSITIVE_INFINITY;
  if (asked === undefined) return Math.min(longestSequence(config), 4096);
  if (asked <= window) return asked;
  throw new QuerentError(
    'engine/unsupported-model',
    `"sliding_window" is ${window}, and sequences of up to ${asked} tokens were asked for; windows are supported only where no sequence is longer`,
    { next: `Set maxLength to ${window} or less.`, details: { window, asked } },
  );
}

function checkedDropout(dropout: number): number {
  if (dropout >= 0 && dropout < 1) return dropout;
  throw invalidOption(`dropout is ${dropout}`, 'Give a number from 0 up to, not including, 1.');
}

/** Below this, threads wait for each other longer than they compute, unless a batch is large (docs/experiments.md). */
const oneThreadParametersMax = 10e6;

function defaultThreads(config: ModelConfig, isFrozen: boolean): number {
  return isFrozen && parameterCount(config) <= oneThreadParametersMax ? 1 : availableParallelism();
}

export class Engine {
  readonly #text: Pick<Model, 'tokenizerJson' | 'companions'>;
  readonly #base: BaseModel | undefined;
  readonly #trainer: Trainer;
  readonly #sampler: PolicySampler;

  private constructor(
    trainer: Trainer,
    base: BaseModel | undefined,
    text: Pick<Model, 'tokenizerJson' | 'companions'>,
  ) {
    this.#trainer = trainer;
    this.#base = base;
    this.#text = text;
    this.#sampler = new PolicySampler(trainer);
  }

  static async create(options: EngineOptions): Promise<Engine> {
    const { config, weights, lora, base, ...text } = await startingPoint(options);
    const checkpointing = options.checkpointing ?? defaultCheckpointing(config);
    const trainer = new Trainer({
      config,
      weights,
      lora,
      frozen: options.frozen ?? false,
      seed: options.seed,
      threads: options.threads ?? defaultThreads(config, options.frozen ?? false),
      maxLength: checkedLength(options.maxLength, config),
      dropout: checkedDropout(options.dropout ?? 0),
      checkpointing,
      vocabularyChunk: options.vocabularyChunk ?? defaultVocabularyChunk(config),
      tokenBudget: options.tokenBudget ?? defaultTokenBudget(config, checkpointing),
      logitBudgetBytes: options.logitBudgetBytes ?? LOGIT_BUDGET_BYTES,
    });
    return new Engine(trainer, base, text);
  }

  facts(): EngineFacts {
    const { config, maxLength } = this.#trainer.options;
    return {
      vocabSize: config.vocabSize,
      maxLength,
      parameterCount: parameterCount(config),
      trainableCount: this.#trainer.store.trainableCount,
    };
  }

  sample(request: SampleRequest, watch?: SamplingWatch): Promise<readonly (readonly SampledSequence[])[]> {
    return this.#sampler.sample(request, watch);
  }

  forwardBackward(data: readonly Datum[], loss: LossSpec): Promise<ForwardBackwardResult> {
    return this.#trainer.forwardBackward(data, loss);
  }

  async optimStep(adam: AdamParams): Promise<{ readonly gradientNorm: number }> {
    const result = await this.#trainer.optimStep(adam);
    this.#sampler.weightsChanged();
    return result;
  }

  logprobs(data: readonly Datum[], options?: LogprobsOptions): Promise<readonly Float32Array[]> {
    return this.#trainer.logprobs(data, options);
  }

  async freezeReference(): Promise<void> {
    this.#trainer.freezeReference();
    await this.#sampler.referenceChanged();
  }

  /** The directory appears whole or not at all; a model of the same name is replaced. */
  async save(directory: string, options: { readonly optimizer?: boolean } = {}): Promise<void> {
    const { config, lora } = this.#trainer.options;
    if (lora === undefined) this.#trainer.refuseIfFrozen('saved');
    await refuseForeignDirectory(directory);
    await writeDirectoryAtomic(directory, async (temporary) => {
      const weights = this.#trainer.store.trainable();
      if (lora === undefined) await writeModel(temporary, { config, weights, ...this.#text });
      else {
        const { directory: baseModel, fingerprint: baseFingerprint } = this.#base!;
        await writeAdapter(temporary, { config: lora.config, weights, baseModel, baseFingerprint });
      }
      if (options.optimizer === true) await saveTrainingState(temporary, this.#trainer);
    });
  }

  /**
   * Weights (or another adapter of the same base and shape) of the same model; with `optimizer` training goes on exactly. The
   * frozen reference stays.
   */
  async load(directory: string, options: { readonly optimizer?: boolean } = {}): Promise<void> {
    const { config, lora } = this.#trainer.options;
    if (lora === undefined) this.#trainer.refuseIfFrozen('overwritten');
    const weights =
      lora === undefined
        ? await loadSameModel(directory, config)
        : await loadSameAdapter(directory, config, lora.config, this.#base!);
    if (options.optimizer === true) await loadTrainingState(directory, this.#trainer);
    this.#trainer.store.write(weights);
    this.#trainer.store.hasGradient = false;
    this.#sampler.weightsChanged();
  }

  async close(): Promise<void> {
    await this.#sampler.close();
    await this.#trainer.close();
  }
}

async function loadSameModel(directory: string, config: ModelConfig): Promise<NamedWeights> {
  const { weights } = await loadModel(directory);
  checkWeights(config, weights, directory);
  return weights;
}

async function loadSameAdapter(
  directory: string,
  config: ModelConfig,
  lora: LoraConfig,
  base: BaseModel,
): Promise<NamedWeights> {
  const loaded = await loadAdapter(directory, config, base);
  const { rank, alpha, useRslora } = loaded.config;
  if (rank === lora.rank && alpha === lora.alpha && useRslora === lora.useRslora) return loaded.weights;
  throw new QuerentError(
    'engine/adapter-mismatch',
    `${directory} holds an adapter of rank ${rank} and alpha ${alpha}, the policy has rank ${lora.rank} and alpha ${lora.alpha}`,
    { next: 'Create the policy with adapterDirectory, or load another adapter.' },
  );
}
