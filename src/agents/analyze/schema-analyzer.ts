/**
 * Schema Analyzer: which tables and columns a question is about. Words of names and comments, values of the database, and
 * the tables between those that join; plus what it could not place, for a question back. It knows words, values and foreign
 * keys; it knows no model, and builds its index once a schema.
 */
import type { Lexicon } from '../../schema/lexicon.ts';
import { linkQuestion } from '../../schema/link/link.ts';
import { questionWords } from '../../schema/link/question-words.ts';
import { nearestOf } from '../../schema/link/spelling.ts';
import type { ValueIndex } from '../../schema/link/value-index.ts';
import type { Schema } from '../../schema/schema.ts';
import { wordsOfIdentifier } from '../../schema/words.ts';
import type { AmbiguousWords } from '../pipeline.ts';
import { createJoinGraph, type Join, type JoinGraph } from './join-paths.ts';
import { type SchemaText, schemaTextWithin } from './schema-text.ts';
import { likeness, plainWords, stemOf } from './word-match.ts';

export interface AnalyzeOptions {
  readonly tablesMax: number;
  readonly schemaTokensMax: number;
}

export interface SchemaAnalysis {
  /** Relevant tables, the most relevant first; those that only connect others come last. */
  readonly tables: readonly string[];
  /** Relevant columns as `Table.Column`, the most relevant first. */
  readonly columns: readonly string[];
  readonly joins: readonly Join[];
  readonly schemaText: SchemaText;
  /** Words that nothing here knows, and values that several columns hold. */
  readonly ambiguous: readonly AmbiguousWords[];
}

export interface SchemaAnalyzer {
  analyze(question: string, options: AnalyzeOptions): SchemaAnalysis;
}

export interface SchemaAnalyzerParts {
  readonly schema: Schema;
  readonly valueIndex: ValueIndex;
  /** Other words for tables and columns. */
  readonly lexicon?: Lexicon;
  /** Words that the model was trained on; they are never called unknown. */
  readonly isKnownWord?: (key: string) => boolean;
  /** Default: a third of the characters. */
  readonly countTokens?: (text: string) => number;
}

/** Weights of one fitting word, by where it was found; what they reach is in `bench/schema-recall.ts`. */
const weights = { table: 3, column: 2, synonym: 1.5, comment: 0.7, value: 3 } as const;
/** A table next to a relevant one gets this share of its relevance. */
const neighbourShare = 0.15;
const columnsKept = 30;

interface Term {
  readonly stem: string;
  readonly weight: number;
  /** Index of the table; of the column, where the word belongs to one. */
  readonly table: number;
  readonly column: number | undefined;
  /** Words of the name it is part of: all of them found counts more than one. */
  readonly nameLength: number;
}

interface Index {
  readonly terms: readonly Term[];
  readonly byStem: ReadonlyMap<string, readonly Term[]>;
  /** Share of the tables that use a word: common words tell little. */
  readonly rarity: ReadonlyMap<string, number>;
  readonly vocabulary: ReadonlySet<string>;
}

function buildIndex(schema: Schema, lexicon: Lexicon | undefined): Index {
  const terms: Term[] = [];
  const vocabulary = new Set<string>();
  const add = (text: string, weight: number, table: number, column?: number): void => {
    const words = wordsOfIdentifier(text);
    for (const word of words) {
      const stem = stemOf(word);
      vocabulary.add(word).add(stem);
      terms.push({ stem, weight, table, column, nameLength: words.length });
    }
  };
  const addPhrase = (phrase: string, weight: number, table: number, column?: number): void =>
    add(phrase.replace(/[^\p{L}\p{N} ]/gu, ' '), weight, table, column);
  schema.tables.forEach((table, t) => {
    add(table.name, weights.table, t);
    if (table.comment !== undefined) addPhrase(table.comment, weights.comment, t);
    for (const noun of lexicon?.table(table.name).nouns.flat() ?? []) addPhrase(noun, weights.synonym, t);
    table.columns.forEach((column, c) => {
      add(column.name, weights.column, t, c);
      if (column.comment !== undefined) addPhrase(column.comment, weights.comment, t, c);
      for (const noun of lexicon?.column(table.name, column.name).nouns ?? [])
        addPhrase(noun, weights.synonym, t, c);
    });
  });
  const byStem = new Map<string, Term[]>();
  for (const term of terms) byStem.set(term.stem, [...(byStem.get(term.stem) ?? []), term]);
  const rarity = new Map(
    [...byStem].map(([stem, found]) => {
      const tables = new Set(found.map(({ table }) => table)).size;
      return [stem, Math.log(1 + schema.tables.length / tables) / Math.log(1 + schema.tables.length)];
    }),
  );
  return { terms, byStem, rarity, vocabulary };
}

interface Scores {
  readonly tables: number[];
  /** By `table.column` index. */
  readonly columns: Map<string, number>;
}

/** What one word of the question says for tables and columns: for each the best of the fitting terms. */
function scoreWord(index: Index, stem: string, scores: Scores): boolean {
  const tableBest = new Map<number, number>();
  let isPlaced = false;
  for (const [known, terms] of index.byStem) {
    const fit = likeness(stem, known);
    if (fit === 0) continue;
    isPlaced = true;
    for (const { table, column, weight, nameLength } of terms) {
      const points = (weight * fit * index.rarity.get(known)!) / Math.sqrt(nameLength);
      if (points > (tableBest.get(table) ?? 0)) tableBest.set(table, points);
      if (column === undefined) continue;
      const key = `${table}.${column}`;
      scores.columns.set(key, (scores.columns.get(key) ?? 0) + points);
    }
  }
  for (const [table, points] of tableBest) scores.tables[table]! += points;
  return isPlaced;
}

