/** Make the compact format for a database and its training examples: vocabulary, tokenizer, settings. */

import type { Example } from '../../data/example.ts';
import type { ConstraintSpec } from '../../engine/policy.ts';
import { loadTokenizer, type Tokenizer } from '../../engine/tokenizer/tokenizer.ts';
import { trainWordTokenizer } from '../../engine/tokenizer/train-word-tokenizer.ts';
import { createRandom } from '../../foundation/random.ts';
import { createLexicon, type Synonyms } from '../../schema/lexicon.ts';
import { linkQuestion } from '../../schema/link/link.ts';
import { allFacetNames } from '../../schema/link/linked-value.ts';
import { createValueIndex, defaultLexicalLimit, type ValueAliases } from '../../schema/link/value-index.ts';
import type { Schema } from '../../schema/schema.ts';
import { comparisonsIn } from '../../schema/syntax/comparisons.ts';
import type { PromptFormat } from '../prompt-format.ts';
import {
  type CompactBindings,
  type CompactSettings,
  completionText,
  createCompactFormat,
  placeholders,
  promptWords,
} from './compact-format.ts';
import { compactConstraint } from './constraint-spec.ts';
import { withoutImpliedFrom } from './implied-from.ts';
import { canBeWritten } from './sql-words.ts';
import { createWordMerger, learnWordMerges } from './word-merges.ts';

export interface BuildCompactOptions {
  readonly schema: Schema;
  readonly examples: readonly Example[];
  readonly today?: string | undefined;
  readonly seed: number;
  readonly lexicalLimit?: number;
  /** Other words for values, from the synonyms file. */
  readonly aliases?: ValueAliases | undefined;
  /** Names of tables and columns whose words are not values there. */
  readonly phrases?: readonly string[] | undefined;
  /** A question word must occur so often to become a token. Default 4. */
  readonly minCount?: number;
  /** Pairs of SQL words that become one, at most. Default 0. */
  readonly wordMerges?: number;
  /** Leave out a FROM clause that the columns imply. Default false. */
  readonly impliedFrom?: boolean;
  /** Columns named in front of a placeholder, at most. Default 3. */
  readonly typeWordsMax?: number;
  /** Link values of every column, or only of those that an example compares with a text. Default `all`. */
  readonly linkedColumns?: 'all' | 'compared';
}

/** Statements that must have a pair of words before it becomes one. */
const mergeCountMin = 4;

export interface CompactBuild {
  readonly settings: CompactSettings;
  readonly tokenizer: Tokenizer;
  readonly format: PromptFormat;
}

export function buildCompactFormat(options: BuildCompactOptions): CompactBuild {
  const { schema, examples, today } = options;
  const { aliases = {}, phrases = [] } = options;
  const lexicalLimit = options.lexicalLimit ?? defaultLexicalLimit;
  const { typeWordsMax = 3, impliedFrom = false } = options;
  const linkedColumns = options.linkedColumns === 'compared' ? comparedColumns(examples) : undefined;
  const lowerCaseNames = areNamesInLowerCase(examples);
  const valueIndex = createValueIndex(schema, {
    ...{ lexicalLimit, aliases, phrases, lowerCaseNames },
    ...(linkedColumns === undefined ? {} : { linkedColumns }),
  });
  const random = createRandom(options.seed).fork('vocabulary');
  const questionCounts = new Map<string, number>();
  const sqlVocabulary = new Set<string>(allFacetNames());
  const uses = new Map<string, ValueUses>();
  const completions: string[] = [];
  for (const example of examples) {
    const linked = linkQuestion(example.question, valueIndex);
    const { words, bindings } = promptWords(linked, typeWordsMax);
    const noisy = promptWords(linked, typeWordsMax, random);
    for (const word of [...words, ...noisy.words])
      questionCounts.set(word, (questionCounts.get(word) ?? 0) + 1);
    const completion = completionText(
      impliedFrom ? withoutImpliedFrom(example.sql) : example.sql,
      bindings,
      today,
    );
    if (!canBeWritten(completion)) continue;
    completions.push(completion);
    countUses(uses, bindings, completion);
  }
  const merges = learnWordMerges(completions, options.wordMerges ?? 0, mergeCountMin);
  const mergeWords = createWordMerger(merges);
  for (const text of completions) for (const word of mergeWords(text).split(' ')) sqlVocabulary.add(word);
  const minCount = options.minCount ?? 4;
  const knownWords = [...questionCounts]
    .filter(([word, count]) => count >= minCount && !word.startsWith('<'))
    .map(([word]) => word);
  const sqlVocabularyWords = [...sqlVocabulary].filter((word) => !word.startsWith('<v')).sort();
  const json = trainWordTokenizer({
    corpus: knownWords,
    forcedWords: [...knownWords, ...sqlVocabularyWords],
    specialTokens: placeholders,
    minCount: 1,
    pieceBudget: 150,
  });
  const settings: CompactSettings = {
    format: 'compact',
    databaseId: schema.databaseId,
    schemaHash: schema.hash,
    lexicalLimit,
    aliases: copyAliases(aliases),
    phrases: [...phrases],
    ...(today === undefined ? {} : { today }),
    questionWords: knownWords.sort(),
    sqlWords: sqlVocabularyWords,
    leftOut: leftOutShares(uses),
    merges: [...merges],
    impliedFrom,
    typeWordsMax,
    ...(linkedColumns === undefined ? {} : { linkedColumns }),
    lowerCaseNames,
  };
  const tokenizer = loadTokenizer(json);
  return { settings, tokenizer, format: openCompactFormat(schema, settings, tokenizer) };
}

