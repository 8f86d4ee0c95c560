/**
 * Link a question to a database: which values, numbers and dates it mentions, and which words are left.
 * Longest database value first, then dates, then numbers; spelling is mended only for words that nobody knows.
 */
import { matchDate } from './dates.ts';
import type { LinkedValue } from './linked-value.ts';
import { matchNumber } from './numbers.ts';
import { type QuestionWord, questionWords } from './question-words.ts';
import type { ValueIndex } from './value-index.ts';

export type QuestionPiece =
  | { readonly kind: 'word'; readonly text: string }
  /** `shown`: the words themselves, where they mean something beside the value. */
  | { readonly kind: 'value'; readonly index: number; readonly shown: readonly string[] };

export interface LinkedQuestion {
  /** As it was asked. */
  readonly question: string;
  readonly pieces: readonly QuestionPiece[];
  /** Distinct values in order of first mention; pieces point into it. */
  readonly values: readonly LinkedValue[];
}

export interface LinkOptions {
  /** Words with a meaning of their own; others may be mended or taken for part of a name. Undefined: all are known. */
  readonly isKnownWord?: (key: string) => boolean;
}

interface Found {
  readonly value: LinkedValue;
  readonly count: number;
  readonly isLexical?: boolean;
}

const openQuotes = new Set(['"', '“', '‘', '`', "'"]);
const closeQuotes: Readonly<Record<string, string>> = { '"': '"', '“': '”', '‘': '’', '`': '`', "'": "'" };

/** A quoted stretch of at most eight words: a value even if the database does not know it. */
function matchQuoted(
  question: string,
  words: readonly QuestionWord[],
  at: number,
  index: ValueIndex,
): Found | undefined {
  const open = words[at]!;
  if (!openQuotes.has(open.text)) return undefined;
  const isInsideWord = open.start > 0 && /[\p{L}\p{N}]/u.test(question[open.start - 1]!);
  if (isInsideWord) return undefined;
  const close = closeQuotes[open.text]!;
  for (let i = at + 2; i < Math.min(words.length, at + 10); i++) {
    if (words[i]!.text !== close) continue;
    const inner = index.match(words, at + 1);
    if (inner !== undefined && inner.count === i - at - 1) {
      return {
        value: { kind: 'text', text: inner.entry.text, columns: inner.entry.columns },
        count: i - at + 1,
      };
    }
    const text = question.slice(open.end, words[i]!.start);
    return { value: { kind: 'text', text, columns: [] }, count: i - at + 1 };
  }
  return undefined;
}

/** "name contains harbour", "starting with Nord": the word after is a value. */
function matchAfterPattern(words: readonly QuestionWord[], at: number): Found | undefined {
  const before = words[at - 1]?.key ?? '';
  const two = `${words[at - 2]?.key ?? ''} ${before}`;
  const asksPattern =
    /^(contains|containing|contain)$/.test(before) ||
    /^(starts|starting|begins|beginning|start|begin|ends|ending|end) with$/.test(two);
  if (!asksPattern || !/^\p{L}/u.test(words[at]!.text)) return undefined;
  if (/^(the|a|an|with|in|at|word|letters?|term|text)$/.test(words[at]!.key)) return undefined;
  return { value: { kind: 'text', text: words[at]!.text, columns: [] }, count: 1 };
}

function matchDatabaseValue(
  words: readonly QuestionWord[],
  at: number,
  index: ValueIndex,
): Found | 'phrase' | undefined {
  const found = index.match(words, at);
  if (found === undefined) return undefined;
  if (found.entry.isPhrase === true) return 'phrase';
  const { text, columns, isLexical } = found.entry;
  return { value: { kind: 'text', text, columns }, count: found.count, isLexical };
}

/** Misspelt or shortened names, only where the word means nothing else. */
function matchLoosely(
  words: readonly QuestionWord[],
  at: number,
  index: ValueIndex,
  options: LinkOptions,
): Found | undefined {
  const { key } = words[at]!;
  if (options.isKnownWord === undefined || options.isKnownWord(key) || !/^\p{L}{4,}$/u.test(key))
    return undefined;
  const partial = index.uniqueByFirstWord(key);
  if (partial !== undefined)
    return { value: { kind: 'text', text: partial.text, columns: partial.columns }, count: 1 };
  const nearest = index.nearestWord(key);
  if (nearest === undefined) return undefined;
  const mended = words.map((word, i) => (i === at ? { ...word, key: nearest, text: nearest } : word));
  const found = matchDatabaseValue(mended, at, index);
  return found === 'phrase' ? undefined : found;
}

function phraseLength(words: readonly QuestionWord[], at: number, index: ValueIndex): number {
  return index.match(words, at)?.count ?? 1;
}

function sameValue(a: LinkedValue, b: LinkedValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function linkQuestion(question: string, index: ValueIndex, options: LinkOptions = {}): LinkedQuestion {
  const words = questionWords(question);
  const pieces: QuestionPiece[] = [];
  const values: LinkedValue[] = [];
  let at = 0;
  while (at < words.length) {
    const found: Found | 'phrase' | undefined =
      matchQuoted(question, words, at, index) ??
      matchDatabaseValue(words, at, index) ??
      matchDate(words, at) ??
      matchNumber(words, at) ??
      matchAfterPattern(words, at) ??
      matchLoosely(words, at, index, options);
    if (found === undefined || found === 'phrase') {
      const count = found === undefined ? 1 : phraseLength(words, at, index);
      for (const word of words.slice(at, at + count)) pieces.push({ kind: 'word', text: word.key });
      at += count;
      continue;
    }
    let valueIndex = values.findIndex((value) => sameValue(value, found.value));
    if (valueIndex < 0) {
      valueIndex = values.length;
      values.push(found.value);
    }
    if (/^fy\d+$/.test(words[at]!.key)) pieces.push({ kind: 'word', text: 'fy' });
    const shown = found.isLexical === true ? words.slice(at, at + found.count).map((word) => word.key) : [];
    pieces.push({ kind: 'value', index: valueIndex, shown });
    at += found.count;
  }
  return { question, pieces, values };
}
