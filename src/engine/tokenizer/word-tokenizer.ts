/**
 * Fast runtime for our own kind of tokenizer: added tokens are cut out anywhere, the rest is split at white space, and
 * each word is the longest known pieces from left to right (WordPiece). Ids equal those of the Python library.
 * Two differences to @huggingface/tokenizers, which follows JavaScript's \s: U+0085 is white space, U+FEFF is not.
 */
import { type Tokenizer, tokensById, type WordTokenizerJson } from './tokenizer-json.ts';

/** Unicode White_Space, which is what the reference implementation splits at. */
const wordPattern = /[^\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

/** Words remembered with their ids; cleared when full, since questions are open-ended. */
const cacheWordsMax = 20_000;

export function splitWords(text: string): string[] {
  return text.match(wordPattern) ?? [];
}

/** Cuts added tokens out, leftmost and longest first. Even indexes of the result are text, odd ones added tokens. */
export function addedTokenSplitter(contents: readonly string[]): (text: string) => string[] {
  if (contents.length === 0) return (text) => [text];
  const longestFirst = [...contents].sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  const pattern = new RegExp(`(${escaped.join('|')})`);
  return (text) => text.split(pattern);
}

interface Pieces {
  readonly initial: ReadonlyMap<string, number>;
  readonly continuing: ReadonlyMap<string, number>;
  readonly lengthMax: number;
  readonly wordCharactersMax: number;
  readonly unknownId: number;
}

function piecesOf({ model }: WordTokenizerJson): Pieces {
  const initial = new Map(Object.entries(model.vocab));
  const continuing = new Map<string, number>();
  const prefix = model.continuing_subword_prefix;
  let lengthMax = 1;
  for (const [token, id] of initial) {
    lengthMax = Math.max(lengthMax, token.length);
    if (token.startsWith(prefix)) continuing.set(token.slice(prefix.length), id);
  }
  return {
    initial,
    continuing,
    lengthMax,
    wordCharactersMax: model.max_input_chars_per_word,
    unknownId: initial.get(model.unk_token)!,
  };
}

/** Greedy longest match; a word with any part that no piece covers is unknown as a whole. */
function splitWord(word: string, pieces: Pieces): number[] {
  if (word.length > pieces.wordCharactersMax && [...word].length > pieces.wordCharactersMax)
    return [pieces.unknownId];
  const ids: number[] = [];
  for (let start = 0; start < word.length; ) {
    const known = start === 0 ? pieces.initial : pieces.continuing;
    let end = Math.min(word.length, start + pieces.lengthMax);
    let id: number | undefined;
    for (; end > start; end--) {
      id = known.get(word.slice(start, end));
      if (id !== undefined) break;
    }
    if (id === undefined) return [pieces.unknownId];
    ids.push(id);
    start = end;
  }
  return ids;
}

export function createWordTokenizer(json: WordTokenizerJson): Tokenizer {
  const tokens = tokensById(json);
  const pieces = piecesOf(json);
  const addedIds = new Map(json.added_tokens.map((token) => [token.content, token.id]));
  const ids = new Map([...pieces.initial, ...addedIds]);
  const splitAdded = addedTokenSplitter([...addedIds.keys()]);
  const prefix = json.model.continuing_subword_prefix;
  const cache = new Map<string, readonly number[]>();

  const idsOfWord = (word: string): readonly number[] => {
    let known = cache.get(word);
    if (known === undefined) {
      known = splitWord(word, pieces);
      if (cache.size >= cacheWordsMax) cache.clear();
      cache.set(word, known);
    }
    return known;
  };

  return {
    vocabSize: tokens.length,
    json,
    encode: (text) => {
      const out: number[] = [];
      splitAdded(text).forEach((section, i) => {
        if (i % 2 === 1) out.push(addedIds.get(section)!);
        else for (const word of splitWords(section)) out.push(...idsOfWord(word));
      });
      return Int32Array.from(out);
    },
    decode: (tokenIds) => {
      let text = '';
      for (let i = 0; i < tokenIds.length; i++) {
        const token = tokens[tokenIds[i]!] ?? json.model.unk_token;
        if (i === 0) text = token;
        else text += token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      }
      return text;
    },
    tokenToId: (token) => ids.get(token),
    idToToken: (id) => tokens[id],
  };
}