/** Every `table.column` that a statement compares with a text, in lower case. */
function comparedColumns(examples: readonly Example[]): string[] {
  const found = new Set<string>();
  for (const { sql } of examples) {
    for (const { table, column, literals } of comparisonsIn(sql)) {
      if (literals.some(({ kind }) => kind === 'string')) found.add(`${table}.${column}`.toLowerCase());
    }
  }
  return [...found].sort();
}

/** Questions with a capital after their first letter, as a share, below which nobody writes names with capitals. */
const capitalsMin = 0.02;

function areNamesInLowerCase(examples: readonly Example[]): boolean {
  const withCapitals = examples.filter(({ question }) => /\p{Lu}/u.test(question.slice(1))).length;
  return withCapitals < capitalsMin * examples.length;
}

interface ValueUses {
  mentions: number;
  leftOut: number;
}

/** Counts, for values whose words are shown because they may mean something else, how often the SQL does without them. */
function countUses(counts: Map<string, ValueUses>, bindings: CompactBindings, completion: string): void {
  bindings.values.forEach((value, i) => {
    if (value.kind !== 'text' || !bindings.areWords[i]!) return;
    const count = counts.get(value.text) ?? { mentions: 0, leftOut: 0 };
    count.mentions += 1;
    if (!completion.includes(placeholders[bindings.slots[i]!]!)) count.leftOut += 1;
    counts.set(value.text, count);
  });
}

/** Fewer mentions than these say nothing of a value. */
const mentionsMin = 5;

function leftOutShares(counts: ReadonlyMap<string, ValueUses>): Record<string, number> {
  const shares = [...counts]
    .filter(([, { mentions }]) => mentions >= mentionsMin)
    .map(([value, { mentions, leftOut }]) => [value, Number((leftOut / mentions).toFixed(3))] as const);
  return Object.fromEntries(shares.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The format of a saved checkpoint on (the same or a compatible) database. */
export function openCompactFormat(
  schema: Schema,
  settings: CompactSettings,
  tokenizer: Tokenizer,
): PromptFormat {
  const valueIndex = createValueIndex(schema, settings);
  const constraint: ConstraintSpec = compactConstraint(schema, settings, tokenizer);
  const tableNames = schema.tables.map((table) => table.name);
  return createCompactFormat({ settings, tokenizer, valueIndex, constraint, tableNames });
}

/** The words for values in a synonyms file. */
export function aliasesOf(synonyms: Synonyms): ValueAliases {
  const columns = Object.entries(synonyms.columns ?? {});
  return Object.fromEntries(
    columns
      .map(([column, words]) => [column, { ...words.values, ...words.valueNouns }] as const)
      .filter(([, byValue]) => Object.keys(byValue).length > 0),
  );
}

/** Every name of more than one word that the lexicon has for tables, columns and figures. */
export function phrasesOf(schema: Schema, synonyms: Synonyms): string[] {
  const lexicon = createLexicon(schema, synonyms);
  const found = new Set<string>();
  for (const table of schema.tables) {
    const words = lexicon.table(table.name);
    for (const noun of words.nouns.flat()) found.add(noun);
    for (const noun of words.measures.flatMap((measure) => measure.nouns)) found.add(noun);
    for (const column of table.columns) {
      const {
        nouns,
        plurals = [],
        sumNouns = [],
        averageNouns = [],
      } = lexicon.column(table.name, column.name);
      for (const noun of [...nouns, ...plurals, ...sumNouns, ...averageNouns]) found.add(noun);
    }
  }
  return [...found].filter((phrase) => phrase.includes(' '));
}

function copyAliases(aliases: ValueAliases): CompactSettings['aliases'] {
  return JSON.parse(JSON.stringify(aliases)) as CompactSettings['aliases'];
}
