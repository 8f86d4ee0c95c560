/**
 * The engine itself, without threads or files: weights, gradients, moments, and the four training verbs on them.
 * `engine-worker.ts` runs one in a worker thread; tests run it directly.
 */
import { QuerentError } from '../../foundation/errors.ts';
import { createRandom, type Random, type RandomState } from '../../foundation/random.ts';
import { collect, lossFeeds, readFeeds } from '../batching/loss-feeds.ts';
import { type PreparedBatch, prepareBatches } from '../batching/prepare.ts';
import { lossKind } from '../losses/loss-graph.ts';
import { sequenceMetrics } from '../losses/policy-metrics.ts';
import type { BaseWeights } from '../model/base-tensor.ts';
import type { LoraConfig } from '../model/lora.ts';
import type { ModelConfig } from '../model/model-config.ts';
import type { Checkpointing } from '../model/model-graph.ts';
import type { NamedWeights } from '../model/weights.ts';
import { type AdamState, adamwUpdate, clipFactor, createAdamState } from '../optimizer/adamw.ts';
import { Muon } from '../optimizer/muon.ts';
import type { AdamParams, Datum, ForwardBackwardResult, LossSpec } from '../policy.ts';
import { checkData, checkLoss } from './datum-checks.ts';
import { DropoutFeeds } from './dropout-feeds.ts';
import { ParameterStore, type TrainableSlot } from './parameter-store.ts';
import { type SessionSpec, TrainingSession } from './training-session.ts';

export interface TrainerOptions {
  readonly config: ModelConfig;
  /** All of them train, unless there is an adapter: then only that trains, and these may be stored packed. */
  readonly weights: BaseWeights;
  readonly lora?: { readonly config: LoraConfig; readonly adapter: NamedWeights } | undefined;
  /** Nothing trains; without an adapter the weights may then be stored packed too. */
  readonly frozen?: boolean;
  readonly seed: number;
  readonly threads: number;
  readonly maxLength: number;
  /**
   * Dropout of the model's branches, for cross-entropy only: under a policy-gradient loss it would make ratios differ
   * from 1 on samples that were drawn without it.
   */
  readonly dropout: number;
  /** Tokens of one micro-batch. */
  readonly tokenBudget: number;
  /** Bytes that the logits of one micro-batch may take. */
  readonly logitBudgetBytes: number;
  readonly checkpointing: Checkpointing;
  /** Rows of the output matrix whose logits are computed at once. */
  readonly vocabularyChunk: number;
}

/** Sessions that are kept compiled; more kinds of loss than this are recompiled when they come back. */
const SESSION_LIMIT = 6;

export class Trainer {
  readonly options: TrainerOptions;
  readonly store: ParameterStore;
  readonly adam: AdamState;
  #random: Random;
  #dropoutFeeds: DropoutFeeds;
  readonly #sessions = new Map<string, TrainingSession>();
  #reference: Float32Array | undefined;
  #muon: Promise<Muon> | undefined;

  constructor(options: TrainerOptions) {
    this.options = options;
    const { weights, lora, frozen = false } = options;
    const allTrain = lora === undefined && !frozen;
    this.store = allTrain
      ? new ParameterStore(trainableWeights(weights), new Map())
      : new ParameterStore(lora?.adapter ?? new Map(), weights);
    this.adam = createAdamState(this.store.memory, this.store.values.length);
    this.#random = createRandom(options.seed).fork('dropout-draws');
    this.#dropoutFeeds = new DropoutFeeds(options.seed);
  }

