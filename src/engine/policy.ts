/**
 * `Policy`: what trains and samples. Four verbs, the same as the public Tinker API, so that a remote GPU server can
 * stand in for the in-process engine: sample, forwardBackward, optimStep, save/load (plus logprobs).
 * Axes: T positions of one sequence, K samples of one prompt, V vocabulary.
 */

/** One training sequence. All arrays have the same length T; `targetTokens_T[t]` is the token after position t. */
export interface Datum {
  readonly inputTokens_T: Int32Array;
  readonly targetTokens_T: Int32Array;
  /** Weight of each position in the loss sum; 0 = not read (prompt, padding, masked tokens). Every normalisation is in here. */
  readonly weights_T: Float32Array;
  /** Policy-gradient losses only: advantage of each position. */
  readonly advantages_T?: Float32Array;
  /** Policy-gradient losses only: log-probability of the target under the sampling (old) policy. */
  readonly oldLogprobs_T?: Float32Array;
  /** Only with a KL penalty: log-probability of the target under the frozen reference. */
  readonly referenceLogprobs_T?: Float32Array;
}

/** Every loss is a weighted sum over tokens (the Tinker convention). */
export type LossSpec =
  | { readonly name: 'cross_entropy'; readonly labelSmoothing?: number }
  | {
      /** Clipped surrogate of PPO (arXiv 1707.06347 eq. 7) with separate bounds (DAPO, arXiv 2503.14476 eq. 10). */
      readonly name: 'ppo';
      readonly clipLow: number;
      readonly clipHigh: number;
      /** Weight of the k3 KL estimate to the reference (http://joschu.net/blog/kl-approx.html); 0 = none. */
      readonly klBeta: number;
      /** The ratio is taken per token (`token`) or once per sequence (`sequence`, GSPO, arXiv 2507.18071 eq. 7). */
      readonly ratioLevel: 'token' | 'sequence';
      /** Logits are divided by this before the log-softmax: the temperature of the samples. */
      readonly temperature: number;
    }
  | {
      /** Clipped importance weight, stop-gradient (CISPO, arXiv 2506.13585 eq. 4). */
      readonly name: 'cispo';
      readonly clipLow: number;
      readonly clipHigh: number;
      readonly klBeta: number;
      readonly temperature: number;
    };

export interface ForwardBackwardResult {
  /** The weighted sum itself. */
  readonly lossSum: number;
  /** Log-probability of each datum's targets under the current policy, at positions with weight != 0; else 0. */
  readonly logprobs: readonly Float32Array[];
  /**
   * Sums over the positions with weight != 0: `tokens`, `entropy`; for policy losses also `kl`, `clippedLow`,
   * `clippedHigh`, `ratio`. Divide by `tokens` for means.
   */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface AdamParams {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Global gradient norm is clipped to this; 0 = not clipped. */
  readonly gradientClip: number;
  /** The matrices of layers are updated by Muon with this momentum; left out: by AdamW, as everything else is. */
  readonly muonMomentum?: number | undefined;
}

/** A module (by URL) whose named export makes token constraints; it is imported where sampling runs. */
export interface ConstraintSpec {
  readonly moduleUrl: string;
  readonly exportName: string;
  /** Structured-cloneable options handed to the factory. */
  readonly options: unknown;
  /** Says that options are the same: a constraint with this key is kept between sampling calls. */
  readonly key?: string;
}

/** What `exportName` must be: made once per key, or per sampling call without one; a state per sequence. */
export type ConstraintFactory = (options: never) => TokenConstraint;

export interface TokenConstraint {
  /** A new sequence after this prompt. */
  start(promptTokens: Int32Array): unknown;
  /** Set `allowed_V[token] = 0` for every token that may not come next (it arrives filled with 1). */
  mask(state: unknown, allowed_V: Uint8Array): void;
  /** The state after one more token; may mutate and return the same object. */
  advance(state: unknown, token: number): unknown;
}

export interface SampleRequest {
  /** One token sequence a prompt. */
  readonly prompts: readonly Int32Array[];
  readonly samplesPerPrompt: number;
  readonly maxNewTokens: number;
  /** 0 = greedy. */
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  /** Tokens whose probability (after temperature) is below this are never sampled. */
  readonly minProbability?: number;
  /**
   * A sample ends once its log-probability (the sum of `policyLogprobs`) is below this: it would only hold up the others.
   * A policy that cannot do this goes on.
   */
  readonly minLogprob?: number;
  /** Sampling of a sequence ends with one of these (which is part of the sequence). */
  readonly stopTokens: readonly number[];
  readonly seed: number;
  /**
   * Which random stream each prompt draws from; default: its position. Prompts of independent requests that share a call
   * draw from stream 0 each, as they would alone.
   */
  readonly streams?: readonly number[];
  readonly constraint?: ConstraintSpec;
  /** Sample from the frozen reference instead of the policy. */
  readonly useReference?: boolean;
}

/** What a caller may want to know, and may ask for, while it waits for samples. */
export interface SampleControl {
  /** Each token as it is chosen: of which prompt, of which of its samples. Left out by policies that cannot say. */
  readonly onToken?: (prompt: number, sample: number, token: number) => void;
  /** Aborting rejects with `engine/cancelled` before the next token is computed. */
  readonly signal?: AbortSignal;
}

export interface SampledSequence {
  /** Without the prompt, with the stop token. */
  readonly tokens: Int32Array;
  /** Log-probability of each token under the distribution it was drawn from (after temperature, filters and mask, renormalised). */
  readonly logprobs: Float32Array;
  /** Log-probability of each token under softmax(logits / temperature), before filters and mask (temperature 1 if greedy). */
  readonly policyLogprobs: Float32Array;
  /** `improbable`: given up on, see `SampleRequest.minLogprob`. */
  readonly stopReason: 'stop' | 'length' | 'improbable';
}

export interface Policy {
  readonly vocabSize: number;
  /** Longest prompt + completion in tokens. */
  readonly maxLength: number;
  readonly parameterCount: number;
  readonly trainableCount: number;
  /** One group of `samplesPerPrompt` sequences a prompt, in order. */
  sample(request: SampleRequest, control?: SampleControl): Promise<readonly (readonly SampledSequence[])[]>;
  /** Accumulates gradients; call `optimStep` to apply them. Dropout, where configured, is on under cross_entropy only. */
  forwardBackward(data: readonly Datum[], loss: LossSpec): Promise<ForwardBackwardResult>;
  /** Applies and clears the accumulated gradients. `gradientNorm` is before clipping. */
  optimStep(adam: AdamParams): Promise<{ readonly gradientNorm: number }>;
  /** Log-probabilities of the targets at positions with weight != 0, no gradient, dropout off. */
  logprobs(
    data: readonly Datum[],
    options?: { readonly useReference?: boolean; readonly temperature?: number },
  ): Promise<readonly Float32Array[]>;
  /** Freeze the present weights (or adapter) as the reference of `useReference`. LoRA without this call: reference = adapter off. */
  freezeReference(): Promise<void>;
  /** Hugging Face layout; with `optimizer` also moments, step and the engine's random state, enough to resume exactly. */
  save(directory: string, options?: { readonly optimizer?: boolean }): Promise<void>;
  load(directory: string, options?: { readonly optimizer?: boolean }): Promise<void>;
  close(): Promise<void>;
}
