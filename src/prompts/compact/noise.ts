/** What makes training questions more like those of people: fillers, dropped and swapped words, slips of the keyboard. */
import type { Random } from '../../foundation/random.ts';
import { fixedPhrases, type Next, type SwapGroup, swapGroups } from './swaps.ts';

const before =
  'please|can you tell me|could you show me|i would like to know|i need|hi ,|hello ,|quick question :|tell me|do you know|i want to know|just|help me find|for my report :|hey ,|could you please give me|we need|for the meeting :|asap :|question :|so ,|ok ,|i wonder|let me know'.split(
    '|',
  );
const after =
  'please|thanks|?|.|? thanks|right now|for me|asap|, thank you|in our system|at the moment|in the database|?|?|.'.split(
    '|',
  );

const droppable = new Set(
  'the a an of is are do we have all our their there me please for in with that which what and to by from does has any by show list give'.split(
    ' ',
  ),
);

interface Phrase {
  readonly words: readonly string[];
  /** Undefined for a fixed phrase. */
  readonly group: SwapGroup | undefined;
}

/** Every phrase by its first word, longest first. */
const phrasesByFirst = ((): ReadonlyMap<string, readonly Phrase[]> => {
  const all: Phrase[] = [
    ...swapGroups.flatMap((group) => group.words.map((text) => ({ words: text.split(' '), group }))),
    ...fixedPhrases.map((text) => ({ words: text.split(' '), group: undefined })),
  ];
  const byFirst = new Map<string, Phrase[]>();
  for (const phrase of all.sort((a, b) => b.words.length - a.words.length)) {
    const first = phrase.words[0]!;
    byFirst.set(first, [...(byFirst.get(first) ?? []), phrase]);
  }
  return byFirst;
})();

const markerOf: Readonly<Record<Next, RegExp>> = {
  amount: /^\[(number|percent)\]$/,
  date: /^\[(year|quarter|month|day)\]$/,
};
/** How far back "between" reaches. */
const lookBack = 6;

/** The longest phrase that starts at a word; alternatives only where its group allows them there. */
function phraseAt(
  words: readonly string[],
  at: number,
): { length: number; others: readonly string[] } | undefined {
  const phrase = phrasesByFirst
    .get(words[at]!)
    ?.find((candidate) => candidate.words.every((word, i) => words[at + i] === word));
  if (phrase === undefined) return undefined;
  const { group } = phrase;
  const { length } = phrase.words;
  const next = words[at + length] ?? '';
  const recent = words.slice(Math.max(0, at - lookBack), at);
  const allowed =
    group !== undefined &&
    (group.next === undefined || markerOf[group.next].test(next)) &&
    !recent.some((word) => group.notAfter?.includes(word));
  return { length, others: allowed ? [...group.words, ...(group.results ?? [])] : [] };
}

export interface NoiseOptions {
  readonly filler: number;
  readonly swap: number;
  readonly drop: number;
  readonly keywordStyle: number;
  readonly typo: number;
}

export const defaultNoise: NoiseOptions = {
  filler: 0.3,
  swap: 0.12,
  drop: 0.05,
  keywordStyle: 0.1,
  typo: 0.006,
};

/** One slip: two letters swapped, one lost, one doubled. */
function misspell(word: string, random: Random): string {
  const i = 1 + random.int(word.length - 2);
  const kind = random.int(3);
  if (kind === 0) return word.slice(0, i) + word[i + 1] + word[i] + word.slice(i + 2);
  if (kind === 1) return word.slice(0, i) + word.slice(i + 1);
  return word.slice(0, i) + word[i] + word.slice(i);
}

/** `words` are plain words and value markers (which start with `[` or `<` and are never touched). */
export function addNoise(
  words: readonly string[],
  random: Random,
  options: NoiseOptions = defaultNoise,
): string[] {
  const isTerse = random.chance(options.keywordStyle);
  const result: string[] = [];
  const keep = (word: string): void => {
    if (/^[[<]/.test(word)) result.push(word);
    else if (droppable.has(word) && random.chance(isTerse ? 0.6 : options.drop)) return;
    else if (word.length >= 5 && random.chance(options.typo)) result.push(misspell(word, random));
    else result.push(word);
  };
  for (let at = 0; at < words.length; ) {
    const phrase = phraseAt(words, at);
    const length = phrase?.length ?? 1;
    if (phrase !== undefined && phrase.others.length > 0 && random.chance(options.swap))
      result.push(...random.pick(phrase.others).split(' '));
    else words.slice(at, at + length).forEach(keep);
    at += length;
  }
  if (result.length === 0) return [...words];
  if (isTerse || !random.chance(options.filler)) return result;
  return random.chance(0.5)
    ? [...random.pick(before).split(' '), ...result]
    : [...result, ...random.pick(after).split(' ')];
}