  async forwardBackward(data: readonly Datum[], loss: LossSpec): Promise<ForwardBackwardResult> {
    this.refuseIfFrozen('trained');
    const { config, maxLength, dropout, lora } = this.options;
    checkData(data, config.vocabSize, maxLength);
    checkLoss(data, loss);
    const logprobs = data.map((datum) => new Float32Array(datum.inputTokens_T.length));
    const metrics: Record<string, number> = { tokens: 0, entropy: 0 };
    if (loss.name !== 'cross_entropy')
      Object.assign(metrics, { kl: 0, clippedLow: 0, clippedHigh: 0, ratio: 0 });
    const isSupervised = loss.name === 'cross_entropy';
    const draws = data.map(() => this.#random.int(2 ** 32));
    const session = await this.#session({
      ...this.#baseSpec(),
      loss: lossKind(loss),
      dropout: isSupervised ? dropout : 0,
      loraDropout: isSupervised ? (lora?.config.dropout ?? 0) : 0,
    });
    const inverseTemperature = loss.name === 'cross_entropy' ? 1 : 1 / loss.temperature;
    let lossSum = 0;
    for (const prepared of this.#prepare(data, session.dropoutSites.length === 0)) {
      const { batch, members, reads, starts } = prepared;
      const dropped = members.map(({ index, start, tokens }) => ({
        draw: draws[index]!,
        start,
        length: tokens.length,
      }));
      const result = await session.runWithGradient(
        {
          ...batch.feeds,
          ...readFeeds(prepared.data, reads, starts, batch.tokenCount, inverseTemperature),
          ...lossFeeds(prepared.data, reads, loss),
          ...this.#dropoutFeeds.feeds(session.dropoutSites, dropped, batch.tokenCount),
        },
        this.store,
      );
      lossSum += result.lossSum;
      spread(prepared, result.logprobs_L, logprobs);
      addMetrics(metrics, prepared, result, loss);
    }
    return { lossSum, logprobs, metrics };
  }

  async optimStep(adam: AdamParams): Promise<{ readonly gradientNorm: number }> {
    this.refuseIfFrozen('trained');
    const { store } = this;
    const muon = adam.muonMomentum === undefined ? undefined : await this.#openMuon();
    if (!store.hasGradient) store.gradient.fill(0);
    const gradientNorm = Math.sqrt(store.memory.sumOfSquares(store.gradient));
    const scale = clipFactor(gradientNorm, adam.gradientClip);
    const byAdam = muon === undefined ? store.slots : store.slots.filter((slot) => !isMatrixOfLayer(slot));
    adamwUpdate(store.memory, store.values, store.gradient, this.adam, byAdam, adam, scale);
    await muon?.update(
      { parameters: store.values, gradient: store.gradient, momentum: this.adam.firstMoment },
      { ...adam, momentum: adam.muonMomentum!, scale },
    );
    store.hasGradient = false;
    return { gradientNorm };
  }

  async logprobs(
    data: readonly Datum[],
    options: { readonly useReference?: boolean; readonly temperature?: number } = {},
  ): Promise<readonly Float32Array[]> {
    checkData(data, this.options.config.vocabSize, this.options.maxLength);
    const useReference = options.useReference ?? false;
    const isAdapterOff = useReference && this.#reference === undefined && this.options.lora !== undefined;
    const session = await this.#session({
      ...this.#baseSpec(),
      ...(isAdapterOff ? { lora: undefined } : {}),
      dropout: 0,
      loraDropout: 0,
    });
    const weights = useReference ? this.#referenceWeights() : this.store.weights;
    const logprobs = data.map((datum) => new Float32Array(datum.inputTokens_T.length));
    const inverseTemperature = 1 / (options.temperature ?? 1);
    for (const { members, data: part, reads, starts, batch } of this.#prepare(data, true)) {
      const reading = readFeeds(part, reads, starts, batch.tokenCount, inverseTemperature);
      const logprobs_L = await session.run({ ...batch.feeds, ...reading }, weights);
      spread({ members, reads }, logprobs_L, logprobs);
    }
    return logprobs;
  }

  refuseIfFrozen(what: string): void {
    if (this.options.frozen !== true) return;
    throw new QuerentError(
      'engine/frozen',
      `the policy was opened to be sampled from, and was to be ${what}`,
      {
        next: 'Create it without "frozen".',
      },
    );
  }

  /** Freeze a copy of the trainable weights as the reference. */
  freezeReference(): void {
    this.#reference = this.store.values.slice();
  }

  /** Trainable weights of the reference; undefined = none (adapter off). Full training must have frozen one. */
  referenceWeights(): NamedWeights | undefined {
    if (this.#reference !== undefined) return this.store.named(this.#reference);
    if (this.#isFixed) return undefined;
    throw noReference();
  }

  randomState(): { readonly draws: RandomState; readonly patternSeed: number } {
    return { draws: this.#random.state(), patternSeed: this.#dropoutFeeds.seed };
  }

  restoreRandom(state: { readonly draws: RandomState; readonly patternSeed: number }): void {
    this.#random = createRandom(state.draws);
    this.#dropoutFeeds = new DropoutFeeds(state.patternSeed);
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await session.release();
    this.#sessions.clear();
    await (await this.#muon)?.release();
  }

  #openMuon(): Promise<Muon> {
    const { lora, threads } = this.options;
    if (lora !== undefined) {
      throw new QuerentError(
        'engine/muon-with-adapter',
        'Muon trains whole matrices, and this is an adapter',
        {
          next: 'Set optimizer to adamw, or train without lora.',
        },
      );
    }
    this.#muon ??= Muon.create(
      this.store.slots
        .filter(isMatrixOfLayer)
        .map(({ start, shape }) => ({ start, rows: shape[0]!, columns: shape[1]! })),
      threads,
    );
    return this.#muon;
  }

  #referenceWeights(): BaseWeights {
    if (this.#reference !== undefined) return this.store.weightsOver(this.#reference);
    if (this.#isFixed) return this.store.weights;
    throw noReference();
  }

  /** The weights of the model itself never change. */
  get #isFixed(): boolean {
    return this.options.lora !== undefined || this.options.frozen === true;
  }

  #baseSpec(): Omit<SessionSpec, 'loss' | 'dropout' | 'loraDropout'> {
    const { config, lora, maxLength, threads, checkpointing, vocabularyChunk } = this.options;
    return { config, lora: lora?.config, maxLength, threads, checkpointing, vocabularyChunk };
  }

  /** Compiled once for each kind; the one unused for longest makes room. */
  async #session(spec: SessionSpec): Promise<TrainingSession> {
    const key = JSON.stringify([spec.loss, spec.lora !== undefined, spec.dropout, spec.loraDropout]);
    const known = this.#sessions.get(key);
    if (known !== undefined) {
      this.#sessions.delete(key);
      this.#sessions.set(key, known);
      return known;
    }
    const oldest = this.#sessions.entries().next();
    if (this.#sessions.size >= SESSION_LIMIT && !oldest.done) {
      this.#sessions.delete(oldest.value[0]);
      await oldest.value[1].release();
    }
    const session = await TrainingSession.create(spec, this.store);
    this.#sessions.set(key, session);
    return session;
  }

  #prepare(data: readonly Datum[], sharesPrefixes: boolean): Generator<PreparedBatch> {
    const { config, tokenBudget, logitBudgetBytes, vocabularyChunk } = this.options;
    const columns = Math.min(config.vocabSize, vocabularyChunk);
    const positions = Math.max(1, Math.floor(logitBudgetBytes / (4 * columns)));
    const budget = { tokens: tokenBudget, positions };
    return prepareBatches(data, { config, budget, sharesPrefixes });
  }
}

