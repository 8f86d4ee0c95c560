/**
 * Everything a `Policy` does, on the thread that calls it: training (`runtime/`), sampling (`sampling/`) and files
 * (`checkpoint/`) over the same weights. `local-policy.ts` puts one into a worker thread.
 */
import { copyFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { QuerentError } from '../foundation/errors.ts';
import { writeDirectoryAtomic } from '../foundation/files.ts';
import { createRandom } from '../foundation/random.ts';
import { initializeAdapter, type LoraConfig, type LoraOptions, parseLoraConfig } from './model/lora.ts';
import { type ModelConfig, parseModelConfig } from './model/model-config.ts';
import {
  checkWeights,
  elementCount,
  initializeWeights,
  type NamedWeights,
  weightShapes,
} from './model/weights.ts';
import type { AdamParams, Datum, LossSpec, SampledSequence, SampleRequest } from './policy.ts';
import { loadAdapter, loadModel, saveAdapter, saveModel } from './runtime/model-files.ts';
import { Trainer } from './runtime/trainer.ts';
import { loadTrainingState, saveTrainingState } from './runtime/training-state.ts';
import type { EngineFacts } from './worker-protocol.ts';

export interface EngineOptions {
  /** A model with fresh weights: the content of a Hugging Face `config.json`. */
  readonly config?: unknown;
  /** Or a model directory: `config.json` and `model.safetensors`. */
  readonly directory?: string;
  /** Copied into every saved model directory. */
  readonly tokenizerFile?: string;
  /** Train an adapter and keep the weights frozen. */
  readonly lora?: LoraOptions;
  /** Or go on with a saved adapter (PEFT layout). */
  readonly adapterDirectory?: string;
  readonly seed: number;
  /** Threads of matrix products; left out: all cores. Results are the same only for the same number. */
  readonly threads?: number;
  /** Dropout on embeddings and branches while training; default 0. */
  readonly dropout?: number;
  /** Longest sequence; default: what the model was made for, at most 4096. */
  readonly maxLength?: number;
  /** Tokens that run at once; default 8192. Less needs less memory. */
  readonly tokenBudget?: number;
  /** Bytes that the logits of one micro-batch may take; default 256 MB. */
  readonly logitBudgetBytes?: number;
}

interface StartingPoint {
  readonly config: ModelConfig;
  readonly weights: NamedWeights;
  readonly lora: { readonly config: LoraConfig; readonly adapter: NamedWeights } | undefined;
}

function invalidOption(problem: string, next: string): QuerentError {
  return new QuerentError('engine/invalid-option', problem, { next });
}

async function startingWeights(options: EngineOptions): Promise<Pick<StartingPoint, 'config' | 'weights'>> {
  if ((options.config === undefined) === (options.directory === undefined)) {
    throw invalidOption(
      'a policy is made from either a config (fresh weights) or a directory, and got both or neither',
      'Give exactly one of "config" and "directory".',
    );
  }
  if (options.directory !== undefined) return loadModel(options.directory);
  const config = parseModelConfig(options.config, 'the model config');
  return { config, weights: initializeWeights(config, createRandom(options.seed).fork('weights')) };
}

async function startingPoint(options: EngineOptions): Promise<StartingPoint> {
  const { config, weights } = await startingWeights(options);
  checkWeights(config, weights, options.directory ?? 'the fresh model');
  if (options.adapterDirectory !== undefined) {
    const loaded = await loadAdapter(options.adapterDirectory, config);
    return { config, weights, lora: { config: loaded.config, adapter: loaded.weights } };
  }
  if (options.lora === undefined) return { config, weights, lora: undefined };
  const lora = parseLoraConfig(options.lora, 'the LoRA config');
  const adapter = initializeAdapter(config, lora, createRandom(options.seed).fork('adapter'));
  return { config, weights, lora: { config: lora, adapter } };
}

function checkedDropout(dropout: number): number {
  if (dropout >= 0 && dropout < 1) return dropout;
  throw invalidOption(`dropout is ${dropout}`, 'Give a number from 0 up to, not including, 1.');
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #trainer: Trainer;

  private constructor(options: EngineOptions, trainer: Trainer) {
    this.#options = options;
    this.#trainer = trainer;
  }

  static async create(options: EngineOptions): Promise<Engine> {
    const point = await startingPoint(options);
    const trainer = new Trainer({
      ...point,
      seed: options.seed,
      threads: options.threads ?? availableParallelism(),
      maxLength: options.maxLength ?? Math.min(point.config.maxPositions, 4096),
      dropout: checkedDropout(options.dropout ?? 0),
      tokenBudget: options.tokenBudget ?? 8192,
      logitBudgetBytes: options.logitBudgetBytes ?? 256e6,
    });
    return new Engine(options, trainer);
  }

  facts(): EngineFacts {
    const { config, maxLength } = this.#trainer.options;
    let parameterCount = 0;
    for (const shape of weightShapes(config).values()) parameterCount += elementCount(shape);
    const trainableCount = this.#trainer.store.trainableCount;
    return { vocabSize: config.vocabSize, maxLength, parameterCount, trainableCount };
  }

  forwardBackward(data: readonly Datum[], loss: LossSpec) {
    return this.#trainer.forwardBackward(data, loss);
  }

  optimStep(adam: AdamParams) {
    return this.#trainer.optimStep(adam);
  }

  logprobs(
    data: readonly Datum[],
    options?: { readonly useReference?: boolean; readonly temperature?: number },
  ) {
    return this.#trainer.logprobs(data, options);
  }

  freezeReference(): void {
    this.#trainer.freezeReference();
  }

  sample(_request: SampleRequest): Promise<readonly (readonly SampledSequence[])[]> {
    throw new QuerentError('engine/not-wired', 'sampling is not connected yet');
  }

  /** The directory appears whole or not at all; one of the same name is replaced. */
  async save(directory: string, options: { readonly optimizer?: boolean } = {}): Promise<void> {
    const { config, lora } = this.#trainer.options;
    const { tokenizerFile } = this.#options;
    await writeDirectoryAtomic(directory, async (temporary) => {
      const weights = this.#trainer.store.trainable();
      if (lora === undefined) await saveModel(temporary, { config, weights });
      else await saveAdapter(temporary, { config: lora.config, weights, baseModel: this.#options.directory });
      if (tokenizerFile !== undefined) await copyFile(tokenizerFile, join(temporary, 'tokenizer.json'));
      if (options.optimizer === true) await saveTrainingState(temporary, this.#trainer);
    });
  }

  /** Weights (or adapter) of the same model; with `optimizer` training goes on exactly. The frozen reference stays. */
  async load(directory: string, options: { readonly optimizer?: boolean } = {}): Promise<void> {
    const { config, lora } = this.#trainer.options;
    const weights = await (lora === undefined
      ? this.#loadFull(directory, config)
      : this.#loadAdapter(directory));
    if (options.optimizer === true) await loadTrainingState(directory, this.#trainer);
    this.#trainer.store.write(weights);
    this.#trainer.store.hasGradient = false;
  }

  async close(): Promise<void> {
    await this.#trainer.close();
  }

  async #loadFull(directory: string, config: ModelConfig): Promise<NamedWeights> {
    const loaded = await loadModel(directory);
    checkWeights(config, loaded.weights, directory);
    return loaded.weights;
  }

  async #loadAdapter(directory: string): Promise<NamedWeights> {
    const { config, lora } = this.#trainer.options;
    const loaded = await loadAdapter(directory, config);
    if (loaded.config.rank !== lora!.config.rank || loaded.config.alpha !== lora!.config.alpha) {
      throw new QuerentError(
        'engine/adapter-mismatch',
        `${directory} holds an adapter of rank ${loaded.config.rank} and alpha ${loaded.config.alpha}, the policy has rank ${lora!.config.rank} and alpha ${lora!.config.alpha}`,
        { next: 'Create the policy with adapterDirectory, or load another adapter.' },
      );
    }
    return loaded.weights;
  }
}
