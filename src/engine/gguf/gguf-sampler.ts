/**
 * Sampling from a model that llama.cpp runs. It gives logits, and tokens are chosen here by the rules of every other policy
 * (`sampling/token-chooser.ts`): seeds, filters, constraints and log-probabilities mean the same. One cache of keys and values is
 * kept from call to call, so what a prompt shares with the one before, most of all the schema, is not read again; samples of one
 * prompt follow each other.
 * Axes: V vocabulary.
 */
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { createRandom, type Random } from '../../foundation/random.ts';
import type { SampleControl, SampledSequence, SampleRequest, TokenConstraint } from '../policy.ts';
import { refuseIfCancelled } from '../sampling/sampling-watch.ts';
import { createTokenChooser } from '../sampling/token-chooser.ts';
import { loadConstraint } from '../sampling/token-constraint.ts';
import type { LlamaContext, LlamaSequence, NextTokenWish } from './llama-module.ts';

/**
 * How many of the most probable tokens a choice can fall on; undefined where it may be any. Handing over a vocabulary of 150,000
 * takes 66 ms a token, 512 of it 15 ms.
 */
export function reachableTokens(request: SampleRequest): number | undefined {
  const { temperature, topK, topP, minProbability = 0, constraint } = request;
  if (constraint !== undefined) return undefined;
  if (temperature === 0) return 1;
  // The share of top-p is one of all tokens, unless top-k comes before it.
  if (topP !== undefined && topP < 1 && topK === undefined) return undefined;
  const aboveFloor = minProbability > 0 ? Math.ceil(1 / minProbability) : Number.POSITIVE_INFINITY;
  const count = Math.min(topK ?? Number.POSITIVE_INFINITY, aboveFloor);
  return Number.isFinite(count) ? count : undefined;
}

interface Row {
  /** softmax(logits / temperature), at temperature 1 if greedy; 0 for tokens that no choice can fall on. */
  readonly probabilities_V: Float32Array;
  readonly logits_V: Float32Array;
}

export class GgufSampler {
  readonly #context: LlamaContext;
  readonly #sequence: LlamaSequence;
  readonly #vocabSize: number;
  readonly #maxLength: number;

  constructor(context: LlamaContext, limits: { readonly vocabSize: number; readonly maxLength: number }) {
    this.#context = context;
    this.#sequence = context.getSequence();
    this.#vocabSize = limits.vocabSize;
    this.#maxLength = limits.maxLength;
  }

