/**
 * Every text value of the database that a question may mention, as a trie of words. Values of columns with few distinct
 * ones (statuses, types) are `isLexical`: people also say them in other words (aliases), and the words keep a meaning of
 * their own ("contracts signed in May"), so a reader should see both the words and the value.
 */
import type { Column, Schema } from '../schema.ts';
import { singularOf } from '../words.ts';
import { demonyms } from './demonyms.ts';
import { type QuestionWord, questionWords, wordKey } from './question-words.ts';
import { nearestOf } from './spelling.ts';

interface Node {
  readonly next: Map<string, Node>;
  readonly entries: ValueEntry[];
}

export interface ValueEntry {
  readonly text: string;
  /** `Table.Column`, every one in which the value occurs. */
  readonly columns: readonly string[];
  /** The value's words as written (or the alias's), to compare capitals. */
  readonly words: readonly string[];
  /** Distinct values of the column with the fewest of them. */
  readonly columnSize: number;
  readonly isLexical: boolean;
  /** No value at all, but a phrase whose words must not be taken for one ("planned hours"). */
  readonly isPhrase?: boolean;
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

/** Other words for values: `Table.Column` -> value -> phrases. */
export type ValueAliases = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

export interface ValueIndexOptions {
  /** Columns with at most so many distinct values are lexical. Default 12. */
  readonly lexicalLimit?: number;
  readonly aliases?: ValueAliases;
  /** Names of tables and columns whose words are not values there ("planned hours" is not the status). */
  readonly phrases?: readonly string[];
  /** `table.column` whose values are linked, in lower case. Default: all. */
  readonly linkedColumns?: readonly string[];
  /** Names are written without capitals: `dallas` is the city. Default false. */
  readonly lowerCaseNames?: boolean;
}

export const defaultLexicalLimit = 12;

function isLinkable(column: Column): boolean {
  return column.textValues.length > 0 && column.kind !== 'date' && column.kind !== 'datetime';
}

/** Words too common to be a value by themselves unless capitals say so. */
const commonWords = new Set(
  (
    'a all an and any are as at be best big by can cost count date day department did do does each end first for from get give go good has have he her his hour how i if in is it its ' +
    'last least less line list many may me money month more most my name new nice no not reading now number of off old on one only open or order other our out over part per plan price project rate sales second ' +
    'she show some spare staff start state stop sum than that the their them then there they this time to today top total two under unit up us value we week were what when where which who will with work year you your'
  ).split(/\s+/),
);

interface StoredValue {
  readonly text: string;
  readonly columns: string[];
  size: number;
}

function collectValues(
  schema: Schema,
  linkedColumns: readonly string[] | undefined,
): Map<string, StoredValue> {
  const found = new Map<string, StoredValue>();
  const linked = linkedColumns === undefined ? undefined : new Set(linkedColumns);
  const isWanted = (table: string, column: string): boolean =>
    linked?.has(`${table}.${column}`.toLowerCase()) ?? true;
  for (const table of schema.tables) {
    for (const column of table.columns.filter(isLinkable)) {
      if (!isWanted(table.name, column.name)) continue;
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

/** Whether the words at hand are really this value and not ordinary English that happens to look like it. */
function isConvincing(
  entry: ValueEntry,
  written: readonly QuestionWord[],
  at: number,
  lowerCaseNames: boolean,
): boolean {
  const exact = written.every((word, i) => word.text === entry.words[i]);
  if (entry.isLexical) return exact || written.length > 1 || written[0]!.text.length > 2;
  const letters = written.filter((word) => /\p{L}/u.test(word.text));
  if (letters.length === 0) return written.length > 1 || written[0]!.text.length > 4;
  const isNamed = exact && /\p{Lu}/u.test(written[0]!.text);
  if (letters.every((word) => commonWords.has(word.key))) return isNamed && at > 0;
  if (lowerCaseNames) return true;
  if (written.length === 1 && entry.columnSize > 200 && !/\d/.test(entry.text)) return isNamed;
  const sameCapitals = written.every(
    (word, i) => wordKey(word.text) === word.text || word.text === entry.words[i],
  );
  return sameCapitals || written.length > 1 || entry.columnSize <= 200;
}

class Trie {
  readonly root: Node = { next: new Map(), entries: [] };
  /** Words of four letters and more, to mend misspelt names with. */
  readonly vocabulary = new Set<string>();

  add(phrase: string, entry: Omit<ValueEntry, 'words'>): ValueEntry | undefined {
    const words = questionWords(phrase);
    if (words.length === 0 || words.length > 10) return undefined;
    let node = this.root;
    for (const { key } of words) {
      const next: Node = node.next.get(key) ?? { next: new Map(), entries: [] };
      node.next.set(key, next);
      node = next;
      if (/^\p{L}{4,}$/u.test(key)) this.vocabulary.add(key);
    }
    const added: ValueEntry = { ...entry, words: words.map((word) => word.text) };
    const same = node.entries.findIndex((other) => other.text === entry.text);
    if (same < 0) node.entries.push(added);
    else {
      const columns = [...new Set([...node.entries[same]!.columns, ...entry.columns])];
      node.entries[same] = { ...node.entries[same]!, columns };
    }
    return added;
  }

  /** The node after one more word; plural forms count for lexical values only. */
  static step(node: Node, key: string): { node: Node; isPlural: boolean } | undefined {
    const exact = node.next.get(key);
    if (exact !== undefined) return { node: exact, isPlural: false };
    const singular = node.next.get(singularOf(key));
    return singular === undefined ? undefined : { node: singular, isPlural: true };
  }
}

function pick(
  node: Node,
  words: readonly QuestionWord[],
  at: number,
  count: number,
  lexicalOnly: boolean,
  lowerCaseNames: boolean,
): ValueEntry | undefined {
  const written = words.slice(at, at + count);
  const usable = node.entries.filter(
    (entry) => (entry.isLexical || !lexicalOnly) && isConvincing(entry, written, at, lowerCaseNames),
  );
  return usable.find((entry) => entry.words.every((word, i) => word === written[i]!.text)) ?? usable[0];
}

export function createValueIndex(schema: Schema, options: ValueIndexOptions = {}): ValueIndex {
  const { lexicalLimit = defaultLexicalLimit, aliases = {}, phrases: names = [] } = options;
  const { linkedColumns, lowerCaseNames = false } = options;
  const trie = new Trie();
  const byFirstWord = new Map<string, ValueEntry | null>();
  const values = collectValues(schema, linkedColumns);
  for (const { text, columns, size } of values.values()) {
    const entry = trie.add(text, { text, columns, columnSize: size, isLexical: size <= lexicalLimit });
    if (entry === undefined || entry.words.length < 2 || entry.isLexical) continue;
    const first = wordKey(entry.words[0]!);
    byFirstWord.set(first, byFirstWord.has(first) ? null : entry);
  }
  for (const [column, byValue] of Object.entries(aliases)) {
    for (const [text, phrases] of Object.entries(byValue)) {
      for (const phrase of phrases)
        trie.add(phrase, { text, columns: [column], columnSize: 1, isLexical: true });
    }
  }
  for (const name of names.filter((candidate) => candidate.includes(' '))) {
    trie.add(name, { text: '', columns: [], columnSize: 1, isLexical: true, isPhrase: true });
  }
  for (const [adjective, ...places] of demonyms) {
    const country = places.map((name) => values.get(name)).find((found) => found !== undefined);
    if (country === undefined || trie.root.next.has(adjective)) continue;
    trie.add(adjective, { text: country.text, columns: country.columns, columnSize: 1, isLexical: false });
  }

  return {
    size: values.size,
    match: (words, at) => {
      let node: Node = trie.root;
      let sawPlural = false;
      let best: { entry: ValueEntry; count: number } | undefined;
      for (let i = at; i < words.length; i++) {
        const step = Trie.step(node, words[i]!.key);
        if (step === undefined) break;
        node = step.node;
        sawPlural ||= step.isPlural;
        const entry = pick(node, words, at, i - at + 1, sawPlural, lowerCaseNames);
        if (entry !== undefined) best = { entry, count: i - at + 1 };
      }
      return best;
    },
    uniqueByFirstWord: (key) => byFirstWord.get(key) ?? undefined,
    nearestWord: (key) => nearestOf(key, trie.vocabulary),
  };
}
