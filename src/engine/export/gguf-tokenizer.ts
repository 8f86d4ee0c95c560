/**
 * A `tokenizer.json` as the tokenizer keys of GGUF. llama.cpp knows a fixed list of ways to split text before merging: those that
 * we can name exactly are written, every other one is refused, because a wrong split would give other tokens without a word.
 */

import { QuerentError } from '../../foundation/errors.ts';
import type { ModelText } from '../checkpoint/text-files.ts';
import type { TokenizerJson } from '../tokenizer/tokenizer-json.ts';
import type { GgufValue } from './gguf-file.ts';

/** `llama_token_type`. */
const tokenTypes = { normal: 1, control: 3, userDefined: 4, unused: 5 } as const;

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const afterNumbers = '| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const letters = '[^\\r\\n\\p{L}\\p{N}]?\\p{L}+';

/** The pattern of `tokenizer.json` -> llama.cpp's name of it (`llama_vocab_pre_type` in src/llama-vocab.cpp). */
const splits = new Map<string, { readonly name: string; readonly ignoreMerges: boolean }>([
  [`${contractions}|${letters}|\\p{N}${afterNumbers}`, { name: 'qwen2', ignoreMerges: false }],
  [`${contractions}|${letters}|\\p{N}{1,3}${afterNumbers}`, { name: 'llama-bpe', ignoreMerges: true }],
]);

type Json = Readonly<Record<string, unknown>>;
const asObject = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};

function refuse(problem: string): QuerentError {
  return new QuerentError(
    'export/unsupported-tokenizer',
    `llama.cpp cannot read this tokenizer: ${problem}`,
    {
      next: 'Export as safetensors or onnx, which keep tokenizer.json as it is.',
    },
  );
}

function splitName(json: TokenizerJson): string {
  const steps = asObject(json.pre_tokenizer);
  const list = (steps.type === 'Sequence' ? (steps.pretokenizers as unknown[]) : [steps]).map(asObject);
  const byteLevel = list.at(-1);
  if (byteLevel?.type !== 'ByteLevel' || byteLevel.add_prefix_space === true)
    throw refuse('it is not a byte-level one (as of Qwen and Llama 3)');
  if (list.length === 1 && byteLevel.use_regex !== false) return 'gpt-2';
  const pattern = asObject(list[0]?.pattern).Regex;
  const found = list.length === 2 && typeof pattern === 'string' ? splits.get(pattern) : undefined;
  if (found === undefined)
    throw refuse(`its split ${JSON.stringify(pattern ?? null)} is not one of Qwen 2, Llama 3 or GPT-2`);
  const ignores = asObject(json.model).ignore_merges === true;
  if (ignores !== found.ignoreMerges)
    throw refuse(`"ignore_merges" is ${ignores}, and ${found.name} has ${found.ignoreMerges}`);
  return found.name;
}

interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
}

/** Rows of the embedding without a token get a name of their own: the file must have one for each. */
function vocabularyOf(json: TokenizerJson, vocabSize: number): Vocabulary {
  const tokens = Array.from({ length: vocabSize }, (_, id) => `[PAD${id}]`);
  const types = new Array<number>(vocabSize).fill(tokenTypes.unused);
  const set = (token: string, id: unknown, type: number): void => {
    if (typeof id !== 'number' || id < 0 || id >= vocabSize)
      throw refuse(`token ${JSON.stringify(token)} has the id ${id}, the model ${vocabSize} tokens`);
    tokens[id] = token;
    types[id] = type;
  };
  for (const [token, id] of Object.entries(asObject(asObject(json.model).vocab)))
    set(token, id, tokenTypes.normal);
  for (const added of (Array.isArray(json.added_tokens) ? json.added_tokens : []).map(asObject))
    set(
      String(added.content),
      added.id,
      added.special === true ? tokenTypes.control : tokenTypes.userDefined,
    );
  return { tokens, types };
}

/** Whether encoding starts with a special token: the first part of the template says so. */
function startsWithSpecial(processor: Json): boolean {
  if (processor.type === 'Sequence')
    return ((processor.processors as unknown[] | undefined) ?? []).some((part) =>
      startsWithSpecial(asObject(part)),
    );
  if (processor.type !== 'TemplateProcessing') return false;
  return 'SpecialToken' in asObject((processor.single as unknown[] | undefined)?.[0]);
}

export function ggufTokenizer(text: ModelText, vocabSize: number): readonly (readonly [string, GgufValue])[] {
  const { json } = text.tokenizer;
  const model = asObject(json.model);
  if (model.type !== 'BPE')
    throw refuse(`its model is ${JSON.stringify(model.type ?? null)}, "BPE" was expected`);
  const { tokens, types } = vocabularyOf(json, vocabSize);
  const merges = ((model.merges as unknown[] | undefined) ?? []).map((merge) =>
    Array.isArray(merge) ? merge.join(' ') : String(merge),
  );
  const special = (key: string, name: string): [string, GgufValue][] => {
    const token = text.specialTokens[key];
    const value = token === undefined ? undefined : text.tokenizer.tokenToId(token);
    return value === undefined ? [] : [[`tokenizer.ggml.${name}`, { type: 'uint32', value }]];
  };
  const end = text.endTokens[0];
  const endKey = special('eos_token', 'eos_token_id');
  return [
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: splitName(json) }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: tokens }],
    ['tokenizer.ggml.token_type', { type: 'int32s', value: types }],
    ['tokenizer.ggml.merges', { type: 'strings', value: merges }],
    ...special('bos_token', 'bos_token_id'),
    ...(endKey.length > 0 || end === undefined
      ? endKey
      : [['tokenizer.ggml.eos_token_id', { type: 'uint32', value: end }] as [string, GgufValue]]),
    ...special('pad_token', 'padding_token_id'),
    [
      'tokenizer.ggml.add_bos_token',
      { type: 'bool', value: startsWithSpecial(asObject(json.post_processor)) },
    ],
    ...(text.chatTemplate === undefined
      ? []
      : [['tokenizer.chat_template', { type: 'string', value: text.chatTemplate }] as [string, GgufValue]]),
  ];
}