  /** One call at a time. */
  async sample(request: SampleRequest, control: SampleControl = {}): Promise<SampledSequence[][]> {
    const constraint =
      request.constraint === undefined ? undefined : await loadConstraint(request.constraint);
    const call = new SamplingCall(request, control, constraint, this.#vocabSize);
    const root = createRandom(request.seed);
    const groups: SampledSequence[][] = [];
    for (const [at, prompt] of request.prompts.entries()) {
      const first = await this.#read([...prompt], call);
      const lengthMax = Math.min(request.maxNewTokens, this.#maxLength - prompt.length);
      const group: SampledSequence[] = [];
      for (let sample = 0; sample < request.samplesPerPrompt; sample++) {
        const random = root.fork(`${request.streams?.[at] ?? at}/${sample}`);
        const place = { at, sample, lengthMax };
        group.push(await this.#answer(prompt, first, random, place, call));
      }
      groups.push(group);
    }
    return groups;
  }

  async #answer(
    prompt: Int32Array,
    first: Row,
    random: Random,
    { at, sample, lengthMax }: { readonly at: number; readonly sample: number; readonly lengthMax: number },
    call: SamplingCall,
  ): Promise<SampledSequence> {
    const tokens: number[] = [];
    const logprobs: number[] = [];
    const policyLogprobs: number[] = [];
    let state = call.constraint?.start(prompt);
    for (let row = first; ; row = await this.#read([...prompt, ...tokens], call)) {
      const { token, logprob, policyLogprob } = call.choose(row, random, state);
      tokens.push(token);
      logprobs.push(logprob);
      policyLogprobs.push(policyLogprob);
      call.control.onToken?.(at, sample, token);
      const isStop = call.stopTokens.has(token);
      if (isStop || tokens.length >= lengthMax) {
        return {
          tokens: Int32Array.from(tokens),
          logprobs: Float32Array.from(logprobs),
          policyLogprobs: Float32Array.from(policyLogprobs),
          stopReason: isStop ? 'stop' : 'length',
        };
      }
      state = call.constraint?.advance(state, token);
    }
  }

  /** What comes behind `tokens`. Only those are computed that the cache does not begin with, and always the last. */
  async #read(tokens: readonly number[], call: SamplingCall): Promise<Row> {
    call.refuseIfCancelled();
    const sequence = this.#sequence;
    try {
      await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
      const { batchSize } = this.#context;
      while (tokens.length - sequence.nextTokenIndex > batchSize) {
        const from = sequence.nextTokenIndex;
        await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(from, from + batchSize));
        call.refuseIfCancelled();
      }
      const rest = tokens.slice(sequence.nextTokenIndex);
      const last = [rest.at(-1)!, { generateNext: call.wish }] as const;
      const found = (await sequence.controlledEvaluate([...rest.slice(0, -1), last])).at(-1)?.next;
      return call.rowOf(found?.logits ?? new Map(), found?.totalLogitWeight);
    } catch (thrown) {
      if (thrown instanceof QuerentError) throw thrown;
      throw new QuerentError('gguf/sampling-failed', `llama.cpp failed in mid-answer: ${messageOf(thrown)}`, {
        next: 'If memory ran out, use a smaller quantisation of the model.',
        cause: thrown,
      });
    }
  }
}

/** What is the same for every token of one call. */
class SamplingCall {
  readonly control: SampleControl;
  readonly constraint: TokenConstraint | undefined;
  readonly stopTokens: ReadonlySet<number>;
  readonly wish: NextTokenWish;
  readonly #choose: ReturnType<typeof createTokenChooser>;
  readonly #allowed_V: Uint8Array;
  readonly #vocabSize: number;

  constructor(
    request: SampleRequest,
    control: SampleControl,
    constraint: TokenConstraint | undefined,
    vocabSize: number,
  ) {
    this.control = control;
    this.constraint = constraint;
    this.stopTokens = new Set(request.stopTokens);
    this.#vocabSize = vocabSize;
    this.#allowed_V = new Uint8Array(vocabSize);
    this.#choose = createTokenChooser(request, vocabSize);
    const count = reachableTokens(request);
    this.wish = {
      logits: count === undefined ? true : { filter: { includeTop: count } },
      totalLogitWeight: true,
      // 0 leaves the logits as they are; what is drawn there is not asked for.
      options: { temperature: request.temperature, topK: 0, topP: 1, minP: 0 },
    };
  }

  refuseIfCancelled(): void {
    refuseIfCancelled({ isCancelled: () => this.control.signal?.aborted === true });
  }

  rowOf(logits: ReadonlyMap<number, number>, totalWeight: number | undefined): Row {
    const probabilities_V = new Float32Array(this.#vocabSize);
    const logits_V = new Float32Array(this.#vocabSize).fill(Number.NEGATIVE_INFINITY);
    let highest = Number.NEGATIVE_INFINITY;
    for (const logit of logits.values()) highest = Math.max(highest, logit);
    const total = totalWeight ?? Number.NaN;
    for (const [token, logit] of logits) {
      logits_V[token] = logit;
      probabilities_V[token] = Math.exp(logit - highest) / total;
    }
    return { probabilities_V, logits_V };
  }

  choose({ probabilities_V, logits_V }: Row, random: Random, state: unknown) {
    if (this.constraint === undefined) return this.#choose(probabilities_V, random);
    this.#allowed_V.fill(1);
    this.constraint.mask(state, this.#allowed_V);
    return this.#choose(probabilities_V, random, { allowed_V: this.#allowed_V, logits_V });
  }
}
