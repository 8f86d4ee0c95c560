/** What makes training questions more like those of people: fillers, dropped and swapped words, slips of the keyboard. */
import type { Random } from '../../foundation/random.ts';

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

const swaps: readonly (readonly string[])[] = [
  ['show', 'list', 'display', 'give', 'print', 'get', 'fetch', 'find'],
  ['highest', 'largest', 'biggest', 'greatest', 'maximum', 'max'],
  ['lowest', 'smallest', 'minimum', 'min', 'least'],
  ['which', 'what'],
  ['per', 'by', 'for each', 'for every', 'in each'],
  ['all', 'every', 'the', 'all the'],
  ['over', 'above', 'more than', 'exceeding', '>'],
  ['under', 'below', 'less than', '<'],
  ['average', 'mean', 'avg', 'typical'],
  ['total', 'overall', 'combined', 'sum of'],
  ['without', 'with no', 'lacking', 'missing', 'w/o'],
  ['number of', 'count of', 'amount of', 'no of', '#'],
  ['have', 'got', 'hold'],
  ['and', '&', 'plus', 'as well as'],
  ['currently', 'now', 'today'],
  ['different', 'distinct', 'unique', 'various'],
];
const swapOf = new Map(swaps.flatMap((group) => group.map((word) => [word, group] as const)));

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
  for (const word of words) {
    const isMarker = /^[[<]/.test(word);
    if (isMarker) result.push(word);
    else if (droppable.has(word) && random.chance(isTerse ? 0.6 : options.drop)) continue;
    else if (swapOf.has(word) && random.chance(options.swap))
      result.push(...random.pick(swapOf.get(word)!).split(' '));
    else if (word.length >= 5 && random.chance(options.typo)) result.push(misspell(word, random));
    else result.push(word);
  }
  if (result.length === 0) return [...words];
  if (isTerse || !random.chance(options.filler)) return result;
  return random.chance(0.5)
    ? [...random.pick(before).split(' '), ...result]
    : [...result, ...random.pick(after).split(' ')];
}
