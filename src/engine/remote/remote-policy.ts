/**
 * `Policy` on another machine: a client of the public Tinker API. It speaks to Querent's own worker (`python/`), which has a
 * few extensions, to SkyRL on one's own GPUs and to the hosted service.
 * What a server cannot do is refused by name: token constraints run beside the logits, so they exist only in this process.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { QuerentError } from '../../foundation/errors.ts';
import { ignoreEvents, type Observe } from '../../foundation/events.ts';
import { writeDirectoryAtomic, writeFileAtomic } from '../../foundation/files.ts';
import { readJsonObject } from '../checkpoint/json-file.ts';
import { refuseForeignDirectory } from '../checkpoint/model-directory.ts';
import type { AdamParams, Datum, LossSpec, Policy, SampledSequence, SampleRequest } from '../policy.ts';
import { checkData, checkLoss } from '../runtime/datum-checks.ts';
import { type Capabilities, readCapabilities } from './capabilities.ts';
import { Connection, type ConnectionOptions, type Json } from './connection.ts';
import { download, upload } from './file-transfer.ts';
import { unsupported } from './remote-errors.ts';
import { RemoteModel } from './remote-model.ts';
import { RemoteSampler } from './remote-sampler.ts';
import { publicLoss, resultOf, workerLoss } from './wire.ts';

export interface RemotePolicyOptions extends ConnectionOptions {
  /** As the server names it; left out: its only one. */
  readonly baseModel?: string | undefined;
  /** Rank 0 trains every weight (Querent's worker only); alpha and target modules are the worker's too. */
  readonly lora: {
    readonly rank: number;
    readonly alpha?: number | undefined;
    readonly targetModules?: readonly string[] | undefined;
  };
  readonly seed: number;
  /** Longest sequence; default: the server's. */
  readonly maxLength?: number | undefined;
  /** For servers that do not say: of the model's `config.json`. */
  readonly vocabSize?: number | undefined;
  readonly parameterCount?: number | undefined;
  /** Files that every saved model gets beside its weights, for example its tokenizer. */
  readonly companionFiles?: readonly string[] | undefined;
  /** Where the base lies on this machine: saved adapters then name it, not the server's. */
  readonly localBase?: string | undefined;
  /** Optimizer steps between snapshots on the worker's disk, from which a killed worker goes on; default 5 (25 where every weight trains), 0 = none. */
  readonly snapshotEverySteps?: number | undefined;
}

const remoteFile = 'remote.json';
const remoteFileSchema = z.object({ url: z.string(), path: z.string(), baseModel: z.string() });
/** Tokens of one request: bodies stay below some tens of megabytes. */
const tokensPerRequest = 200_000;

export async function createRemotePolicy(options: RemotePolicyOptions): Promise<Policy> {
  const observe = options.observe ?? ignoreEvents;
  const connection = new Connection(options);
  const capabilities = await readCapabilities(connection, options.baseModel);
  const { worker } = capabilities;
  const model = await RemoteModel.create({
    connection,
    capabilities,
    lora: loraConfig(options, worker !== undefined, observe),
    snapshotEverySteps:
      worker === undefined ? 0 : (options.snapshotEverySteps ?? (options.lora.rank > 0 ? 5 : 25)),
    observe,
  });
  const vocabSize = worker?.vocab_size ?? options.vocabSize;
  const serverLength = capabilities.model.maxLength;
  const maxLength = Math.min(
    options.maxLength ?? serverLength ?? 4096,
    serverLength ?? Number.POSITIVE_INFINITY,
  );
  if (vocabSize === undefined) {
    throw unsupported(`${connection.url} does not say how large its vocabulary is`, 'Give vocabSize.');
  }
  const policy = new RemotePolicy(options, connection, capabilities, model, { vocabSize, maxLength });
  return Object.freeze({
    vocabSize,
    maxLength,
    parameterCount: worker?.parameter_count ?? options.parameterCount ?? 0,
    trainableCount: model.trainableCount ?? 0,
    sample: (request: SampleRequest) => policy.sample(request),
    forwardBackward: (data: readonly Datum[], loss: LossSpec) => policy.forwardBackward(data, loss),
    optimStep: (adam: AdamParams) => policy.optimStep(adam),
    logprobs: (data: readonly Datum[], how?: LogprobsOptions) => policy.logprobs(data, how),
    freezeReference: () => policy.freezeReference(),
    save: (directory: string, how?: SaveOptions) => policy.save(directory, how),
    load: (directory: string, how?: SaveOptions) => policy.load(directory, how),
    close: () => model.close(),
  });
}

type LogprobsOptions = Parameters<Policy['logprobs']>[1];
type SaveOptions = Parameters<Policy['save']>[1];

