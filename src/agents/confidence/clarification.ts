/** A question back, from what could not be placed. Knows words and columns; it does not know how sure the model is. */
import { wordsOfIdentifier } from '../../schema/words.ts';
import type { AmbiguousWords, Clarification } from '../pipeline.ts';

const MEANINGS_SHOWN_MAX = 4;

function meaningText(meaning: string): string {
  const [table = '', column = ''] = meaning.split('.');
  return `the ${wordsOfIdentifier(column).join(' ')} in ${table}`;
}

function partOf({ words, reason, meanings }: AmbiguousWords): string {
  if (reason === 'unknown-word') return `What does “${words}” mean here?`;
  const shown = meanings.slice(0, MEANINGS_SHOWN_MAX).map(meaningText);
  const last = shown.pop()!;
  return `Is “${words}” ${shown.length === 0 ? last : `${shown.join(', ')} or ${last}`}?`;
}

/** Undefined where nothing is ambiguous: then there is nothing to ask. */
export function clarify(ambiguous: readonly AmbiguousWords[]): Clarification | undefined {
  if (ambiguous.length === 0) return undefined;
  const asked = ambiguous.slice(0, 3);
  return { question: asked.map(partOf).join(' '), ambiguous: asked };
}
