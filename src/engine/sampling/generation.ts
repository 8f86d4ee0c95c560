/**
 * Runs one sampling request: prompts enter the grid in the order of their length, are prefilled once for all their
 * samples, and give up their place when their last sample has ended. Each sample has its own random generator, so that
 * what is drawn does not depend on what else is in the batch (up to rounding). Samples that have written the same so far
 * are one lane, which parts where they draw different tokens: a policy that is sure of itself costs little more than
 * one sample.
 */
import { createRandom } from '../../foundation/random.ts';
import { longestSequence, type ModelConfig } from '../model/model-config.ts';
import type { SampledSequence, SampleRequest, TokenConstraint } from '../policy.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { DecodeSession } from './decode-session.ts';
import { type Fork, type Group, type Lane, LaneGrid, type Sample } from './lane-grid.ts';
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

/** What samples of one lane have drawn next. */
interface Branch {
  readonly samples: Sample[];
  readonly token: number;
  readonly logprob: number;
  readonly policyLogprob: number;
}

/** Samples of one prompt are split into groups of this many, where they are more than rows. */
function lanesPerGroup(samples: number, rowsMax: number): number {
  return Math.ceil(samples / Math.ceil(samples / rowsMax));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
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
      const stream = streams?.[promptIndex] ?? promptIndex;
      const samples = Array.from({ length: samplesPerPrompt }, (_, index): Sample => {
        return { index, random: root.fork(`${stream}/${index}`) };
      });
      const parts: Group[] = [];
      for (let at = 0; at < samples.length; at += lanesMax)
        parts.push({ prompt, lanes: [this.#firstLane(promptIndex, samples.slice(at, at + lanesMax))] });
      return parts;
    });
    // Prompts of similar length are prefilled together, with little padding; the order of equals stays.
    return groups.sort((a, b) => a.prompt.length - b.prompt.length);
  }

  #firstLane(promptIndex: number, samples: readonly Sample[]): Lane {
    const constraintState = this.#context.constraint?.start(this.#request.prompts[promptIndex]!);
    const empty = { tokens: [], logprobs: [], policyLogprobs: [] };
    return { promptIndex, samples, ...empty, constraintState, isDone: false };
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
    groups.forEach((group, row) => {
      group.lanes.push(...this.#extend(group, group.lanes[0]!, output, row));
    });
    this.#grid.reserve(groups);
    for (const [row, group] of groups.entries()) this.#grid.add(group, row, positions, output);
  }

  async #step(): Promise<void> {
    this.#grid.reserve([]);
    const feeds = this.#grid.stepFeeds(this.#inverseTemperature);
    const output = await this.#context.step.run(feeds, ['fresh', ...this.#headOutputs()]);
    this.#grid.append(output('fresh'));
    const forks: Fork[] = [];
    for (const [n, group] of this.#grid.groups.entries()) {
      for (const [l, parent] of group.lanes.entries()) {
        if (parent.isDone) continue;
        for (const lane of this.#extend(group, parent, output, this.#grid.row(n, l)))
          forks.push({ group: n, parent, lane });
      }
    }
    this.#grid.fork(forks);
  }

  /** Draws the next token of each sample of a lane, from one row of the outputs. Gives the lanes that part from it. */
  #extend(group: Group, lane: Lane, output: (name: string) => Float32Array, row: number): Lane[] {
    const { config } = this.#context;
    const branches = this.#branch(lane, output, row);
    const lengthMax = Math.min(this.#request.maxNewTokens, longestSequence(config) - group.prompt.length);
    const isFull = lane.tokens.length + 1 >= lengthMax;
    const going: Branch[] = [];
    for (const branch of branches) {
      const reason = this.#stopReason(lane, branch, isFull);
      if (reason === undefined) going.push(branch);
      else this.#finish(lane, branch, reason);
    }
    // The lane itself goes on with one of them; it is changed last, since the others start from what it was.
    const parted = going.slice(1).map((branch) => this.#part(group, lane, branch));
    const [own] = going;
    if (own === undefined) lane.isDone = true;
    else this.#advance(lane, own);
    return parted;
  }

  /** The samples of a lane by the token that each has drawn. */
  #branch(lane: Lane, output: (name: string) => Float32Array, row: number): readonly Branch[] {
    const { config, constraint, watch } = this.#context;
    const { vocabSize } = config;
    const row_V = output('probabilities').subarray(row * vocabSize, (row + 1) * vocabSize);
    let masked: Parameters<TokenChooser>[2];
    if (constraint !== undefined) {
      this.#allowed_V.fill(1);
      constraint.mask(lane.constraintState, this.#allowed_V);
      const logits_V = output('logits').subarray(row * vocabSize, (row + 1) * vocabSize);
      masked = { allowed_V: this.#allowed_V, logits_V };
    }
    const branches = new Map<number, Branch>();
    for (const sample of lane.samples) {
      const { token, logprob, policyLogprob } = this.#choose(row_V, sample.random, masked);
      watch?.onToken?.(lane.promptIndex, sample.index, token);
      const known = branches.get(token);
      if (known === undefined) branches.set(token, { samples: [sample], token, logprob, policyLogprob });
      else known.samples.push(sample);
    }
    return [...branches.values()];
  }

  #part(group: Group, { promptIndex, ...lane }: Lane, branch: Branch): Lane {
    const { constraint } = this.#context;
    // The state may be one object that changes from token to token, so a lane makes its own from the start.
    const constraintState = lane.tokens.reduce<unknown>(
      (state, token) => constraint?.advance(state, token),
      constraint?.start(group.prompt),
    );
    const parted: Lane = {
      promptIndex,
      samples: [],
      tokens: [...lane.tokens],
      logprobs: [...lane.logprobs],
      policyLogprobs: [...lane.policyLogprobs],
      constraintState,
      isDone: false,
    };
    this.#advance(parted, branch);
    return parted;
  }

  #advance(lane: Lane, { samples, token, logprob, policyLogprob }: Branch): void {
    const { constraint } = this.#context;
    lane.samples = samples;
    lane.tokens.push(token);
    lane.logprobs.push(logprob);
    lane.policyLogprobs.push(policyLogprob);
    if (constraint !== undefined) lane.constraintState = constraint.advance(lane.constraintState, token);
  }

  #stopReason(
    lane: Lane,
    { token, policyLogprob }: Branch,
    isFull: boolean,
  ): SampledSequence['stopReason'] | undefined {
    if (this.#stopTokens.has(token)) return 'stop';
    if (isFull) return 'length';
    const { minLogprob } = this.#request;
    if (minLogprob === undefined) return undefined;
    return sumOf(lane.policyLogprobs) + policyLogprob < minLogprob ? 'improbable' : undefined;
  }

  #finish(
    lane: Lane,
    { samples, token, logprob, policyLogprob }: Branch,
    stopReason: SampledSequence['stopReason'],
  ): void {
    for (const { index } of samples) {
      this.#results[lane.promptIndex]![index] = {
        tokens: Int32Array.from([...lane.tokens, token]),
        logprobs: Float32Array.from([...lane.logprobs, logprob]),
        policyLogprobs: Float32Array.from([...lane.policyLogprobs, policyLogprob]),
        stopReason,
      };
    }
  }
}
