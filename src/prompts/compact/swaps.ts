/**
 * Words and phrases that mean the same wherever they stand, for the noise of training questions. It knows no schema: nouns
 * of tables and columns never are in here. What does not mean quite the same ("since" and "after") is in two groups.
 */

/** The word after a phrase: `[number] <v0>` and `[year] <v1>` are how values look in a prompt. */
export type Next = 'amount' | 'date';

export interface SwapGroup {
  /** Any of these becomes any other. */
  readonly words: readonly string[];
  /** These are only ever the result: they have other meanings too, or fit only here. */
  readonly results?: readonly string[];
  /** Only before such a value: "over 5" is "more than 5", "over budget" is not. */
  readonly next?: Next;
  /** Not where one of these was said shortly before: "between 3 and 5". */
  readonly notAfter?: readonly string[];
}

export const swapGroups: readonly SwapGroup[] = [
  { words: ['show', 'list', 'display', 'give', 'print', 'get', 'fetch', 'find'] },
  { words: ['tell me', 'let me know'] },
  { words: ['i need', 'i want', 'i would like'] },
  { words: ['which', 'what'] },
  { words: ['do we have', 'are there'] },
  { words: ['have'], results: ['got', 'hold'] },
  { words: ['how many'], results: ['what number of', 'number of', 'count of'] },
  { words: ['number of', 'count of', '# of'], results: ['amount of', 'no of', '#'] },
  { words: ['highest', 'largest', 'biggest', 'greatest', 'maximum', 'max'], results: ['top'] },
  { words: ['lowest', 'smallest', 'minimum', 'min'] },
  { words: ['the fewest', 'the lowest number of', 'the smallest number of'] },
  { words: ['average', 'mean', 'avg'], results: ['typical'] },
  { words: ['total', 'overall', 'combined'] },
  { words: ['in total', 'altogether', 'all together'] },
  { words: ['running total', 'running sum', 'cumulative sum', 'cumulative total'] },
  { words: ['percentage of', 'share of', 'proportion of', 'fraction of'], results: ['percent of'] },
  { words: ['different', 'distinct', 'unique', 'various', 'separate'] },
  { words: ['per', 'for each', 'for every', 'in each', 'in every'], results: ['by'] },
  { words: ['broken down by', 'split by', 'grouped by'], results: ['per', 'for each', 'by'] },
  { words: ['sorted by', 'ordered by', 'arranged by'], results: ['in order of'] },
  { words: ['every', 'each'] },
  { words: ['all', 'all the', 'all of the'] },
  { words: ['and', 'as well as'], results: ['&', 'plus'], notAfter: ['between', 'from', 'either', 'both'] },
  { words: ['along with', 'together with'] },
  { words: ['compared with', 'compared to'] },
  { words: ['versus', 'vs', 'against'] },
  { words: ['without', 'with no', 'without any'], results: ['lacking', 'w/o', 'not having'] },
  { words: ['exactly', 'precisely'] },
  { words: ['currently', 'now', 'at present', 'right now'], results: ['today'] },
  {
    words: [
      'more than',
      'over',
      'above',
      'exceeding',
      'greater than',
      'higher than',
      'upwards of',
      'north of',
      'in excess of',
    ],
    results: ['>'],
    next: 'amount',
  },
  {
    words: ['less than', 'fewer than', 'under', 'below', 'lower than', 'smaller than', 'short of'],
    results: ['<'],
    next: 'amount',
  },
  {
    words: ['at least', 'no less than', 'not less than', 'no fewer than', 'a minimum of', 'minimum of'],
    next: 'amount',
  },
  {
    words: ['at most', 'no more than', 'not more than', 'a maximum of', 'maximum of', 'up to'],
    next: 'amount',
  },
  { words: ['above the average', 'over the average', 'higher than the average', 'greater than the average'] },
  { words: ['below the average', 'under the average', 'lower than the average', 'less than the average'] },
  { words: ['before', 'prior to', 'earlier than'], next: 'date' },
  { words: ['after', 'later than'], results: ['following'], next: 'date' },
  { words: ['in', 'during', 'within'], next: 'date' },
];

/** Longer phrases that hold words of a group in another sense; they stay as they are. */
export const fixedPhrases: readonly string[] = [
  'on average',
  'and not',
  'at all',
  'in all',
  'of all',
  'all levels',
  'each other',
  'each of',
  'every one of',
  'for each of',
  'for every one of',
  'in each of',
  'per hour',
  'per cent',
  'how many percent',
  'in how many',
  'and how many',
  'across how many',
  'over how many',
  'for how many',
  'up to how many',
  'with how many',
  'to how many',
  'on or after',
  'on or before',
  'not before',
  'not after',
  'not under',
  'not above',
  'not over',
  'not below',
  'not exceeding',
  'not have',
  'not in',
  'in between',
];
