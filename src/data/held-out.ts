/** Nothing may train on what it is evaluated on: keeps the questions of test sets out of training examples. */
import type { Example } from './example.ts';
import { shapeOf } from './synthesis/split.ts';

/** Letters and digits alone: "Active projects?" and "active projects" ask the same. */
const wordsOf = (question: string): string =>
  question
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu)
    ?.join(' ') ?? '';

/** The examples whose questions, letter case, spaces and punctuation aside, no test set asks of the same database. */
export function withoutQuestionsOf(
  tests: readonly (readonly Example[])[],
  examples: readonly Example[],
): readonly Example[] {
  const keyOf = ({ databaseId, question }: Example): string => `${databaseId}\0${wordsOf(question)}`;
  const asked = new Set(tests.flat().map(keyOf));
  return examples.filter((example) => !asked.has(keyOf(example)));
}

/** The examples whose SQL differs from every test's in more than its values. */
export function withoutShapesOf(tests: readonly Example[], examples: readonly Example[]): readonly Example[] {
  const shapes = new Set(tests.map(({ sql }) => shapeOf(sql)));
  return examples.filter(({ sql }) => !shapes.has(shapeOf(sql)));
}
