/** Words in a question, and others in their places. It knows no SQL. */
import { articleFor } from '../../schema/words.ts';

export interface Turn {
  readonly from: string;
  readonly to: string;
}

/** The same pairs from left to right and from right to left. */
export const bothWays = (pairs: readonly (readonly [string, string])[]): { there: Turn[]; back: Turn[] } => ({
  there: pairs.map(([from, to]) => ({ from, to })),
  back: pairs.map(([to, from]) => ({ from, to })),
});

/** A word in a question, and what is to stand there. */
export interface Said {
  readonly at: number;
  readonly length: number;
  readonly to: string;
}

export const isCapital = (text: string): boolean => /^[A-Z]/.test(text);
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Every place where one of the words stands; of two that begin alike the longer one. */
export function placesOf(question: string, turns: readonly Turn[], tail = ''): Said[] {
  if (turns.length === 0) return [];
  const words = [...turns].sort((a, b) => b.from.length - a.from.length);
  const pattern = new RegExp(
    `(?<![\\w'’-])(${words.map(({ from }) => from).join('|')})(?![\\w'’-])${tail}`,
    'gi',
  );
  return [...question.matchAll(pattern)].map(({ 1: word, index }) => {
    const { to } = words.find(({ from }) => from === word!.toLowerCase())!;
    return { at: index, length: word!.length, to: isCapital(word!) ? capital(to) : to };
  });
}

/** The question with that word changed, and the article in front of it. */
export function said(question: string, { at, length, to }: Said): string {
  const before = question
    .slice(0, at)
    .replace(/\b(a)n?(?= $)/i, (_, a: string) => a + articleFor(to).slice(1));
  return before + to + question.slice(at + length);
}
