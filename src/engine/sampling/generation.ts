/**
 * Runs one sampling request: prompts enter the grid in the order of their length, are prefilled once for all their
 * samples, and give up their place when their last sample has ended. Each sample has its own random generator, so that
 * what is drawn does not depend on what else is in the batch (up to rounding).
 */
import { createRandom } from '../../foundation/random.ts';
import { longestSequence, type ModelConfig } from '../model/model-config.ts';
import type { SampledSequence, SampleRequest, TokenConstraint } from '../policy.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { DecodeSession } from './decode-session.ts';
import { type Group, type Lane, LaneGrid } from './lane-grid.ts';
import { cacheNames, prefillFeeds } from './prefill-graph.ts';
import { refuseIfCancelled, type SamplingWatch } from './sampling-watch.ts';
import { createTokenChooser, type TokenChooser } from './token-chooser.ts';

export interface GenerationContext {
  readonly config: ModelConfig;
  readonly prefill: DecodeSession;
  readonly step: DecodeSession;
  readonly sharedPrompt: boolean;
  /** Rows (groups times lanes) that run at once. */
  readonly rowsMax: number;
  readonly constraint: TokenConstraint | undefined;
  readonly pool: BufferPool;
  readonly watch: SamplingWatch | undefined;
}

/** Padded prompt tokens of one prefill run; bounds its memory. */
const prefillTokensMax = 4096;

/** Samples of one prompt are split into this many lanes each, where they are more than rows. */
function lanesPerGroup(samples: number, rowsMax: number): number {
  return Math.ceil(samples / Math.ceil(samples / rowsMax));
}

export class Generation {
  readonly #context: GenerationContext;
  readonly #request: SampleRequest;
  readonly #choose: TokenChooser;
  readonly #grid: LaneGrid;
  readonly #waiting: Group[];
  readonly #groupsMax: number;
  readonly #results: SampledSequence[][];
  readonly #inverseTemperature: Float32Array;
  readonly #stopTokens: ReadonlySet<number>;
  readonly #allowed_V: Uint8Array;

  constructor(context: GenerationContext, request: SampleRequest) {
    const { config, sharedPrompt, rowsMax, pool } = context;
    this.#context = context;
    this.#request = request;
    this.#choose = createTokenChooser(request, config.vocabSize);
    const lanes = lanesPerGroup(request.samplesPerPrompt, rowsMax);
    this.#waiting = this.#makeGroups(lanes);
    this.#groupsMax = Math.min(this.#waiting.length, Math.max(1, Math.floor(rowsMax / lanes)));
    const { maxNewTokens } = request;
    this.#grid = new LaneGrid({ config, sharedPrompt, groupsMax: this.#groupsMax, maxNewTokens, pool });
    this.#results = request.prompts.map(() => []);
    this.#inverseTemperature = Float32Array.of(request.temperature === 0 ? 1 : 1 / request.temperature);
    this.#stopTokens = new Set(request.stopTokens);
    this.#allowed_V = new Uint8Array(config.vocabSize);
  }

