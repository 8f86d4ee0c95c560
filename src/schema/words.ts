/**
 * English words of identifiers: `PAC_MNT_PROJECTS` -> pac mnt projects, `InvoiceLine` -> invoice line; singular and plural.
 * It knows spelling, not meaning; a synonyms file overrides whatever it guesses.
 */

/** Lower-case words of an identifier: splits at _, spaces, dashes, camelCase humps and digits. */
export function wordsOfIdentifier(identifier: string): string[] {
  return identifier
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .split(/[\s_\-.]+/)
    .map((word) => word.toLowerCase())
    .filter((word) => word !== '');
}

const irregularPlurals = new Map([
  ['person', 'people'],
  ['child', 'children'],
  ['man', 'men'],
  ['woman', 'women'],
  ['staff', 'staff'],
  ['series', 'series'],
  ['medium', 'media'],
  ['media', 'media'],
  ['analysis', 'analyses'],
  ['status', 'statuses'],
  ['country', 'countries'],
  ['data', 'data'],
]);
const irregularSingulars = new Map([...irregularPlurals].map(([one, many]) => [many, one]));

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** "company" -> "companies"; of several words the last is changed. */
export function pluralOf(noun: string): string {
  const words = noun.split(' ');
  const last = words.pop()!;
  const irregular = irregularPlurals.get(last);
  let plural: string;
  if (irregular !== undefined) plural = irregular;
  else if (/[^aeiou]y$/.test(last)) plural = `${last.slice(0, -1)}ies`;
  else if (/(s|x|z|ch|sh)$/.test(last)) plural = `${last}es`;
  else plural = `${last}s`;
  return [...words, plural].join(' ');
}

/** "companies" -> "company"; a word that is not plural stays. */
export function singularOf(noun: string): string {
  const words = noun.split(' ');
  const last = words.pop()!;
  const irregular = irregularSingulars.get(last);
  let singular: string;
  if (irregular !== undefined) singular = irregular;
  else if (/ies$/.test(last) && last.length > 4) singular = `${last.slice(0, -3)}y`;
  else if (/(ss|us|is)$/.test(last)) singular = last;
  else if (/(xes|ches|shes|sses|zes)$/.test(last)) singular = last.slice(0, -2);
  else if (/s$/.test(last) && last.length > 3) singular = last.slice(0, -1);
  else singular = last;
  return [...words, singular].join(' ');
}

/** "a" or "an". */
export function articleFor(noun: string): string {
  return (/^[aeiou]/i.test(noun) && !/^(uni|use|eu|one\b)/i.test(noun)) || /^(hour|honest)/i.test(noun)
    ? 'an'
    : 'a';
}

const uncountable =
  /\b(money|funding|spend|spending|credit|revenue|overspend|seniority|expertise|effort|billings|pay|worth)$/;

/** Whether a noun phrase speaks of many: "booked hours", "hours booked", "expenses", but not "status". */
export function isPluralNoun(noun: string): boolean {
  const words = noun.split(' ');
  const isMany = (word: string): boolean => word.length > 3 && singularOf(word) !== word;
  return isMany(words.at(-1)!) || (isMany(words[0]!) && /^(of|\w+ed)$/.test(words[1] ?? ''));
}

/** "a budget", "an hourly rate", and no article before "hours booked" and "funding". */
export function withArticle(noun: string): string {
  return isPluralNoun(noun) || uncountable.test(noun) ? noun : `${articleFor(noun)} ${noun}`;
}
