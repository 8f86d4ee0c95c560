/**
 * Words that often stand side by side become one, learnt from the training statements as byte-pair encoding learns pieces
 * of words (Sennrich et al., ACL 2016), one level up. Long statements of one habit (`FLIGHT.FROM_AIRPORT =
 * AIRPORT_SERVICE_0.AIRPORT_CODE`) then take a handful of steps to write. Placeholders stay single, so that values do.
 */
import { seam } from './sql-words.ts';

/** One merge: `left right` becomes `left~right`. In the order in which they are applied. */
export type WordMerges = readonly string[];

const isMergeable = (word: string): boolean => !/<v\d|^:[a-z_]+$/.test(word);

const joined = (left: string, right: string): string => `${left}${seam}${right}`;

/** In place of every `left right` in a text of words. */
function merge(words: readonly string[], left: string, right: string): string[] {
  const result: string[] = [];
  for (let i = 0; i < words.length; i++) {
    if (words[i] === left && words[i + 1] === right) {
      result.push(joined(left, right));
      i += 1;
    } else result.push(words[i]!);
  }
  return result;
}

function mostFrequentPair(
  texts: readonly (readonly string[])[],
): { pair: [string, string]; count: number } | undefined {
  const counts = new Map<string, number>();
  for (const words of texts) {
    for (let i = 0; i + 1 < words.length; i++) {
      if (!isMergeable(words[i]!) || !isMergeable(words[i + 1]!)) continue;
      const key = `${words[i]} ${words[i + 1]}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  let best: string | undefined;
  for (const [key, count] of counts) {
    const least = best === undefined ? 0 : counts.get(best)!;
    if (count > least || (count === least && key < best!)) best = key;
  }
  if (best === undefined) return undefined;
  const [left, right] = best.split(' ') as [string, string];
  return { pair: [left, right], count: counts.get(best)! };
}

/**
 * At most `count` merges of pairs that occur at least `minCount` times. Each statement counts once up to its
 * placeholders, so that a frequent question decides no more than a rare one.
 */
export function learnWordMerges(completions: readonly string[], count: number, minCount: number): WordMerges {
  const shapes = new Set(completions.map((text) => text.replaceAll(/<v\d>/g, '<v0>')));
  let texts = [...shapes].map((text) => text.split(' '));
  const merges: string[] = [];
  while (merges.length < count) {
    const found = mostFrequentPair(texts);
    if (found === undefined || found.count < minCount) break;
    const [left, right] = found.pair;
    merges.push(`${left} ${right}`);
    texts = texts.map((words) => merge(words, left, right));
  }
  return merges;
}

/** Where each merge stands in the order, made once for many texts. */
export function createWordMerger(merges: WordMerges): (text: string) => string {
  if (merges.length === 0) return (text) => text;
  const rankOf = new Map(merges.map((pair, rank) => [pair, rank]));
  return (text) => {
    let words = text.split(' ');
    for (;;) {
      let best: number | undefined;
      for (let i = 0; i + 1 < words.length; i++) {
        const rank = rankOf.get(`${words[i]} ${words[i + 1]}`);
        if (rank !== undefined && (best === undefined || rank < best)) best = rank;
      }
      if (best === undefined) return words.join(' ');
      const [left, right] = merges[best]!.split(' ') as [string, string];
      words = merge(words, left, right);
    }
  };
}
