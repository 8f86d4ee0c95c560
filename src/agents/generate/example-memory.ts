/**
 * Questions whose statements are known: from the training set, and accepted by users. Finds those most like a question, for
 * the prompt, and the one that was answered before in the same words. Likeness is the cosine of words weighted by how rare
 * they are; values count little, since the same question is asked of many.
 */
import { questionWords } from '../../schema/link/question-words.ts';
import { plainWords, stemOf } from '../analyze/word-match.ts';

export interface KnownExample {
  readonly question: string;
  readonly sql: string;
  /** Accepted or corrected by a user: found first among equals, and taken where the words are the same. */
  readonly isAccepted?: boolean;
}

export interface ExampleMemory {
  add(example: KnownExample): void;
  /** At most `count`, the most alike last; statements that differ. */
  alike(question: string, count: number): readonly KnownExample[];
  /** What a user accepted for the same words. */
  accepted(question: string): KnownExample | undefined;
  readonly size: number;
}

interface Stored {
  readonly example: KnownExample;
  readonly terms: ReadonlyMap<string, number>;
}

/** Accepted examples are preferred by this factor. */
const ACCEPTED_FACTOR = 1.25;
const PLAIN_WEIGHT = 0.3;

const normalized = (question: string): string =>
  questionWords(question)
    .map(({ key }) => key)
    .filter((key) => /[\p{L}\p{N}]/u.test(key))
    .join(' ');

function termsOf(question: string): Map<string, number> {
  const terms = new Map<string, number>();
  for (const { key } of questionWords(question)) {
    if (!/\p{L}/u.test(key)) continue;
    terms.set(stemOf(key), plainWords.has(key) ? PLAIN_WEIGHT : 1);
  }
  return terms;
}

export function createExampleMemory(examples: readonly KnownExample[] = []): ExampleMemory {
  const stored: Stored[] = [];
  const byTerm = new Map<string, number[]>();
  const accepted = new Map<string, KnownExample>();
  const rarity = (term: string): number =>
    Math.log(1 + stored.length / (1 + (byTerm.get(term)?.length ?? 0)));
  const weigh = (terms: ReadonlyMap<string, number>): Map<string, number> =>
    new Map([...terms].map(([term, weight]) => [term, weight * rarity(term)]));
  const lengthOf = (weights: ReadonlyMap<string, number>): number =>
    Math.sqrt([...weights.values()].reduce((sum, weight) => sum + weight * weight, 0));

  const add = (example: KnownExample): void => {
    if (example.isAccepted === true) accepted.set(normalized(example.question), example);
    const terms = termsOf(example.question);
    for (const term of terms.keys()) {
      const places = byTerm.get(term);
      if (places === undefined) byTerm.set(term, [stored.length]);
      else places.push(stored.length);
    }
    stored.push({ example, terms });
  };
  for (const example of examples) add(example);

  const similarity = (wanted: ReadonlyMap<string, number>, { example, terms }: Stored): number => {
    const own = weigh(terms);
    let product = 0;
    for (const [term, weight] of wanted) product += weight * (own.get(term) ?? 0);
    const cosine = product / (lengthOf(wanted) * lengthOf(own) || 1);
    return example.isAccepted === true ? cosine * ACCEPTED_FACTOR : cosine;
  };

  return {
    add,
    alike: (question, count) => {
      if (count === 0 || stored.length === 0) return [];
      const wanted = weigh(termsOf(question));
      // Terms that most questions have find everything: only the telling ones look for candidates.
      const telling = [...wanted.keys()].filter(
        (term) => (byTerm.get(term)?.length ?? 0) < 0.2 * stored.length + 20,
      );
      const near = new Set(telling.flatMap((term) => byTerm.get(term) ?? []));
      const ranked = [...near]
        .map((at) => ({ stored: stored[at]!, score: similarity(wanted, stored[at]!) }))
        .sort((a, b) => b.score - a.score);
      const bySql = new Map<string, KnownExample>();
      for (const { stored: found } of ranked) {
        if (bySql.size >= count) break;
        if (!bySql.has(found.example.sql)) bySql.set(found.example.sql, found.example);
      }
      return [...bySql.values()].reverse();
    },
    accepted: (question) => accepted.get(normalized(question)),
    get size() {
      return stored.length;
    },
  };
}
