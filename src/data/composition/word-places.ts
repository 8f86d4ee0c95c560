/** Words in a question, and others in their places. It knows no SQL. */
import { articleFor, capitalised } from '../../schema/words.ts';

/** A word, and what is to be said in its place. */
export type Turn = readonly [from: string, to: string];

/** The same pairs from right to left. */
export const reversed = (turns: readonly Turn[]): Turn[] => turns.map(([from, to]) => [to, from]);

/** A word in a question, and what is to stand there. */
export interface Said {
  readonly at: number;
  readonly length: number;
  readonly to: string;
}

/** Any of the words, whole; of two that begin alike the longer one. `tail`: what has to follow, as a regular expression. */
export function wordPattern(words: readonly string[], tail = ''): RegExp {
  const escaped = [...words]
    .sort((a, b) => b.length - a.length)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(?<![\\w'’-])(?:${escaped.join('|')})(?![\\w'’-])${tail}`, 'gi');
}

export const isCapital = (text: string): boolean => /^[A-Z]/.test(text);

/** As the word that it replaces: with a capital, or as it is. */
export const likeWord = (word: string, text: string): string => (isCapital(word) ? capitalised(text) : text);

/** Every place where one of the words stands. */
export function placesOf(question: string, turns: readonly Turn[], tail = ''): Said[] {
  if (turns.length === 0) return [];
  // Of two for one word the first counts.
  const others = new Map([...turns].reverse());
  const pattern = wordPattern([...others.keys()], tail);
  return [...question.matchAll(pattern)].map(({ 0: word, index }) => ({
    at: index,
    length: word.length,
    to: likeWord(word, others.get(word.toLowerCase())!),
  }));
}

/** The question with that word changed, and the article in front of it. */
export function said(question: string, { at, length, to }: Said): string {
  const before = question
    .slice(0, at)
    .replace(/\b(a)n?(?= $)/i, (_, a: string) => a + articleFor(to).slice(1));
  return before + to + question.slice(at + length);
}
