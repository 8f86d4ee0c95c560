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
  return /^[aeiou]/i.test(noun) && !/^(uni|use|eu)/i.test(noun) ? 'an' : 'a';
}
