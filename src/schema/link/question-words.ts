/** A question as a list of words with their places in the text. Values in the database are cut in the same way. */

export interface QuestionWord {
  /** As written. */
  readonly text: string;
  /** Lower case, without diacritics. */
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

const pattern = /\d+(?:[.,']\d+)*\p{L}*|\p{L}[\p{L}\p{N}]*|[^\s]/gu;

/** The form in which words are compared. */
export function wordKey(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

export function questionWords(question: string): QuestionWord[] {
  const words: QuestionWord[] = [];
  for (const match of question.matchAll(pattern)) {
    words.push({
      text: match[0],
      key: wordKey(match[0]),
      start: match.index,
      end: match.index + match[0].length,
    });
  }
  return words;
}
