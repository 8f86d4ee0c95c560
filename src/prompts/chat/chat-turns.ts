/**
 * How one model's chat template wraps turns: the text before an answer, and the token that ends it. Found by rendering, since
 * templates differ: some have no place for a system message, some put an empty thought in front of the answer.
 */
import type { ChatMessage, ChatTemplate } from '../../engine/tokenizer/chat-template.ts';
import type { Tokenizer } from '../../engine/tokenizer/tokenizer.ts';
import { QuerentError } from '../../foundation/errors.ts';

export interface ChatTurns {
  /** The text of a prompt, up to where the answer begins. */
  render(messages: readonly ChatMessage[]): string;
  /** What the model was trained to write behind an answer. */
  readonly endOfTurn: number;
}

export interface ChatTurnsOptions {
  readonly template: ChatTemplate;
  readonly tokenizer: Tokenizer;
  /** Tokens that end an answer, as the checkpoint says. */
  readonly endTokens: readonly number[];
  readonly today: string | undefined;
}

const mark = 'QUERENT-MARK';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** As `strftime('%d %b %Y')`, which the templates of Llama 3.1 and later show. Never the clock: prompts must not change overnight. */
function dateString(today: string): string | undefined {
  const found = /^(\d{4})-(\d{2})-(\d{2})/.exec(today);
  return found === null ? undefined : `${found[3]} ${months[Number(found[2]) - 1]} ${found[1]}`;
}

/** Templates without system messages refuse them, or leave them out. */
function showsSystem(template: ChatTemplate): boolean {
  const messages: ChatMessage[] = [
    { role: 'system', content: mark },
    { role: 'user', content: 'question' },
  ];
  try {
    return template.render(messages, { addGenerationPrompt: true }).includes(mark);
  } catch {
    return false;
  }
}

function withoutSystem(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const [first, second, ...others] = messages;
  if (first?.role !== 'system' || second === undefined) return messages;
  return [{ role: second.role, content: `${first.content}\n\n${second.content}` }, ...others];
}

/** The first token behind an answer, where the template writes one; else the first that the checkpoint names. */
function endOfTurnOf({ template, tokenizer, endTokens }: ChatTurnsOptions): number {
  const messages: ChatMessage[] = [
    { role: 'user', content: 'question' },
    { role: 'assistant', content: mark },
  ];
  const text = template.render(messages, { addGenerationPrompt: false });
  const behind = text.slice(text.lastIndexOf(mark) + mark.length);
  const [first] = tokenizer.encode(behind.trimStart());
  const isWritten = first !== undefined && behind.trimStart().startsWith(tokenizer.decode([first]).trim());
  const isSpecial = isWritten && isAddedToken(tokenizer, first);
  const end = isSpecial ? first : endTokens[0];
  if (end !== undefined) return end;
  throw new QuerentError('prompts/no-end-token', 'nothing says which token ends an answer of this model', {
    next: 'Set "eos_token_id" in generation_config.json, or "eos_token" in tokenizer_config.json, of the model directory.',
  });
}

/** Only such a token means the same wherever it stands; an ordinary one may begin any word. */
function isAddedToken(tokenizer: Tokenizer, id: number): boolean {
  const added = tokenizer.json.added_tokens as readonly { readonly id?: unknown }[] | undefined;
  return added?.some((token) => token.id === id) ?? false;
}

export function createChatTurns(options: ChatTurnsOptions): ChatTurns {
  const { template, today } = options;
  const hasSystem = showsSystem(template);
  const date = today === undefined ? undefined : dateString(today);
  const variables = {
    // Reasoning models would otherwise begin with a thought, which gold answers do not have.
    enable_thinking: false,
    ...(date === undefined ? {} : { date_string: date }),
  };
  return {
    render: (messages) =>
      template.render(hasSystem ? messages : withoutSystem(messages), {
        addGenerationPrompt: true,
        variables,
      }),
    endOfTurn: endOfTurnOf(options),
  };
}
