/**
 * Query Generator: a question to statements. The greedy one, several at several temperatures, or another one after a
 * statement that was not right. It knows a policy and a prompt format; it does not know whether a statement is any good.
 */
import type { Policy, SampledSequence } from '../../engine/policy.ts';
import type { PreparedPrompt, PromptContext, PromptFormat } from '../../prompts/prompt-format.ts';
import { logprobOf, statementOf } from '../best-candidate.ts';
import { refuseIfAborted } from '../errors.ts';
import { sampleFitting } from '../policy-predictor.ts';
import { textAsWritten } from './text-as-written.ts';

export interface Draft {
  /** Empty where the model wrote no whole statement. */
  readonly sql: string;
  readonly reasoning?: string;
  /** Log-probability of the whole statement at temperature 1; undefined where it was drawn at another. */
  readonly logprob?: number;
  /** What the format has against it, seen without running anything, in nats. */
  readonly doubt: number;
  /** 0 = greedy. */
  readonly temperature: number;
  readonly tokens: number;
}

export interface Drawing {
  readonly samples: number;
  /** The samples are shared out among them. */
  readonly temperatures: readonly number[];
  readonly seed: number;
}

export interface QueryGenerator {
  readonly name: string;
  /** Whether prompts have room for a schema, examples and corrections. */
  readonly readsContext: boolean;
  /** Tokens of a prompt that are left for schema text, beside instructions and answer. */
  readonly schemaTokensMax: number;
  /** One greedy draft a question, in order. `onText`: what has been added to the text of a single question. */
  greedy(asks: readonly GeneratorAsk[], watch?: GreedyWatch): Promise<readonly Draft[]>;
  /** Several drafts a question, the more probable temperatures first. */
  draw(
    asks: readonly GeneratorAsk[],
    drawing: Drawing,
    signal?: AbortSignal,
  ): Promise<readonly (readonly Draft[])[]>;
  close(): Promise<void>;
}

export interface GreedyWatch {
  readonly onText?: (added: string) => void;
  /** Aborting stops the sampling before its next token and rejects with `agents/aborted`. */
  readonly signal?: AbortSignal;
}

export interface GeneratorAsk {
  readonly question: string;
  readonly context: PromptContext;
}

export interface PolicyGeneratorOptions {
  readonly name: string;
  readonly policy: Policy;
  readonly format: PromptFormat;
  readonly maxNewTokens?: number;
  /** Close the policy with the generator. Default true. */
  readonly ownsPolicy?: boolean;
}

/** Tokens less probable than this are not drawn: they are noise, not variety. */
const MIN_PROBABILITY = 0.003;

/** Shares of `samples`, the first ones the larger. */
export function sharedOut(samples: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, at) => Math.floor(samples / parts) + Number(at < samples % parts));
}

export function createPolicyGenerator(options: PolicyGeneratorOptions): QueryGenerator {
  const { name, policy, format, maxNewTokens = 256, ownsPolicy = true } = options;
  const readsContext = format.prepareWith !== undefined;

  const promptOf = ({ question, context }: GeneratorAsk): PreparedPrompt => {
    if (format.prepareWith !== undefined) return format.prepareWith(question, context);
    // Without a place for corrections in the prompt, what a person adds is added to the question.
    return format.prepare(
      context.correction === undefined ? question : `${question} ${context.correction.message}`,
    );
  };

  const draftOf = (
    prompt: PreparedPrompt,
    sequence: SampledSequence | undefined,
    temperature: number,
  ): Draft => {
    if (sequence === undefined) return { sql: '', doubt: 0, temperature, tokens: 0 };
    const { reasoning } = format.parseCompletion(sequence.tokens, prompt);
    return {
      sql: statementOf(format, prompt, sequence),
      ...(reasoning === undefined ? {} : { reasoning }),
      // The log-probabilities of a sequence are those of its own temperature; greedy ones are at 1.
      ...(temperature === 0 || temperature === 1 ? { logprob: logprobOf(sequence) } : {}),
      doubt: format.doubtOf?.(sequence.tokens, prompt) ?? 0,
      temperature,
      tokens: sequence.tokens.length,
    };
  };

  // Half as much again as the answer may take is kept for question, examples and corrections.
  const roomBeside = (instructions: number): number =>
    Math.max(0, policy.maxLength - instructions - 1.5 * maxNewTokens);
  const schemaTokensMax =
    format.prepareWith === undefined
      ? Number.POSITIVE_INFINITY
      : roomBeside(format.prepareWith('', { schemaText: '' }).promptTokens.length);

  return {
    name,
    readsContext,
    schemaTokensMax,
    greedy: async (asks, { onText, signal } = {}) => {
      const prompts = asks.map(promptOf);
      const [single] = prompts;
      const text =
        onText === undefined || single === undefined || prompts.length > 1
          ? undefined
          : textAsWritten(format, single, onText);
      const control = {
        ...(signal === undefined ? {} : { signal }),
        ...(text === undefined ? {} : { onToken: text.onToken }),
      };
      const groups = await unlessAborted(
        signal,
        sampleFitting(policy, format, prompts, { maxNewTokens, samples: 1, temperature: 0, control }),
      );
      const drafts = prompts.map((prompt, at) => draftOf(prompt, groups[at]?.[0], 0));
      text?.end(drafts[0]!.sql);
      return drafts;
    },
    draw: async (asks, { samples, temperatures, seed }, signal) => {
      const prompts = asks.map(promptOf);
      const drafts: Draft[][] = prompts.map(() => []);
      const counts = sharedOut(samples, temperatures.length);
      for (const [at, temperature] of temperatures.entries()) {
        const count = counts[at]!;
        if (count === 0) continue;
        const groups = await unlessAborted(
          signal,
          sampleFitting(policy, format, prompts, {
            maxNewTokens,
            samples: count,
            temperature,
            minProbability: MIN_PROBABILITY,
            seed: seed + at,
            ...(signal === undefined ? {} : { control: { signal } }),
          }),
        );
        prompts.forEach((prompt, n) => {
          for (const sequence of groups[n] ?? []) drafts[n]!.push(draftOf(prompt, sequence, temperature));
        });
      }
      return drafts;
    },
    close: async () => {
      if (ownsPolicy) await policy.close();
    },
  };
}

/** A call that was cancelled ends as a question that was withdrawn. */
async function unlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    refuseIfAborted(signal);
    throw thrown;
  }
}
