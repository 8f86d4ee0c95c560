/**
 * Sampling from a model: `createDecoder` gives an object that answers `SampleRequest`s (see `policy.ts`).
 *
 *   const decoder = createDecoder({ config, weights, adapter: { config: lora, weights: adapterWeights }, threads: 2 });
 *   const groups = await decoder.sample(request);        // groups[prompt][sample]
 *   decoder.updateWeights();                             // the arrays it was given have new values, or pass new ones
 *   await decoder.close();
 *
 * It reads the given arrays while a request runs, never writes to them, and they must not change meanwhile.
 * Which weights `useReference` means is the caller's business: make a second decoder for them.
 * Greedy choices report `logprobs` of 0 (nothing was drawn) and `policyLogprobs` at temperature 1.
 */
import { type BaseWeights, floatWeights } from '../model/base-tensor.ts';
import { longestSequence, type ModelConfig } from '../model/model-config.ts';
import type { SampledSequence, SampleRequest } from '../policy.ts';
import { BufferPool } from './buffer-pool.ts';
import { DecodeSession } from './decode-session.ts';
import {
  type Adapter,
  chooseMode,
  type DecodeWeights,
  mergeAdapter,
  type WeightMode,
} from './decode-weights.ts';
import { Generation } from './generation.ts';
import { rowsThatFit } from './lane-cache.ts';
import { prefillGraph } from './prefill-graph.ts';
import { checkSampleRequest } from './sample-checks.ts';
import { refuseIfCancelled, type SamplingWatch } from './sampling-watch.ts';
import { type StepKind, stepGraph } from './step-graph.ts';
import { loadConstraint } from './token-constraint.ts';

export interface DecoderOptions {
  readonly config: ModelConfig;
  /** Hugging Face names, linear layers [out, in]. */
  readonly weights: BaseWeights;
  /** PEFT names. */
  readonly adapter?: Adapter | undefined;
  readonly threads: number;
  /** Sequences that run at once, where their cache fits into memory; 64 unless told. */
  readonly rowsMax?: number;
  /** Decided by the sizes of model and request unless told; see `decode-weights.ts`. */
  readonly weightMode?: WeightMode;
}

export interface Decoder {
  /** One group of `samplesPerPrompt` sequences a prompt, in order. Requests wait for each other. */
  sample(request: SampleRequest, watch?: SamplingWatch): Promise<SampledSequence[][]>;
  /** New values: in the arrays already given, or in new ones. */
  updateWeights(changed?: { readonly weights?: BaseWeights; readonly adapter?: Adapter }): void;
  close(): Promise<void>;
}

/** Sessions of one state of the weights, made when they are first needed. */
class DecodeSessions {
  readonly #source: DecodeWeights;
  readonly #threads: number;
  readonly #made = new Map<string, DecodeSession>();

  constructor(source: DecodeWeights, threads: number) {
    this.#source = source;
    this.#threads = threads;
  }

  async get(wanted: 'prefill' | StepKind): Promise<DecodeSession> {
    // Embedded weights are laid out once: one row is no case of its own.
    const isEmbedded = this.#source.mode === 'embedded';
    const kind = wanted === 'single-step' && isEmbedded ? 'step' : wanted;
    const known = this.#made.get(kind);
    if (known !== undefined) return known;
    const graph = kind === 'prefill' ? prefillGraph(this.#source) : stepGraph(this.#source, kind);
    const session = await DecodeSession.create(graph, this.#threads);
    this.#made.set(kind, session);
    return session;
  }

  async close(): Promise<void> {
    for (const session of this.#made.values()) await session.close();
    this.#made.clear();
  }
}

class LocalDecoder implements Decoder {
  #options: DecoderOptions;
  readonly #sessions = new Map<WeightMode, DecodeSessions>();
  /** Modes whose sessions hold old weights. */
  readonly #stale = new Set<WeightMode>();
  #pool = new BufferPool();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: DecoderOptions) {
    this.#options = options;
  }

  sample(request: SampleRequest, watch?: SamplingWatch): Promise<SampledSequence[][]> {
    const { config } = this.#options;
    checkSampleRequest(request, { vocabSize: config.vocabSize, maxLength: longestSequence(config) });
    const turn = this.#queue.then(() => this.#sample(request, watch));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  updateWeights(changed?: { weights?: BaseWeights; adapter?: Adapter }): void {
    this.#options = { ...this.#options, ...changed };
    this.#stale.add('embedded');
    // Fed sessions read the given arrays at every run: new values are seen, other arrays are not.
    if (changed !== undefined) this.#stale.add('fed');
  }

  async close(): Promise<void> {
    await this.#queue;
    for (const sessions of this.#sessions.values()) await sessions.close();
    this.#sessions.clear();
  }

  async #sample(request: SampleRequest, watch: SamplingWatch | undefined): Promise<SampledSequence[][]> {
    refuseIfCancelled(watch);
    if (request.prompts.length === 0) return [];
    const { config } = this.#options;
    const promptMax = Math.max(...request.prompts.map((prompt) => prompt.length));
    const rowsMax = rowsThatFit(config, promptMax + request.maxNewTokens, this.#options.rowsMax ?? 64);
    const constraint =
      request.constraint === undefined ? undefined : await loadConstraint(request.constraint);
    const sharedPrompt = request.samplesPerPrompt > 1 && rowsMax > 1;
    const sessions = await this.#currentSessions(request);
    const prefill = await sessions.get('prefill');
    const step = await sessions.get(this.#stepKind(request, sharedPrompt));
    const context = { config, prefill, step, sharedPrompt, rowsMax, constraint, pool: this.#pool, watch };
    try {
      return await new Generation(context, request).run();
    } catch (thrown) {
      // What the cache holds may not be finite: see `BufferPool`.
      this.#pool = new BufferPool();
      throw thrown;
    }
  }

  #stepKind({ prompts, samplesPerPrompt }: SampleRequest, sharedPrompt: boolean): StepKind {
    if (sharedPrompt) return 'shared-step';
    return prompts.length * samplesPerPrompt === 1 ? 'single-step' : 'step';
  }

  async #currentSessions(request: SampleRequest): Promise<DecodeSessions> {
    const { config, weights, adapter, threads, weightMode } = this.#options;
    const mode = chooseMode(weights, request, weightMode);
    const known = this.#sessions.get(mode);
    if (known !== undefined && !this.#stale.has(mode)) return known;
    await known?.close();
    const source =
      mode === 'embedded' && adapter !== undefined
        ? { mode, config, weights: mergeAdapter(config, floatWeights(weights), adapter), adapter: undefined }
        : { mode, config, weights, adapter };
    const sessions = new DecodeSessions(source, threads);
    this.#sessions.set(mode, sessions);
    this.#stale.delete(mode);
    return sessions;
  }
}

export function createDecoder(options: DecoderOptions): Decoder {
  return new LocalDecoder(options);
}
