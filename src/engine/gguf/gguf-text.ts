/**
 * Tokenizer, chat template and special tokens of a GGUF file, as those of a model directory (`checkpoint/text-files.ts`). Text is
 * split by llama.cpp; only the lists of tokens are read from the file. Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
 */
import { QuerentError } from '../../foundation/errors.ts';
import type { ModelText } from '../checkpoint/text-files.ts';
import type { Tokenizer, TokenizerJson } from '../tokenizer/tokenizer.ts';
import type { LlamaModel } from './llama-module.ts';

/** `llama_token_type`. */
const controlType = 3;
const userDefinedType = 4;

type Json = Readonly<Record<string, unknown>>;
const asObject = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {};

interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  /** "gpt2" for byte-level BPE, "llama" for SentencePiece, … */
  readonly kind: string;
}

function vocabularyOf(ggml: Json, path: string): Vocabulary {
  const { tokens, token_type: types, model } = ggml;
  if (!Array.isArray(tokens) || !Array.isArray(types)) {
    throw new QuerentError('gguf/no-tokenizer', `${path} holds no tokenizer (tokenizer.ggml.tokens)`, {
      next: 'Use a GGUF file with its vocabulary, as `querent export --format gguf` writes it.',
      details: { path },
    });
  }
  return { tokens: tokens as string[], types: types as number[], kind: String(model) };
}

/** As much of a `tokenizer.json` as prompts and constraints look into: its tokens, and whether they are bytes. */
function jsonOf({ tokens, types, kind }: Vocabulary): TokenizerJson {
  const isAdded = (id: number): boolean => types[id] === controlType || types[id] === userDefinedType;
  return {
    added_tokens: tokens.flatMap((content, id) =>
      isAdded(id) ? [{ id, content, special: types[id] === controlType }] : [],
    ),
    model: {
      type: kind === 'gpt2' ? 'BPE' : kind,
      vocab: Object.fromEntries(tokens.flatMap((token, id) => (isAdded(id) ? [] : [[token, id]]))),
    },
    ...(kind === 'gpt2' ? { decoder: { type: 'ByteLevel' } } : {}),
  };
}

export function ggufText(model: LlamaModel, path: string): ModelText {
  const tokenizerKeys = asObject(model.fileInfo.metadata.tokenizer);
  const ggml = asObject(tokenizerKeys.ggml);
  const vocabulary = vocabularyOf(ggml, path);
  const { tokens, types } = vocabulary;
  const json = jsonOf(vocabulary);
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const tokenizer: Tokenizer = {
    vocabSize: tokens.length,
    json,
    encode: (text) => Int32Array.from(model.tokenize(text, true)),
    decode: (tokenIds) => (tokenIds.length === 0 ? '' : model.detokenize(Array.from(tokenIds), true)),
    tokenToId: (token) => ids.get(token),
    idToToken: (id) => tokens[id],
  };
  const named = {
    bos_token: ggml.bos_token_id,
    eos_token: ggml.eos_token_id,
    pad_token: ggml.padding_token_id,
    unk_token: ggml.unknown_token_id,
  };
  const endings = [model.tokens.eos, model.tokens.eot].filter((id) => id !== null);
  for (const [id, type] of types.entries())
    if (type === controlType && model.isEogToken(id)) endings.push(id);
  const template = tokenizerKeys.chat_template;
  return {
    tokenizer,
    chatTemplate: typeof template === 'string' ? template : undefined,
    specialTokens: Object.fromEntries(
      Object.entries(named).flatMap(([name, id]) => {
        const token = typeof id === 'number' ? tokens[id] : undefined;
        return token === undefined ? [] : [[name, token]];
      }),
    ),
    endTokens: [...new Set(endings)],
  };
}