function loraConfig({ lora, seed }: RemotePolicyOptions, isWorker: boolean, observe: Observe): Json {
  const { rank, alpha, targetModules } = lora;
  if (isWorker) {
    const modules = targetModules === undefined ? {} : { target_modules: targetModules };
    return { rank, seed, ...(alpha === undefined ? {} : { alpha }), ...modules };
  }
  if (rank === 0) {
    throw unsupported(
      'the public API trains LoRA adapters only',
      'Give a rank (--set model.lora.rank=32 --set model.lora.alpha=32), or train through Querent’s own worker.',
    );
  }
  if (alpha !== undefined || targetModules !== undefined) {
    const message = 'this server chooses the alpha and the modules of an adapter itself';
    observe({ type: 'warning', code: 'remote/lora-fixed', message });
  }
  return { rank, seed };
}

class RemotePolicy {
  readonly #options: RemotePolicyOptions;
  readonly #connection: Connection;
  readonly #isWorker: boolean;
  readonly #baseModel: string;
  readonly #model: RemoteModel;
  readonly #sampler: RemoteSampler;
  readonly #limits: { readonly vocabSize: number; readonly maxLength: number };
  readonly #observe: Observe;
  #uploads = 0;
  #hasWarnedOfNorm = false;

  constructor(
    options: RemotePolicyOptions,
    connection: Connection,
    capabilities: Capabilities,
    model: RemoteModel,
    limits: { readonly vocabSize: number; readonly maxLength: number },
  ) {
    this.#options = options;
    this.#connection = connection;
    this.#isWorker = capabilities.worker !== undefined;
    this.#baseModel = capabilities.model.name;
    this.#model = model;
    this.#limits = limits;
    this.#observe = options.observe ?? ignoreEvents;
    this.#sampler = new RemoteSampler({
      connection,
      model,
      baseModel: this.#baseModel,
      isWorker: this.#isWorker,
      isLora: options.lora.rank > 0,
      ...limits,
    });
  }

  sample(request: SampleRequest): Promise<SampledSequence[][]> {
    return this.#model.run(() => this.#sampler.sample(request));
  }

  async forwardBackward(data: readonly Datum[], loss: LossSpec) {
    checkData(data, this.#limits.vocabSize, this.#limits.maxLength);
    checkLoss(data, loss);
    const wire = this.#isWorker ? workerLoss(loss) : publicLoss(loss);
    const rows: Float32Array[] = [];
    const reported: Record<string, number> = {};
    for (const part of portions(data)) {
      const input = {
        data: part.map(wire.data),
        loss_fn: wire.name,
        ...(wire.config === undefined ? {} : { loss_fn_config: wire.config }),
      };
      const answer = await this.#model.run(() =>
        this.#model.change('forward_backward', { forward_backward_input: input }),
      );
      rows.push(...logprobRows(answer, part));
      for (const [name, value] of Object.entries((answer.metrics ?? {}) as Record<string, number>)) {
        reported[name] = (reported[name] ?? 0) + value;
      }
    }
    return resultOf(data, loss, rows, this.#isWorker ? reported : {});
  }

  async optimStep(adam: AdamParams): Promise<{ readonly gradientNorm: number }> {
    if (adam.muonMomentum !== undefined)
      throw unsupported('training on another machine knows AdamW, not Muon', 'Set optimizer to adamw.');
    const answer = await this.#model.run(() =>
      this.#model.change('optim_step', {
        adam_params: {
          learning_rate: adam.learningRate,
          beta1: adam.beta1,
          beta2: adam.beta2,
          eps: adam.eps,
          weight_decay: adam.weightDecay,
          grad_clip_norm: adam.gradientClip,
        },
      }),
    );
    this.#sampler.weightsChanged();
    // A call of its own: what is done again after a loss must not make the step twice.
    await this.#model.run(() => this.#model.snapshotIfDue());
    return { gradientNorm: this.#normOf(answer) };
  }

  /** Servers name it differently, and some not at all. */
  #normOf(answer: Json): number {
    const metrics = Object.entries((answer.metrics ?? {}) as Record<string, number>);
    const found = metrics.find(([name]) => /grad(ient)?_norm/.test(name));
    if (found !== undefined) return found[1];
    if (!this.#hasWarnedOfNorm) {
      this.#hasWarnedOfNorm = true;
      const message = 'the server reports no gradient norm: the curve shows 0 for it';
      this.#observe({ type: 'warning', code: 'remote/no-gradient-norm', message });
    }
    return 0;
  }

  async logprobs(data: readonly Datum[], options: LogprobsOptions = {}): Promise<Float32Array[]> {
    checkData(data, this.#limits.vocabSize, this.#limits.maxLength);
    const { useReference = false, temperature = 1 } = options;
    if (useReference && !this.#isWorker) {
      return this.#model.run(() => this.#sampler.referenceLogprobs(data, temperature));
    }
    const rows: Float32Array[] = [];
    for (const part of portions(data)) {
      const answer = await this.#model.run(() => this.#sampler.forward(part, temperature, useReference));
      rows.push(...logprobRows(answer, part));
    }
    return rows.map((row, i) => row.map((value, t) => (data[i]!.weights_T[t] === 0 ? 0 : value)));
  }

  freezeReference(): Promise<void> {
    return this.#model.run(() =>
      this.#isWorker ? this.#model.freezeReference() : this.#sampler.freezeReference(),
    );
  }

  /** From Querent's worker the weights come here; other servers keep them, and the directory says where. */
  async save(directory: string, options: SaveOptions = {}): Promise<void> {
    if (!existsSync(join(directory, remoteFile))) await refuseForeignDirectory(directory);
    const name = `save-${randomBytes(6).toString('hex')}`;
    await writeDirectoryAtomic(directory, async (temporary) => {
      await mkdir(temporary, { recursive: true });
      const path = await this.#model.run(() => this.#model.save(name));
      if (this.#isWorker) {
        await download(this.#connection, path, temporary, options.optimizer === true);
        await this.#model.forget(path);
        await nameLocalBase(temporary, this.#options.localBase);
      }
      const place = { url: this.#connection.url, path, baseModel: this.#baseModel };
      if (!this.#isWorker) {
        await writeFileAtomic(join(temporary, remoteFile), `${JSON.stringify(place, null, 2)}\n`);
      }
      for (const file of this.#options.companionFiles ?? []) {
        await copyFile(file, join(temporary, basename(file)));
      }
    });
  }

  async load(directory: string, options: SaveOptions = {}): Promise<void> {
    const withOptimizer = options.optimizer === true;
    const path = this.#isWorker ? undefined : await this.#placeOf(directory);
    if (path === undefined) await refuseEmpty(directory);
    await this.#model.run(async () => {
      await this.#model.load(path ?? (await this.#upload(directory, withOptimizer)), withOptimizer);
      this.#sampler.weightsChanged();
    });
  }

  async #upload(directory: string, withOptimizer: boolean): Promise<string> {
    this.#uploads += 1;
    const weights = `tinker://${this.#model.id}/weights/upload-${this.#uploads}`;
    await upload(this.#connection, directory, weights, withOptimizer);
    return weights;
  }

  async #placeOf(directory: string): Promise<string> {
    const file = join(directory, remoteFile);
    const parsed = remoteFileSchema.safeParse(await readJsonObject(file, 'place of the weights'));
    if (parsed.success && parsed.data.baseModel === this.#baseModel) return parsed.data.path;
    throw new QuerentError('remote/other-weights', `${file} does not name weights of ${this.#baseModel}`, {
      next: 'Use the checkpoint of a run on this server with this base model.',
    });
  }
}

