/** Columns as questions name them, found and told apart in a question. It knows words, no SQL. */
import type { Column } from '../../schema/schema.ts';
import { pluralOf } from '../../schema/words.ts';
import type { SynthesisContext, TableFacts } from '../synthesis/context.ts';
import { wordPattern } from './word-places.ts';

/** The nouns of a column, each in the singular and in the plural, in small letters. */
export function formsOf(
  context: SynthesisContext,
  facts: TableFacts,
  column: Column,
): (readonly [string, string])[] {
  const { nouns } = context.lexicon.column(facts.table.name, column.name);
  return nouns.map((noun) => [noun.toLowerCase(), pluralOf(noun.toLowerCase())] as const);
}

/** Whether the question has any of the words. */
export const says = (question: string, words: readonly string[]): boolean =>
  words.length > 0 && question.search(wordPattern(words)) >= 0;
