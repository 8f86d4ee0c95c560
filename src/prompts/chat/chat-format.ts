/**
 * The prompt format of language models: a system message with the schema, a user message with the question, rendered by the
 * model's own chat template; the answer is a ```sql block. It knows no database and is not bound to one: the schema is
 * text in the prompt.
 */

import type { ConstraintSpec } from '../../engine/policy.ts';
import type { ChatMessage } from '../../engine/tokenizer/chat-template.ts';
import type { Tokenizer } from '../../engine/tokenizer/tokenizer.ts';
import { readAnswer } from '../answer-text.ts';
import type { PreparedPrompt, PromptContext, PromptFormat } from '../prompt-format.ts';
import type { ChatSettings } from './chat-settings.ts';
import type { ChatTurns } from './chat-turns.ts';

export interface ChatFormatOptions {
  readonly settings: ChatSettings;
  readonly tokenizer: Tokenizer;
  readonly turns: ChatTurns;
  /** Tokens that end an answer, beside the template's own. */
  readonly endTokens: readonly number[];
  /** The schema as text, where the context of a question brings none. */
  readonly schemaText: string;
  /** Keeps the block of SQL inside the schema; left out: nothing does. */
  readonly constraint?: ConstraintSpec | undefined;
}

/** Training asks the same questions again and again; a prompt of 3,000 tokens takes 12 kB here and tens of milliseconds to make. */
const promptsKeptMax = 4096;

const fenced = (sql: string): string => `\`\`\`sql\n${sql.trim()}\n\`\`\``;

/** Few-shot examples are turns of their own, and a correction goes on with the conversation. */
export function chatMessages(
  question: string,
  context: PromptContext,
  { instructions, today }: ChatSettings,
  schemaText: string,
): ChatMessage[] {
  const date = today === undefined ? '' : `\n\nToday is ${today.slice(0, 10)}.`;
  const schema = context.schemaText ?? schemaText;
  const messages: ChatMessage[] = [
    { role: 'system', content: `${instructions}\n\n${schema.trim()}${date}` },
    ...(context.examples ?? []).flatMap((example): ChatMessage[] => [
      { role: 'user', content: example.question },
      { role: 'assistant', content: fenced(example.sql) },
    ]),
    { role: 'user', content: question.trim() },
  ];
  if (context.correction === undefined) return messages;
  const { sql, message } = context.correction;
  return [
    ...messages,
    { role: 'assistant', content: fenced(sql) },
    { role: 'user', content: `That statement is not right: ${message.trim()}\nWrite a better one.` },
  ];
}

export function createChatFormat(options: ChatFormatOptions): PromptFormat {
  const { settings, tokenizer, turns, schemaText, constraint } = options;
  const stops = new Set([turns.endOfTurn, ...options.endTokens]);
  const kept = new Map<string, Int32Array>();

  const prepareWith = (question: string, context: PromptContext): PreparedPrompt => {
    const text = turns.render(chatMessages(question, context, settings, schemaText));
    return { question, promptTokens: tokenizer.encode(text), bindings: undefined };
  };
  const beforeStop = (tokens: Int32Array): { readonly text: string; readonly isEnded: boolean } => {
    const stopAt = tokens.findIndex((token) => stops.has(token));
    const isEnded = stopAt >= 0;
    return { text: tokenizer.decode(isEnded ? tokens.subarray(0, stopAt) : tokens), isEnded };
  };

  return {
    id: 'chat',
    stopTokens: [...stops],
    constraint,
    prepare: (question) => {
      let promptTokens = kept.get(question);
      if (promptTokens === undefined) {
        if (kept.size >= promptsKeptMax) kept.clear();
        ({ promptTokens } = prepareWith(question, {}));
        kept.set(question, promptTokens);
      }
      return { question, promptTokens, bindings: undefined };
    },
    prepareWith,
    countTokens: (text) => tokenizer.encode(text).length,
    textOf: (tokens) => beforeStop(tokens).text,
    completionTokens: (sql) => Int32Array.from([...tokenizer.encode(fenced(sql)), turns.endOfTurn]),
    parseCompletion: (tokens) => {
      const { text, isEnded } = beforeStop(tokens);
      const answer = readAnswer(text);
      return { ...answer, isComplete: isEnded && answer.isComplete };
    },
  };
}
