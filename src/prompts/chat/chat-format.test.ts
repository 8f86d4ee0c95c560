import { describe, expect, it } from 'vitest';
import { trainBytePairs } from '../../../test/support/byte-pairs.ts';
import { createChatTemplate, plainTemplate } from '../../engine/tokenizer/chat-template.ts';
import { chatTemplates } from '../../engine/tokenizer/test-texts.ts';
import { loadTokenizer } from '../../engine/tokenizer/tokenizer.ts';
import type { PromptContext } from '../prompt-format.ts';
import { createChatFormat } from './chat-format.ts';
import { chatSettingsSchema } from './chat-settings.ts';
import { createChatTurns } from './chat-turns.ts';

const tokenizer = loadTokenizer(trainBytePairs(['SELECT name FROM customers WHERE city = 1'], 20));
const id = (token: string) => tokenizer.tokenToId(token)!;
const special = { bos_token: '<|im_start|>', eos_token: '<|endoftext|>' };

function formatOf(source: string, today?: string) {
  const template = createChatTemplate(source, special);
  const endTokens = [id('<|endoftext|>')];
  const settings = chatSettingsSchema.parse({ format: 'chat', instructions: 'Write SQL.', today });
  const turns = createChatTurns({ template, tokenizer, endTokens, today });
  return createChatFormat({ settings, tokenizer, turns, endTokens, schemaText: 'CREATE TABLE t (a);' });
}

const textOf = (source: string, question: string, context: PromptContext = {}, today?: string) =>
  tokenizer.decode(formatOf(source, today).prepareWith!(question, context).promptTokens);

const context: PromptContext = {
  schemaText: 'CREATE TABLE u (b);',
  examples: [{ question: 'one?', sql: 'SELECT 1' }],
  correction: { sql: 'SELECT x', message: 'no such column: x' },
};

describe('prompts', () => {
  it.each<[string, string, string]>([
    [
      'a system message and the question',
      textOf(chatTemplates['qwen2.5'], ' how many? '),
      '<|im_start|>system\nWrite SQL.\n\nCREATE TABLE t (a);<|im_end|>\n<|im_start|>user\nhow many?<|im_end|>\n<|im_start|>assistant\n',
    ],
    [
      'no thought of a reasoning model, as its gold answers have none',
      textOf(chatTemplates.qwen3, 'how many?').split('user\n')[1]!,
      'how many?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n',
    ],
    [
      'one user message, where the template has no place for a system message',
      textOf(chatTemplates.mistral, 'how many?', {}, '2025-03-31'),
      '<|im_start|>[INST] Write SQL.\n\nCREATE TABLE t (a);\n\nToday is 2025-03-31.\n\nhow many? [/INST]',
    ],
    [
      'paragraphs, for a model without a template',
      textOf(plainTemplate, 'how many?'),
      '<|im_start|>Write SQL.\n\nCREATE TABLE t (a);\n\nhow many?\n\n',
    ],
    [
      'examples and a correction as turns',
      textOf(chatTemplates['qwen2.5'], 'two?', context),
      [
        '<|im_start|>system\nWrite SQL.\n\nCREATE TABLE u (b);<|im_end|>',
        '<|im_start|>user\none?<|im_end|>',
        '<|im_start|>assistant\n```sql\nSELECT 1\n```<|im_end|>',
        '<|im_start|>user\ntwo?<|im_end|>',
        '<|im_start|>assistant\n```sql\nSELECT x\n```<|im_end|>',
        '<|im_start|>user\nThat statement is not right: no such column: x\nWrite a better one.<|im_end|>',
        '<|im_start|>assistant\n',
      ].join('\n'),
    ],
  ])('%s', (_, text, expected) => {
    expect(text).toBe(expected);
  });

  it('shows the date of the questions, never the clock, where a template asks for one', () => {
    const dated = "{{ date_string if date_string is defined else 'none' }}: {{ messages[0].content }}";
    expect(textOf(dated, 'q', {}, '2024-07-26T10:00:00')).toMatch(/^26 Jul 2024: /);
    expect(textOf(dated, 'q')).toMatch(/^none: /);
  });
});

describe('answers', () => {
  it.each<[keyof typeof chatTemplates, string]>([
    ['qwen2.5', '<|im_end|>'],
    ['qwen3', '<|im_end|>'],
    ['mistral', '<|endoftext|>'],
  ])('%s: gold SQL ends with %s and is read back', (name, end) => {
    const format = formatOf(chatTemplates[name]);
    const prompt = format.prepare('q');
    const tokens = format.completionTokens(" SELECT 'ü', 1\nFROM t ", prompt)!;
    expect(tokens.at(-1)).toBe(id(end));
    expect(format.stopTokens).toContain(id(end));
    expect(format.stopTokens).toContain(id('<|endoftext|>'));
    expect(format.parseCompletion(tokens, prompt)).toEqual({
      sql: "SELECT 'ü', 1\nFROM t",
      isComplete: true,
    });
    expect(format.textOf!(tokens)).toBe("```sql\nSELECT 'ü', 1\nFROM t\n```");
    // Cut off: never scored as half a query.
    expect(format.parseCompletion(tokens.subarray(0, -1), prompt)).toMatchObject({ isComplete: false });
  });

  it('takes reasoning apart, and any token that ends an answer', () => {
    const format = formatOf(chatTemplates['qwen2.5']);
    const prompt = format.prepare('q');
    const written = 'Two tables.\n```sql\nSELECT 2\n```<|endoftext|>```sql\nSELECT 3\n```';
    expect(format.parseCompletion(tokenizer.encode(written), prompt)).toEqual({
      sql: 'SELECT 2',
      reasoning: 'Two tables.',
      isComplete: true,
    });
  });

  it('refuses a model of which nothing says how answers end', () => {
    const template = createChatTemplate('{{ messages[0].content }}', {});
    expect(() => createChatTurns({ template, tokenizer, endTokens: [], today: undefined })).toThrowError(
      expect.objectContaining({ code: 'prompts/no-end-token' }),
    );
  });
});