/** Embeddings and the output are tables of rows, not maps: Muon leaves them, norms and biases to AdamW. */
function isMatrixOfLayer({ name, shape }: TrainableSlot): boolean {
  return shape.length === 2 && name.startsWith('model.layers.');
}

/** Packed weights cannot train. */
function trainableWeights(weights: BaseWeights): NamedWeights {
  const values: NamedWeights = new Map();
  for (const [name, tensor] of weights) {
    if (!('data' in tensor)) {
      throw new QuerentError(
        'engine/packed-weights',
        `${name} is stored packed, and all weights were to train`,
        {
          next: 'Train an adapter on packed weights, or load them as fp32.',
        },
      );
    }
    values.set(name, tensor);
  }
  return values;
}

function noReference(): QuerentError {
  return new QuerentError('engine/no-reference', 'there is no frozen reference to ask', {
    next: 'Call freezeReference() first.',
  });
}

/** Put the values of the read positions back where they belong in each datum. */
function spread(
  { members, reads }: Pick<PreparedBatch, 'members' | 'reads'>,
  values_L: Float32Array,
  into: readonly Float32Array[],
): void {
  let next = 0;
  members.forEach(({ index }, member) => {
    for (const position of reads[member]!) into[index]![position] = values_L[next++]!;
  });
}

function addMetrics(
  metrics: Record<string, number>,
  { data, reads }: PreparedBatch,
  result: { readonly logprobs_L: Float32Array; readonly entropy_L: Float32Array },
  loss: LossSpec,
): void {
  metrics.tokens = metrics.tokens! + result.logprobs_L.length;
  metrics.entropy = result.entropy_L.reduce((sum, value) => sum + value, metrics.entropy!);
  if (loss.name === 'cross_entropy') return;
  let start = 0;
  data.forEach((datum, index) => {
    const read = [reads[index]!];
    const counted = sequenceMetrics(
      {
        logprobs: result.logprobs_L.subarray(start, start + read[0]!.length),
        oldLogprobs: collect([datum], read, (d) => d.oldLogprobs_T!),
        advantages: collect([datum], read, (d) => d.advantages_T!),
        referenceLogprobs:
          datum.referenceLogprobs_T === undefined
            ? []
            : collect([datum], read, (d) => d.referenceLogprobs_T!),
      },
      loss,
    );
    for (const [key, value] of Object.entries(counted)) metrics[key] = metrics[key]! + value;
    start += read[0]!.length;
  });
}
