/**
 * Chat templates: messages to the text that a model was trained to answer, by the Jinja program that its checkpoint carries.
 * Renders as Python's `apply_chat_template` does, but for one thing: a template's `trim` takes a byte order mark off the ends
 * of a message, and leaves U+001C to U+001F and U+0085 there. It knows no tokens: special tokens are written out.
 */
import { Template } from '@huggingface/jinja';
import { messageOf, QuerentError } from '../../foundation/errors.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface RenderOptions {
  /** End with the opening of an assistant's turn. */
  readonly addGenerationPrompt: boolean;
  /** More names that the template may read (`enable_thinking`, `date_string`). */
  readonly variables?: Readonly<Record<string, unknown>>;
}

export interface ChatTemplate {
  render(messages: readonly ChatMessage[], options: RenderOptions): string;
}

/** For models without a template of their own: plain paragraphs, ended by the end-of-text token. */
export const plainTemplate =
  "{{ bos_token or '' }}{% for message in messages %}{{ message.content }}" +
  "{% if message.role == 'assistant' %}{{ eos_token or '' }}{% endif %}{{ '\\n\\n' }}{% endfor %}";

function invalidTemplate(problem: string, cause: unknown): QuerentError {
  return new QuerentError(
    'tokenizer/invalid-chat-template',
    `the chat template ${problem}: ${messageOf(cause)}`,
    {
      next: 'Check chat_template.jinja, or "chat_template" in tokenizer_config.json, of the model directory.',
      cause,
    },
  );
}

/** `specialTokens`: `bos_token`, `eos_token` and the like, as the template reads them. */
export function createChatTemplate(
  source: string,
  specialTokens: Readonly<Record<string, string>>,
): ChatTemplate {
  let template: Template;
  try {
    template = new Template(source);
  } catch (thrown) {
    throw invalidTemplate('cannot be read', thrown);
  }
  return {
    render: (messages, { addGenerationPrompt, variables = {} }) => {
      try {
        return template.render({
          ...specialTokens,
          ...variables,
          messages: messages.map((message) => ({ ...message })),
          add_generation_prompt: addGenerationPrompt,
        });
      } catch (thrown) {
        throw invalidTemplate('refuses these messages', thrown);
      }
    },
  };
}
