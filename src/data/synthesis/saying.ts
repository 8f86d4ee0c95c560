/** How people say values of a category and comparisons with a number. */
import type { Column } from '../../schema/schema.ts';
import { withArticle } from '../../schema/words.ts';
import { type SynthesisContext, sayNumber, type TableFacts } from './context.ts';

/** Nobody writes "2,025" for a year. */
export function isYear(value: number): boolean {
  return Number.isInteger(value) && value >= 1900 && value <= 2100;
}

/** How people say one value of a category: the value itself or one of its synonyms. */
export function sayValue(
  context: SynthesisContext,
  facts: TableFacts,
  column: Column,
  value: string | number,
): string {
  if (typeof value === 'number') return sayPlain(context, value);
  const synonyms = context.lexicon.column(facts.table.name, column.name).values?.[value];
  const plain = sayPlain(context, value);
  return synonyms !== undefined && context.random.chance(0.75) ? context.random.pick(synonyms) : plain;
}

export function sayPlain(context: SynthesisContext, value: string | number): string {
  if (typeof value === 'number') return isYear(value) ? String(value) : sayNumber(context.random, value);
  return context.random.chance(0.6) ? value : value.toLowerCase();
}

/** "high" becomes an adjective as "high priority" only: whoever lists synonyms says which words stand before a noun. */
export function sayBefore(said: string, synonyms: readonly string[] | undefined): string {
  if (synonyms === undefined || synonyms.includes(said.toLowerCase())) return said;
  return synonyms[0]!;
}

/** A value in a phrase; synonyms that say the phrase's own words again ("with low priority priority") give way. */
export function fillValue(phrase: string, said: string, plain: string): string {
  const own = new Set(phrase.split(' '));
  const value = said.split(/[ -]/).some((word) => own.has(word)) ? plain : said;
  return phrase.replace(/\ban? \{v\}/, () => withArticle(value)).replace('{v}', () => value);
}

export const moreWords = [
  'more than',
  'over',
  'above',
  'greater than',
  'exceeding',
  'higher than',
  'upwards of',
  'north of',
  'in excess of',
  'beyond',
];
export const lessWords = [
  'less than',
  'under',
  'below',
  'lower than',
  'smaller than',
  'beneath',
  'not reaching',
  'short of',
];
export const atLeastWords = ['at least', 'no less than', 'a minimum of', 'not less than', 'not under'];
export const atMostWords = ['at most', 'no more than', 'up to', 'a maximum of', 'not more than', 'not above'];
