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

/** How often each pair of words that may be merged stands in the texts, and in which of them. */
class PairCounts {
  readonly #texts: string[][];
  readonly #counts = new Map<string, number>();
  /** May name texts that no longer hold the pair. */
  readonly #places = new Map<string, Set<number>>();

  constructor(texts: readonly string[]) {
    this.#texts = texts.map((text) => text.split(' '));
    for (const at of this.#texts.keys()) this.#add(at, 1);
  }

  /** Of equally frequent pairs the first by the alphabet. */
  mostFrequent(): { readonly pair: string; readonly count: number } | undefined {
    let best: { pair: string; count: number } | undefined;
    for (const [pair, count] of this.#counts) {
      if (best === undefined || count > best.count || (count === best.count && pair < best.pair))
        best = { pair, count };
    }
    return best;
  }

  merge(pair: string): void {
    const [left, right] = pair.split(' ') as [string, string];
    for (const at of this.#places.get(pair) ?? []) {
      this.#add(at, -1);
      this.#texts[at] = merge(this.#texts[at]!, left, right);
      this.#add(at, 1);
    }
  }

  #add(at: number, sign: 1 | -1): void {
    const words = this.#texts[at]!;
    for (let i = 0; i + 1 < words.length; i++) {
      if (!isMergeable(words[i]!) || !isMergeable(words[i + 1]!)) continue;
      const pair = `${words[i]} ${words[i + 1]}`;
      const count = (this.#counts.get(pair) ?? 0) + sign;
      if (count > 0) this.#counts.set(pair, count);
      else this.#counts.delete(pair);
      if (sign < 0) continue;
      const places = this.#places.get(pair);
      if (places === undefined) this.#places.set(pair, new Set([at]));
      else places.add(at);
    }
  }
}

/**
 * At most `count` merges of pairs that occur at least `minCount` times. Each statement counts once up to its
 * placeholders, so that a frequent question decides no more than a rare one.
 */
export function learnWordMerges(completions: readonly string[], count: number, minCount: number): WordMerges {
  if (count === 0) return [];
  const pairs = new PairCounts([...new Set(completions.map((text) => text.replaceAll(/<v\d>/g, '<v0>')))]);
  const merges: string[] = [];
  while (merges.length < count) {
    const found = pairs.mostFrequent();
    if (found === undefined || found.count < minCount) break;
    merges.push(found.pair);
    pairs.merge(found.pair);
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