/** The worker knows its base by a name that need not mean anything on this machine. */
async function nameLocalBase(directory: string, localBase: string | undefined): Promise<void> {
  const path = join(directory, 'adapter_config.json');
  if (localBase === undefined || !existsSync(path)) return;
  const config = { ...(await readJsonObject(path, 'adapter config')), base_model_name_or_path: localBase };
  await writeFileAtomic(path, `${JSON.stringify(config, null, 2)}\n`);
}

async function refuseEmpty(directory: string): Promise<void> {
  const names = existsSync(directory) ? await readdir(directory) : [];
  if (names.some((name) => name.endsWith('.safetensors'))) return;
  throw new QuerentError('remote/no-weights', `${directory} holds no safetensors to send to the worker`, {
    next: 'Name a checkpoint directory; one that a hosted service keeps has only remote.json and loads there.',
  });
}

/** Losses are sums, so data may go in several requests. */
export function portions(data: readonly Datum[]): Datum[][] {
  const parts: Datum[][] = [];
  let tokens = Number.POSITIVE_INFINITY;
  for (const datum of data) {
    tokens += datum.inputTokens_T.length;
    if (tokens > tokensPerRequest) {
      parts.push([]);
      tokens = datum.inputTokens_T.length;
    }
    parts.at(-1)!.push(datum);
  }
  return parts;
}

function logprobRows(answer: Json, data: readonly Datum[]): Float32Array[] {
  const outputs = answer.loss_fn_outputs as { logprobs?: { data?: number[] } }[] | undefined;
  return data.map((datum, i) => {
    const row = outputs?.[i]?.logprobs?.data;
    if (row?.length === datum.inputTokens_T.length) return Float32Array.from(row);
    throw new QuerentError(
      'remote/other-api',
      `the server gave ${row?.length ?? 'no'} log-probabilities for ${datum.inputTokens_T.length} tokens`,
      { next: 'Check which server this is; it does not follow the Tinker API.' },
    );
  });
}
