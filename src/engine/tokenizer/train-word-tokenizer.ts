/**
 * Makes a tokenizer from a corpus: every frequent word is one token, and pieces and single characters cover the rest, so
 * that no text of printable ASCII or Latin-1 characters is ever unknown. Deterministic; the order of the corpus is
 * irrelevant. Knows words, not what they mean.
 *
 *   const json = trainWordTokenizer({ corpus, forcedWords: ['SELECT', 'employees'], specialTokens: ['<v0>'] });
 *
 * A special token is cut out of the middle of words too: give it a form that no text has by accident (`<v0>`, not `v0`).
 * A word that begins with "##" does not survive a round trip, as with every WordPiece tokenizer.
 */
import { QuerentError } from '../../foundation/errors.ts';
import type { WordTokenizerJson } from './tokenizer-json.ts';
import { chooseWordPieces, continuingPrefix } from './word-pieces.ts';
import { addedTokenSplitter, splitWords } from './word-tokenizer.ts';

/** Always the first ids, in this order. */
export const baseSpecialTokens = ['<pad>', '<s>', '</s>', '<sql>', '<unk>'] as const;

export interface TrainWordTokenizerOptions {
  /** Texts whose words are separated by white space. */
  readonly corpus: Iterable<string>;
  /** In the vocabulary however rare they are. */
  readonly forcedWords?: Iterable<string>;
  /** Placeholders and markers, after the base ones; kept whole wherever they stand. */
  readonly specialTokens?: Iterable<string>;
  /** Words seen at least this often become tokens; 2 unless told. */
  readonly minCount?: number;
  /** At most this many prefixes and suffixes; 200 unless told. */
  readonly pieceBudget?: number;
  /** Characters beyond ASCII and Latin-1 that must never be unknown; those of chosen words are added anyway. */
  readonly characters?: string;
}

function refuse(problem: string): never {
  throw new QuerentError('tokenizer/invalid-options', `cannot train the tokenizer: ${problem}`, {
    next: 'Correct the options.',
  });
}

function countWords(corpus: Iterable<string>, specialTokens: readonly string[]): Map<string, number> {
  const split = addedTokenSplitter(specialTokens);
  const counts = new Map<string, number>();
  for (const text of corpus) {
    split(text).forEach((section, i) => {
      if (i % 2 === 1) return;
      for (const word of splitWords(section)) counts.set(word, (counts.get(word) ?? 0) + 1);
    });
  }
  return counts;
}

/** Frequent first, equal counts in code-unit order: the same ids on every machine. */
function frequentWords(counts: ReadonlyMap<string, number>, minCount: number): string[] {
  return [...counts]
    .filter(([word, count]) => count >= minCount && !word.startsWith(continuingPrefix) && isWellFormed(word))
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .map(([word]) => word);
}

/** No half of a surrogate pair stands alone: such a text cannot be written to a file. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** Printable ASCII, printable Latin-1, then the others in code-point order. */
function repertoire(words: Iterable<string>, extra: string): string[] {
  const characters = new Set<string>();
  for (let code = 0x21; code <= 0xff; code++) {
    if (code < 0x7f || code > 0xa0) characters.add(String.fromCharCode(code));
  }
  const others = new Set<string>();
  for (const word of words)
    for (const character of word) if (!characters.has(character)) others.add(character);
  for (const character of splitWords(extra).join('')) if (!characters.has(character)) others.add(character);
  return [...characters, ...[...others].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!)];
}

function checkedList(items: Iterable<string>, what: string): string[] {
  const list = [...new Set(items)];
  for (const item of list) {
    if (splitWords(item).length !== 1 || splitWords(item)[0] !== item)
      refuse(`the ${what} ${JSON.stringify(item)} is empty or has white space in it`);
    if (!isWellFormed(item)) refuse(`the ${what} ${JSON.stringify(item)} is not valid Unicode`);
  }
  return list;
}

function forcedWordList(forcedWords: Iterable<string>): string[] {
  const list = checkedList(forcedWords, 'forced word');
  const bad = list.find((word) => word.startsWith(continuingPrefix));
  if (bad !== undefined) refuse(`the forced word ${JSON.stringify(bad)} begins with "${continuingPrefix}"`);
  return list;
}

export function trainWordTokenizer(options: TrainWordTokenizerOptions): WordTokenizerJson {
  const { minCount = 2, pieceBudget = 200, characters = '' } = options;
  if (!(minCount >= 1)) refuse(`minCount is ${minCount}; at least 1 was expected`);
  if (!(pieceBudget >= 0)) refuse(`pieceBudget is ${pieceBudget}; at least 0 was expected`);
  const specialTokens = [
    ...new Set([...baseSpecialTokens, ...checkedList(options.specialTokens ?? [], 'special token')]),
  ];
  const counts = countWords(options.corpus, specialTokens);
  const words = [
    ...new Set([...forcedWordList(options.forcedWords ?? []), ...frequentWords(counts, minCount)]),
  ];
  const singles = repertoire(words, characters);
  const pieces = chooseWordPieces(words, counts, pieceBudget);
  const tokens = new Set([
    ...specialTokens,
    ...singles,
    ...singles.map((character) => continuingPrefix + character),
    ...words,
    ...pieces,
  ]);
  return toJson([...tokens], specialTokens);
}

function toJson(tokens: readonly string[], specialTokens: readonly string[]): WordTokenizerJson {
  const base: readonly string[] = baseSpecialTokens;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      // Placeholders carry content, so a decoder that skips special tokens must keep them.
      special: base.includes(content),
    })),
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: continuingPrefix, cleanup: false },
    model: {
      type: 'WordPiece',
      unk_token: '<unk>',
      continuing_subword_prefix: continuingPrefix,
      max_input_chars_per_word: 4096,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    },
  };
}
