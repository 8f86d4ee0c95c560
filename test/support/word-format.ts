/** A `PromptFormat` over whole words, for tests of the training loops: question and SQL are split at spaces. */
import type { PromptFormat } from '../../src/prompts/prompt-format.ts';

/** `noiseWord` is put behind the question with probability 0.3 when a generator is given. */
export function wordFormat(
  words: readonly string[],
  noiseWord?: string,
): PromptFormat & { readonly vocabSize: number } {
  const vocabulary = ['<end>', ...words, ...(noiseWord === undefined ? [] : [noiseWord])];
  const idOf = (word: string): number => vocabulary.indexOf(word);
  const encode = (text: string): number[] => text.split(' ').map(idOf);
  return {
    id: 'words',
    vocabSize: vocabulary.length,
    stopTokens: [0],
    constraint: undefined,
    prepare: (question, random) => {
      const noise = noiseWord !== undefined && random?.chance(0.3) ? [idOf(noiseWord)] : [];
      return {
        question,
        promptTokens: Int32Array.from([...encode(question), ...noise]),
        bindings: undefined,
      };
    },
    completionTokens: (sql) => {
      const tokens = encode(sql);
      return tokens.includes(-1) ? undefined : Int32Array.from([...tokens, 0]);
    },
    parseCompletion: (tokens) => {
      const isComplete = tokens.at(-1) === 0;
      const sql = Array.from(isComplete ? tokens.slice(0, -1) : tokens, (token) => vocabulary[token]!).join(
        ' ',
      );
      return { sql, isComplete };
    },
  };
}
