import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../foundation/files.ts';
import { loadModelText } from '../checkpoint/text-files.ts';
import { type ChatMessage, createChatTemplate } from './chat-template.ts';
import { chatTemplates, mixedTexts } from './test-texts.ts';

const python = join(packageRoot(), process.env.QUERENT_PYTHON ?? join('.venv', 'bin', 'python'));
const directory = mkdtempSync(join(tmpdir(), 'querent-tokenizers-'));
afterAll(() => rmSync(directory, { recursive: true }));

const kinds = [
  { name: 'qwen2.5', kind: 'qwen2', template: chatTemplates['qwen2.5'], hasSystem: true },
  { name: 'qwen3', kind: 'qwen2', template: chatTemplates.qwen3, hasSystem: true },
  { name: 'llama3', kind: 'llama3', template: chatTemplates.llama3, hasSystem: true },
  { name: 'mistral', kind: 'llama2', template: chatTemplates.mistral, hasSystem: false },
] as const;

/** Where Python's `strip` and JavaScript's `trim`, behind a template's `trim`, disagree on what white space is. */
const disputedEdges = /^[\s\u001c-\u001f\u0085]+|[\s\u001c-\u001f\u0085]+$/g;
const texts = mixedTexts(1000, 3);
const chatTexts = texts.map((text) => text.replace(disputedEdges, ' '));

/** A conversation around each text; a third of them with an assistant's answer at the end. */
function chatsOf(hasSystem: boolean) {
  return chatTexts.map((text, i) => {
    const messages: ChatMessage[] = [
      ...(hasSystem && i % 2 === 0 ? [{ role: 'system', content: `Answer in SQL.\n${text}` } as const] : []),
      { role: 'user', content: text },
      ...(i % 5 === 1
        ? ([
            { role: 'assistant', content: chatTexts[(i + 1) % texts.length]! },
            { role: 'user', content: 'and now?' },
          ] as const)
        : []),
      ...(i % 3 === 0 ? [{ role: 'assistant', content: '```sql\nSELECT 1\n```' } as const] : []),
    ];
    return { messages, addGenerationPrompt: i % 3 !== 0, variables: { enable_thinking: i % 4 === 0 } };
  });
}

interface Answer {
  readonly ids: number[][];
  readonly decoded: string[];
  readonly chats: { readonly text: string; readonly ids: number[] }[];
}

describe.skipIf(!existsSync(python))('as Python’s transformers (skipped where it is not there)', () => {
  let answers: Answer[];
  beforeAll(() => {
    const jobs = kinds.map(({ name, kind, template, hasSystem }) => ({
      directory: join(directory, name),
      kind,
      corpus: mixedTexts(300, 8),
      vocabSize: 900,
      chatTemplate: template,
      texts,
      chats: chatsOf(hasSystem),
    }));
    const script = join(packageRoot(), 'python', 'testing', 'parity_tokenizers.py');
    const options = { input: JSON.stringify(jobs), encoding: 'utf8', maxBuffer: 1e9 } as const;
    const { status, stdout, stderr } = spawnSync(python, [script], options);
    if (status !== 0) throw new Error(`Python failed:\n${stderr}`);
    answers = JSON.parse(stdout.trim().split('\n').at(-1)!) as Answer[];
  }, 300_000);

  describe.each(kinds.map((kind, i) => ({ ...kind, i })))('$name', ({ name, hasSystem, i }) => {
    it('tokens of 1,000 mixed texts, and the texts again', async () => {
      const { tokenizer } = await loadModelText(join(directory, name));
      const wrong = texts.flatMap((text, n) => {
        const ids = [...tokenizer.encode(text)];
        const theirs = answers[i]!.ids[n]!;
        const back = tokenizer.decode(theirs);
        return ids.join() === theirs.join() && back === answers[i]!.decoded[n]!
          ? []
          : [{ text, ids, theirs, back, decoded: answers[i]!.decoded[n] }];
      });
      expect(wrong).toEqual([]);
    });

    it('chats of 1,000 mixed texts, rendered and as tokens', async () => {
      const { tokenizer, chatTemplate, specialTokens } = await loadModelText(join(directory, name));
      const template = createChatTemplate(chatTemplate!, specialTokens);
      chatsOf(hasSystem).forEach(({ messages, ...options }, n) => {
        const text = template.render(messages, options);
        expect(text).toBe(answers[i]!.chats[n]!.text);
        expect([...tokenizer.encode(text)]).toEqual(answers[i]!.chats[n]!.ids);
      });
    });
  });

  it('knows what ends an answer, also of a tokenizer without a pad token', async () => {
    const llama = await loadModelText(join(directory, 'llama3'));
    expect(llama.specialTokens).toEqual({ bos_token: '<|begin_of_text|>', eos_token: '<|eot_id|>' });
    expect(llama.endTokens).toEqual([llama.tokenizer.tokenToId('<|eot_id|>')]);
    const qwen = await loadModelText(join(directory, 'qwen2.5'));
    expect(qwen.endTokens).toEqual([qwen.tokenizer.tokenToId('<|im_end|>')]);
  });

  it('names a template that refuses', async () => {
    const { chatTemplate, specialTokens } = await loadModelText(join(directory, 'mistral'));
    const template = createChatTemplate(chatTemplate!, specialTokens);
    const messages = [{ role: 'system', content: 'x' } as const];
    expect(() => template.render(messages, { addGenerationPrompt: true })).toThrowError(
      expect.objectContaining({
        code: 'tokenizer/invalid-chat-template',
        message: expect.stringMatching(/alternate|supported/),
      }),
    );
    expect(() => createChatTemplate('{% if %}', {})).toThrowError(
      expect.objectContaining({ code: 'tokenizer/invalid-chat-template' }),
    );
  });
});
