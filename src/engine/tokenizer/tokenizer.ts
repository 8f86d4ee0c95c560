/**
 * Text to token ids and back, from any `tokenizer.json`. Our own kind takes a fast path (`word-tokenizer.ts`);
 * every other goes through @huggingface/tokenizers behind the same interface. Adds no special tokens: prompts do.
 *
 *   const tokenizer = loadTokenizer(json);
 *   const ids = tokenizer.encode('how many employees ?');
 *   tokenizer.decode(ids);
 */
import { Tokenizer as GeneralTokenizer } from '@huggingface/tokenizers';
import { messageOf } from '../../foundation/errors.ts';
import { asWordTokenizer, invalidTokenizer, type Tokenizer, type TokenizerJson } from './tokenizer-json.ts';
import { createWordTokenizer } from './word-tokenizer.ts';

export type { Tokenizer, TokenizerJson } from './tokenizer-json.ts';

function createGeneralTokenizer(json: TokenizerJson): Tokenizer {
  let inner: GeneralTokenizer;
  try {
    inner = new GeneralTokenizer(json, { clean_up_tokenization_spaces: false });
  } catch (thrown) {
    throw invalidTokenizer(messageOf(thrown), thrown);
  }
  let idMax = -1;
  for (const id of inner.get_vocab().values()) idMax = Math.max(idMax, id);
  return {
    vocabSize: idMax + 1,
    json,
    encode: (text) => Int32Array.from(inner.encode(text, { add_special_tokens: false }).ids),
    decode: (ids) => (ids.length === 0 ? '' : inner.decode(Array.from(ids))),
    tokenToId: (token) => inner.token_to_id(token),
    idToToken: (id) => inner.id_to_token(id),
  };
}

export function loadTokenizer(json: TokenizerJson): Tokenizer {
  if (typeof json !== 'object' || json === null) throw invalidTokenizer('it is not a JSON object');
  const word = asWordTokenizer(json);
  return word === undefined ? createGeneralTokenizer(json) : createWordTokenizer(word);
}