  #makeGroups(lanesMax: number): Group[] {
    const { prompts, samplesPerPrompt, seed, streams } = this.#request;
    const root = createRandom(seed);
    const groups = prompts.flatMap((prompt, promptIndex) => {
      const lanes = Array.from(
        { length: samplesPerPrompt },
        (_, sampleIndex): Lane => ({
          promptIndex,
          sampleIndex,
          random: root.fork(`${streams?.[promptIndex] ?? promptIndex}/${sampleIndex}`),
          tokens: [],
          logprobs: [],
          policyLogprobs: [],
          constraintState: this.#context.constraint?.start(prompt),
          isDone: false,
        }),
      );
      const parts: Group[] = [];
      for (let at = 0; at < lanes.length; at += lanesMax)
        parts.push({ prompt, lanes: lanes.slice(at, at + lanesMax) });
      return parts;
    });
    // Prompts of similar length are prefilled together, with little padding; the order of equals stays.
    return groups.sort((a, b) => a.prompt.length - b.prompt.length);
  }

  async run(): Promise<SampledSequence[][]> {
    try {
      await this.#generate();
      return this.#results;
    } finally {
      this.#grid.close();
    }
  }

  async #generate(): Promise<void> {
    for (;;) {
      refuseIfCancelled(this.#context.watch);
      const free = this.#groupsMax - this.#grid.groups.length;
      const isWorthIt = this.#grid.groups.length === 0 || free >= Math.max(1, this.#groupsMax >> 2);
      if (this.#waiting.length > 0 && isWorthIt) {
        await this.#admit(free);
        this.#grid.compact();
      } else if (this.#grid.groups.length === 0) return;
      else {
        await this.#step();
        this.#grid.compact();
      }
    }
  }

  #nextPrompts(free: number): Group[] {
    const taken: Group[] = [];
    while (taken.length < free && this.#waiting.length > 0) {
      const longest = this.#waiting[0]!.prompt.length;
      if (taken.length > 0 && longest * (taken.length + 1) > prefillTokensMax) break;
      taken.push(this.#waiting.shift()!);
    }
    return taken;
  }

  #headOutputs(): string[] {
    return this.#context.constraint === undefined ? ['probabilities'] : ['probabilities', 'logits'];
  }

  async #admit(free: number): Promise<void> {
    const groups = this.#nextPrompts(free);
    const positions = Math.max(...groups.map(({ prompt }) => prompt.length));
    const prompts = groups.map(({ prompt }) => prompt);
    const feeds = prefillFeeds(this.#context.config, prompts, this.#inverseTemperature);
    const caches = cacheNames(this.#context.config);
    const output = await this.#context.prefill.run(feeds, [...caches, ...this.#headOutputs()]);
    this.#grid.reserve(groups);
    groups.forEach((group, row) => {
      for (const lane of group.lanes) this.#extend(group, lane, output, row);
      this.#grid.add(group, row, positions, output);
    });
  }

  async #step(): Promise<void> {
    this.#grid.reserve([]);
    const feeds = this.#grid.stepFeeds(this.#inverseTemperature);
    const output = await this.#context.step.run(feeds, ['fresh', ...this.#headOutputs()]);
    this.#grid.append(output('fresh'));
    this.#grid.groups.forEach((group, n) => {
      group.lanes.forEach((lane, l) => {
        if (!lane.isDone) this.#extend(group, lane, output, this.#grid.row(n, l));
      });
    });
  }

  /** Chooses a lane's next token from one row of the outputs. */
  #extend(group: Group, lane: Lane, output: (name: string) => Float32Array, row: number): void {
    const { config, constraint } = this.#context;
    const { vocabSize } = config;
    const row_V = output('probabilities').subarray(row * vocabSize, (row + 1) * vocabSize);
    let masked: Parameters<TokenChooser>[2];
    if (constraint !== undefined) {
      this.#allowed_V.fill(1);
      constraint.mask(lane.constraintState, this.#allowed_V);
      const logits_V = output('logits').subarray(row * vocabSize, (row + 1) * vocabSize);
      masked = { allowed_V: this.#allowed_V, logits_V };
    }
    const { token, logprob, policyLogprob } = this.#choose(row_V, lane.random, masked);
    lane.tokens.push(token);
    this.#context.watch?.onToken?.(lane.promptIndex, lane.sampleIndex, token);
    lane.logprobs.push(logprob);
    lane.policyLogprobs.push(policyLogprob);
    const isStop = this.#stopTokens.has(token);
    const lengthMax = Math.min(this.#request.maxNewTokens, longestSequence(config) - group.prompt.length);
    if (isStop || lane.tokens.length >= lengthMax) this.#finish(lane, isStop ? 'stop' : 'length');
    else if (constraint !== undefined) lane.constraintState = constraint.advance(lane.constraintState, token);
  }

  #finish(lane: Lane, stopReason: SampledSequence['stopReason']): void {
    lane.isDone = true;
    this.#results[lane.promptIndex]![lane.sampleIndex] = {
      tokens: Int32Array.from(lane.tokens),
      logprobs: Float32Array.from(lane.logprobs),
      policyLogprobs: Float32Array.from(lane.policyLogprobs),
      stopReason,
    };
  }
}
