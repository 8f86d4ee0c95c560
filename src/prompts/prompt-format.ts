/**
 * `PromptFormat`: how a question becomes tokens and how tokens become SQL. The training loops, the evaluation and the
 * predictors know only this; `compact` (embedded model) and `chat` (language models) implement it.
 */
import type { ConstraintSpec } from '../engine/policy.ts';
import type { Random } from '../foundation/random.ts';

/** A question as the model sees it. `bindings` belongs to the format (which placeholder stands for which value). */
export interface PreparedPrompt {
  readonly question: string;
  readonly promptTokens: Int32Array;
  readonly bindings: unknown;
}

export interface Completion {
  /** The SQL text to run; empty if the model wrote none. */
  readonly sql: string;
  readonly reasoning?: string;
  /** False when the completion was cut off before its stop token: never score half a query. */
  readonly isComplete: boolean;
}

/** What a prompt may show beside the question. */
export interface PromptContext {
  /** The part of the schema that matters, as text; left out: the format's own choice. */
  readonly schemaText?: string;
  /** Questions like this one with their statements, the most alike last. */
  readonly examples?: readonly { readonly question: string; readonly sql: string }[];
  /** A statement that was not right, and what is wrong with it: the words of a person or of the database. */
  readonly correction?: { readonly sql: string; readonly message: string };
}

export interface PromptFormat {
  readonly id: string;
  readonly stopTokens: readonly number[];
  /** No right answer is less probable than this; a sample that is need not be finished. Left out: nothing is known. */
  readonly minLogprob?: number;
  /** Keeps sampling inside the schema's identifiers; undefined where the format has none. */
  readonly constraint: ConstraintSpec | undefined;
  /** With `random`: training-time augmentation (noise, random placeholder numbers). Without: deterministic. */
  prepare(question: string, random?: Random): PreparedPrompt;
  /** As `prepare`, with a context; left out by a format whose prompt has no place for one. */
  prepareWith?(question: string, context: PromptContext): PreparedPrompt;
  /** How long a text is for the model, to keep a prompt within its budget; left out where there is no `prepareWith`. */
  countTokens?(text: string): number;
  /** Text of the tokens so far, for someone who watches; left out: shown when the statement is complete. */
  textOf?(tokens: Int32Array): string;
  /** Tokens of the gold SQL with the stop token; undefined if this prompt cannot express it (a value was not linked). */
  completionTokens(sql: string, prompt: PreparedPrompt): Int32Array | undefined;
  /** The inverse: sampled tokens (with or without the stop token) to SQL with the values put back. */
  parseCompletion(tokens: Int32Array, prompt: PreparedPrompt): Completion;
  /** How much speaks against sampled tokens, in nats, seen without running anything; left out: never anything. */
  doubtOf?(tokens: Int32Array, prompt: PreparedPrompt): number;
}
