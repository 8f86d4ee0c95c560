/**
 * Every text value of the database that a question may mention, as a trie of words.
 * Columns with few distinct values (statuses, types) are left out on purpose: a model learns those words better by itself.
 */
import type { Column, Schema } from '../schema.ts';
import { demonyms } from './demonyms.ts';
import { type QuestionWord, questionWords, wordKey } from './question-words.ts';

interface Node {
  readonly next: Map<string, Node>;
  entries: ValueEntry[];
}

export interface ValueEntry {
  readonly text: string;
  /** `Table.Column`, every one in which the value occurs. */
  readonly columns: readonly string[];
  /** The value's words as written, to compare capitals. */
  readonly words: readonly string[];
  /** Distinct values of the column with the fewest of them. */
  readonly columnSize: number;
}

export interface ValueIndex {
  /** The longest value that starts at word `at`. */
  match(words: readonly QuestionWord[], at: number): { entry: ValueEntry; count: number } | undefined;
  /** The one value whose first word this is (and nothing else's), for partial names. */
  uniqueByFirstWord(key: string): ValueEntry | undefined;
  /** A word of some value at edit distance 1 (2 from eight letters on), if exactly one is that near. */
  nearestWord(key: string): string | undefined;
  readonly size: number;
}

export const defaultLexicalLimit = 12;

/** Text columns whose values are linked rather than learnt as words. */
export function isLinkedColumn(column: Column, lexicalLimit: number): boolean {
  return (
    column.textValues.length > 0 &&
    column.distinctCount > lexicalLimit &&
    column.kind !== 'date' &&
    column.kind !== 'datetime'
  );
}

/** Words too common to be a value by themselves unless capitals say so. */
const commonWords = new Set(
  (
    'a all an and any are as at be best big by can cost count date day department did do does each end first for from get give go good has have he her his hour how i if in is it its ' +
    'last least less line list many may me money month more most my name new nice no not reading now number of off old on one only open or order other our out over part per plan price project rate sales second ' +
    'she show some spare staff start state stop sum than that the their them then there they this time to today top total two under unit up us value we week were what when where which who will with work year you your'
  ).split(/\s+/),
);

function collectValues(
  schema: Schema,
  lexicalLimit: number,
): Map<string, { text: string; columns: string[]; size: number }> {
  const found = new Map<string, { text: string; columns: string[]; size: number }>();
  for (const table of schema.tables) {
    for (const column of table.columns) {
      if (!isLinkedColumn(column, lexicalLimit)) continue;
      for (const text of column.textValues) {
        if (text.trim() === '' || text.length > 80) continue;
        const entry = found.get(text) ?? { text, columns: [], size: column.distinctCount };
        entry.columns.push(`${table.name}.${column.name}`);
        entry.size = Math.min(entry.size, column.distinctCount);
        found.set(text, entry);
      }
    }
  }
  return found;
}

/** Damerau-Levenshtein distance (adjacent swaps count one), given up beyond `limit`. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, before[j - 2]! + 1);
      row.push(best);
    }
    if (Math.min(...row) > limit) return limit + 1;
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}

/** The only candidate within 1 edit (2 from eight letters on); words under five letters are never guessed. */
export function nearestOf(key: string, candidates: Iterable<string>): string | undefined {
  if (key.length < 5 || /\d/.test(key)) return undefined;
  const limit = key.length >= 8 ? 2 : 1;
  let best: string | undefined;
  let bestDistance = limit + 1;
  let ties = 0;
  for (const candidate of candidates) {
    if (candidate.length < 4 || candidate[0] !== key[0]) continue;
    const distance = editDistance(key, candidate, limit);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
      ties = 0;
    } else if (distance === bestDistance && distance <= limit) ties++;
  }
  return bestDistance <= limit && ties === 0 ? best : undefined;
}

/** Whether the words at hand are really this value and not ordinary English that happens to look like it. */
function isConvincing(entry: ValueEntry, words: readonly QuestionWord[], at: number): boolean {
  const written = words.slice(at, at + entry.words.length);
  const sameCapitals = written.every(
    (word, i) => wordKey(word.text) === word.text || word.text === entry.words[i],
  );
  const exact = written.every((word, i) => word.text === entry.words[i]);
  const letters = written.filter((word) => /\p{L}/u.test(word.text));
  if (letters.length === 0) return written.length > 1 || written[0]!.text.length > 4;
  const common = letters.every((word) => commonWords.has(word.key));
  if (common) return exact && /\p{Lu}/u.test(written[0]!.text) && at > 0;
  if (written.length === 1 && entry.columnSize > 200 && !/\d/.test(entry.text)) {
    return exact && /\p{Lu}/u.test(written[0]!.text);
  }
  return sameCapitals || written.length > 1 || entry.columnSize <= 200 || exact;
}

export function createValueIndex(schema: Schema, lexicalLimit: number = defaultLexicalLimit): ValueIndex {
  const root: Node = { next: new Map(), entries: [] };
  const byFirstWord = new Map<string, ValueEntry | null>();
  const vocabulary = new Set<string>();
  const values = collectValues(schema, lexicalLimit);
  for (const { text, columns, size } of values.values()) {
    const words = questionWords(text);
    if (words.length === 0 || words.length > 10) continue;
    const entry: ValueEntry = { text, columns, words: words.map((word) => word.text), columnSize: size };
    let node = root;
    for (const { key } of words) {
      let next = node.next.get(key);
      if (next === undefined) {
        next = { next: new Map(), entries: [] };
        node.next.set(key, next);
      }
      node = next;
      if (/^\p{L}{4,}$/u.test(key)) vocabulary.add(key);
    }
    node.entries.push(entry);
    const first = words[0]!.key;
    if (words.length > 1) byFirstWord.set(first, byFirstWord.has(first) ? null : entry);
  }

  for (const [adjective, ...countries] of demonyms) {
    const country = countries.map((name) => values.get(name)).find((found) => found !== undefined);
    if (country === undefined || root.next.has(adjective)) continue;
    const entry: ValueEntry = {
      text: country.text,
      columns: country.columns,
      words: [adjective],
      columnSize: 1,
    };
    root.next.set(adjective, { next: new Map(), entries: [entry] });
  }

  const pick = (
    entries: readonly ValueEntry[],
    words: readonly QuestionWord[],
    at: number,
  ): ValueEntry | undefined => {
    const convincing = entries.filter((entry) => isConvincing(entry, words, at));
    return (
      convincing.find((entry) => entry.words.every((word, i) => word === words[at + i]!.text)) ??
      convincing[0]
    );
  };

  return {
    size: values.size,
    match: (words, at) => {
      let node: Node | undefined = root;
      let best: { entry: ValueEntry; count: number } | undefined;
      for (let i = at; i < words.length; i++) {
        node = node.next.get(words[i]!.key);
        if (node === undefined) break;
        const entry: ValueEntry | undefined = pick(node.entries, words, at);
        if (entry !== undefined) best = { entry, count: i - at + 1 };
      }
      return best;
    },
    uniqueByFirstWord: (key) => byFirstWord.get(key) ?? undefined,
    nearestWord: (key) => nearestOf(key, vocabulary),
  };
}
