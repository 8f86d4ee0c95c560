/**
 * Exact match (EM): do two statements say the same thing, up to how they are written?
 *
 * Equal if the normalised texts are equal (case of words outside quotes, spacing, `!=`/`<>`, a trailing semicolon), or
 * if the canonical syntax trees are equal (see `schema/syntax/canonical.ts`). The order of result columns, ORDER BY and
 * joins counts, since it can change the answer. EM knows nothing of what the statements return: that is EX.
 */
import { codeTokens, normalizeTokens } from '../database/sql-text.ts';
import { canonicalTree } from '../schema/syntax/canonical.ts';

/** Comments, spacing, case of words outside quotes, `!=` and a trailing semicolon make no difference. */
export function normalizeText(sql: string): string {
  return normalizeTokens(codeTokens(sql))
    .replace(/( ;)+$/, '')
    .replaceAll(' != ', ' <> ');
}

/** Needs `loadParser()` first. */
export function isExactMatch(predicted: string, gold: string): boolean {
  if (normalizeText(predicted) === normalizeText(gold)) return true;
  const tree = canonicalTree(predicted);
  return tree !== undefined && tree === canonicalTree(gold);
}
