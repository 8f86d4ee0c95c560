/**
 * A language model behind an OpenAI-compatible endpoint: schema, evidence and question in words, the SQL out of whatever
 * it writes. Knows prompts and answers; how a request is made and repeated is in `chat-endpoint.ts`.
 */

import type { Prediction } from '../../agents/predictor.ts';
import { readAnswer } from '../../prompts/answer-text.ts';
import type { Ask, CandidateSource, Sampling } from './candidate-source.ts';
import {
  type AnswerConstraint,
  askEndpoint,
  type ChatAnswer,
  type ChatMessage,
  type EndpointOptions,
} from './chat-endpoint.ts';

/** How an answer is asked for, and what a server that can is held to. */
export const answerForms = ['text', 'json', 'regex'] as const;
export type AnswerForm = (typeof answerForms)[number];

const answerSchema = {
  type: 'object',
  properties: { reasoning: { type: 'string' }, sql: { type: 'string' } },
  required: ['reasoning', 'sql'],
  additionalProperties: false,
};

export function constraintOf(form: AnswerForm): AnswerConstraint | undefined {
  if (form === 'text') return undefined;
  return form === 'json'
    ? { kind: 'json', name: 'answer', schema: answerSchema }
    : { kind: 'regex', pattern: '```sql\\n[^`]+\\n```' };
}

export interface EndpointPredictorOptions extends EndpointOptions {
  /** The schema in words, for the prompt. */
  readonly schemaTextOf: (ask: Ask) => Promise<string>;
  /** Requests at the same time. */
  readonly concurrency: number;
  /** Longest answer. */
  readonly tokensMax: number;
}

const INSTRUCTIONS =
  'You write one SQLite query that answers the question, over the given schema. Use only its tables and columns. ' +
  'Return exactly the columns that are asked for. ';
const FORM = {
  regex: 'Answer with the query in a ```sql block.',
  json: 'Answer with a JSON object: "reasoning" says in one sentence how, "sql" is the query.',
};

export function promptOf(
  { question, evidence }: Ask,
  schemaText: string,
  kind: AnswerConstraint['kind'] = 'regex',
): ChatMessage[] {
  const known = evidence === undefined ? '' : `\n\nWhat is known besides: ${evidence}`;
  return [
    { role: 'system', content: INSTRUCTIONS + FORM[kind] },
    { role: 'user', content: `${schemaText}${known}\n\nQuestion: ${question}` },
  ];
}

/** At most `most` at the same time; the others wait their turn. */
function createGate(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = most;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/** An answer that was held to JSON has its query under "sql". */
function readContent(content: string): ReturnType<typeof readAnswer> {
  const isJson = content.trimStart().startsWith('{');
  if (!isJson) return readAnswer(content);
  try {
    const { sql, reasoning } = JSON.parse(content) as { sql?: unknown; reasoning?: unknown };
    if (typeof sql !== 'string') return readAnswer(content);
    return { sql, isComplete: true, ...(typeof reasoning === 'string' ? { reasoning } : {}) };
  } catch {
    return readAnswer(content);
  }
}

/** The probability of the whole answer; undefined where the server gives none. */
function probabilityOf({ logprobs }: ChatAnswer['choices'][number]): number | undefined {
  const tokens = logprobs?.content ?? [];
  if (tokens.length === 0) return undefined;
  return Math.min(1, Math.exp(tokens.reduce((sum, { logprob }) => sum + logprob, 0)));
}

function predictionsOf({ choices, usage }: ChatAnswer, latencyMs: number): Prediction[] {
  return choices.map((choice) => {
    const { message, finish_reason: reason } = choice;
    const { sql, reasoning, isComplete } = readContent(message.content ?? '');
    const confidence = probabilityOf(choice);
    const thought = message.reasoning_content ?? reasoning;
    const tokens = usage == null ? {} : { tokens: Math.round(usage.completion_tokens / choices.length) };
    return {
      // Half a query is none, also where it would run.
      sql: isComplete && reason !== 'length' ? sql.replace(/;\s*$/, '') : '',
      ...(thought === undefined ? {} : { reasoning: thought }),
      ...(confidence === undefined ? {} : { confidence }),
      latencyMs,
      ...tokens,
    };
  });
}

export function createEndpointPredictor(options: EndpointPredictorOptions): CandidateSource {
  const { schemaTextOf, tokensMax, model } = options;
  const gate = createGate(options.concurrency);

  /** Servers that do not know `n` give one answer a request: the rest is asked for again. */
  const proposeOne = async (ask: Ask, { samples, temperature }: Sampling): Promise<Prediction[]> => {
    const messages = promptOf(ask, await schemaTextOf(ask), options.constraint?.kind);
    const predictions: Prediction[] = [];
    while (predictions.length < samples) {
      const startedAt = performance.now();
      const left = samples - predictions.length;
      const answer = await askEndpoint(options, { messages, samples: left, temperature, tokensMax });
      const latencyMs = performance.now() - startedAt;
      if (answer === undefined) return Array.from({ length: samples }, () => ({ sql: '', latencyMs }));
      predictions.push(...predictionsOf(answer, latencyMs).slice(0, left));
    }
    return predictions;
  };

  return {
    name: model,
    propose: (asks, sampling) => Promise.all(asks.map((ask) => gate(() => proposeOne(ask, sampling)))),
    close: async () => {},
  };
}