/** Highest first; equal ones in the order of the schema. */
const ranked = (scores: readonly number[]): number[] =>
  scores.map((_, at) => at).sort((a, b) => scores[b]! - scores[a]! || a - b);

/** The best tables, each with what connects it to those before, until the room is used up. */
function connected(order: readonly string[], scored: ReadonlySet<string>, graph: JoinGraph, max: number) {
  const kept = new Set<string>();
  const bridges = new Set<string>();
  const joins: Join[] = [];
  for (const table of order) {
    if (kept.size >= max) break;
    if (kept.has(table)) continue;
    const path = scored.has(table) && kept.size > 0 ? graph.path(kept, table) : undefined;
    const between = (path ?? []).slice(0, -1).map(({ to }) => to);
    if (path !== undefined && kept.size + between.length < max && between.length <= 2) {
      for (const name of between) if (!kept.has(name)) bridges.add(name);
      for (const name of between) kept.add(name);
      joins.push(...path);
    }
    kept.add(table);
  }
  const tables = [...kept].sort((a, b) => Number(bridges.has(a)) - Number(bridges.has(b)));
  return { tables, joins };
}

export function createSchemaAnalyzer(parts: SchemaAnalyzerParts): SchemaAnalyzer {
  const { schema, valueIndex, lexicon, isKnownWord = () => false } = parts;
  const countTokens = parts.countTokens ?? ((text: string) => Math.ceil(text.length / 3));
  const index = buildIndex(schema, lexicon);
  const graph = createJoinGraph(schema);
  const tableAt = new Map(schema.tables.map(({ name }, at) => [name, at]));
  const columnAt = new Map<string, string>(
    schema.tables.flatMap(({ name, columns }, t) =>
      columns.map((column, c) => [`${name}.${column.name}`, `${t}.${c}`] as const),
    ),
  );
  const nameOf = (key: string): string => {
    const [t, c] = key.split('.').map(Number);
    return `${schema.tables[t!]!.name}.${schema.tables[t!]!.columns[c!]!.name}`;
  };

  const scoreValues = (question: string, scores: Scores): AmbiguousWords[] => {
    const ambiguous: AmbiguousWords[] = [];
    for (const value of linkQuestion(question, valueIndex).values) {
      if (value.kind !== 'text' || value.columns.length === 0) continue;
      const points = weights.value / Math.sqrt(value.columns.length);
      const seen = new Set<number>();
      for (const column of value.columns) {
        const key = columnAt.get(column);
        if (key === undefined) continue;
        scores.columns.set(key, (scores.columns.get(key) ?? 0) + points);
        const table = Number(key.split('.')[0]);
        if (!seen.has(table)) scores.tables[table]! += points;
        seen.add(table);
      }
      if (value.columns.length > 1)
        ambiguous.push({ words: value.text, reason: 'several-columns', meanings: value.columns });
    }
    return ambiguous;
  };

  return {
    analyze: (question, { tablesMax, schemaTokensMax }) => {
      const scores: Scores = { tables: schema.tables.map(() => 0), columns: new Map() };
      const severalColumns = scoreValues(question, scores);
      const unknown: AmbiguousWords[] = [];
      const linked = linkQuestion(question, valueIndex).pieces;
      for (const [at, piece] of linked.entries()) {
        const next = linked[at + 1];
        // "high schoolers" is the table Highschooler.
        const pair = piece.kind === 'word' && next?.kind === 'word' ? stemOf(piece.text + next.text) : '';
        if (index.byStem.has(pair)) scoreWord(index, pair, scores);
        if (piece.kind !== 'word' || plainWords.has(piece.text) || !/^\p{L}{2,}/u.test(piece.text)) continue;
        const stem = stemOf(piece.text);
        if (scoreWord(index, stem, scores) || isKnownWord(piece.text)) continue;
        const mended = nearestOf(piece.text, index.vocabulary);
        if (mended !== undefined && scoreWord(index, stemOf(mended), scores)) continue;
        const words = writtenAs(question, piece.text);
        unknown.push({ words, reason: 'unknown-word', meanings: [] });
      }
      const direct = [...scores.tables];
      schema.tables.forEach(({ name }, at) => {
        for (const { to } of graph.joinsOf(name))
          scores.tables[tableAt.get(to)!]! += neighbourShare * direct[at]! * Number(to !== name);
      });
      const order = ranked(scores.tables).map((at) => schema.tables[at]!.name);
      const scored = new Set(order.filter((name) => direct[tableAt.get(name)!]! > 0));
      const { tables, joins } = connected(order, scored, graph, tablesMax);
      const kept = new Set(tables);
      const columns = [...scores.columns]
        .sort(([, a], [, b]) => b - a)
        .map(([key]) => nameOf(key))
        .filter((name) => kept.has(name.slice(0, name.indexOf('.'))))
        .slice(0, columnsKept);
      const schemaText = schemaTextWithin(schema, {
        tables,
        columns: new Set(columns),
        tokensMax: schemaTokensMax,
        countTokens,
      });
      return { tables, columns, joins, schemaText, ambiguous: [...unknown, ...severalColumns] };
    },
  };
}

/** A word as the person wrote it. */
function writtenAs(question: string, key: string): string {
  return questionWords(question).find((word) => word.key === key)?.text ?? key;
}
