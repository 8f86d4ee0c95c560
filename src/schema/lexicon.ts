/**
 * `Lexicon`: the words people use for a schema's tables, columns, values and relations.
 * Everything is guessed from the schema's own names; an optional synonyms file (JSON) adds to it or overrides it.
 * Phrases may hold `{v}` (a value), `{p}` (the parent's noun phrase), `{c}` (the child's noun phrase).
 */
import { z } from 'zod';
import type { Column, Schema, Table } from './schema.ts';
import { pluralOf, singularOf, wordsOfIdentifier } from './words.ts';

const phrases = z.array(z.string().min(1));

const columnWordsSchema = z.strictObject({
  /** Noun phrases: "budget", "planned money". */
  nouns: phrases.optional(),
  /** Plural nouns for distinct values: "cities". */
  plurals: phrases.optional(),
  /** After the noun, for one value: "in {v}", "from {v}". */
  valueAfter: phrases.optional(),
  /** Words for single values, by value: { "Active": ["ongoing", "running"] }; used before the noun and after "are". */
  values: z.record(z.string(), phrases).optional(),
  /** Nouns that stand for the table's rows with this value: { "Contractor": ["contractors", "freelancers"] }. */
  valueNouns: z.record(z.string(), phrases).optional(),
  /** Whether the values may stand before the noun ("active projects"). */
  adjective: z.boolean().optional(),
  /** Superlatives: "largest", "most expensive". */
  highest: phrases.optional(),
  lowest: phrases.optional(),
  /** After the noun: "costing more than {v}". */
  moreThan: phrases.optional(),
  lessThan: phrases.optional(),
  /** Dates: verbs in the past tense, "started", "kicked off". */
  dateVerbs: phrases.optional(),
  isNull: phrases.optional(),
  isNotNull: phrases.optional(),
  /** Booleans: phrases for 1 and 0. */
  isTrue: phrases.optional(),
  isFalse: phrases.optional(),
  /** Nouns for the sum and the mean: "total spend", "average rate". */
  sumNouns: phrases.optional(),
  averageNouns: phrases.optional(),
  /** Sums of this column mean nothing (grades, percentages, years). */
  noSum: z.boolean().optional(),
  /** Never generate questions about it. */
  skip: z.boolean().optional(),
});

const conditionSchema = z.strictObject({
  /** SQL over the table's columns in braces: "{Actual_Cost} > {Budget}". */
  sql: z.string(),
  /** After the noun: "over budget", "that ran over budget". */
  after: phrases.optional(),
  /** Before the noun: "overspent". */
  before: phrases.optional(),
});

const measureSchema = z.strictObject({
  sql: z.string(),
  nouns: phrases,
  highest: phrases.optional(),
  lowest: phrases.optional(),
  noSum: z.boolean().optional(),
});

const tableWordsSchema = z.strictObject({
  /** Singular and plural. The first pair is the plain name. */
  nouns: z.array(z.tuple([z.string(), z.string()])).optional(),
  /** The columns that name a row. */
  label: z.array(z.string()).optional(),
  /** Rows are persons: "who". */
  isPerson: z.boolean().optional(),
  conditions: z.array(conditionSchema).optional(),
  /** Computed figures. */
  measures: z.array(measureSchema).optional(),
});

const relationWordsSchema = z.strictObject({
  /** Child's noun phrase, then this: "of {p}", "for {p}", "belonging to {p}". */
  childOf: phrases.optional(),
  /** Parent's noun phrase, then this: "with {c}", "that have {c}". */
  has: phrases.optional(),
  hasNone: phrases.optional(),
  /** The parent as an attribute of the child: "client", "project manager". */
  role: phrases.optional(),
  roleHas: phrases.optional(),
});

const linkWordsSchema = z.strictObject({
  /** From the rows of `from` over the child table `via` to the rows of `to`: "working on {p}". */
  from: z.string(),
  via: z.string(),
  to: z.string(),
  phrases,
});

export const synonymsSchema = z.strictObject({
  /** The date that "today" means, YYYY-MM-DD. */
  today: z.iso.date().optional(),
  tables: z.record(z.string(), tableWordsSchema).optional(),
  /** Keys are `Table.Column`. */
  columns: z.record(z.string(), columnWordsSchema).optional(),
  /** Keys are `ChildTable.ForeignKeyColumn`. */
  relations: z.record(z.string(), relationWordsSchema).optional(),
  links: z.array(linkWordsSchema).optional(),
});

export type Synonyms = z.infer<typeof synonymsSchema>;
export type ColumnWords = z.infer<typeof columnWordsSchema> & { readonly nouns: string[] };
export type RelationWords = z.infer<typeof relationWordsSchema>;
export type LinkWords = z.infer<typeof linkWordsSchema>;
export type TableCondition = z.infer<typeof conditionSchema>;
export type TableMeasure = z.infer<typeof measureSchema>;

export interface TableWords {
  readonly nouns: readonly (readonly [singular: string, plural: string])[];
  readonly label: readonly string[];
  readonly isPerson: boolean;
  readonly conditions: readonly TableCondition[];
  readonly measures: readonly TableMeasure[];
}

/** One foreign key of one column, seen from both ends. */
export interface Relation {
  readonly child: Table;
  readonly childColumn: Column;
  readonly parent: Table;
  readonly parentColumn: Column;
  readonly words: RelationWords;
}

export interface Lexicon {
  readonly schema: Schema;
  readonly today: string | undefined;
  readonly relations: readonly Relation[];
  readonly links: readonly LinkWords[];
  table(name: string): TableWords;
  column(table: string, column: string): ColumnWords;
}

/** Words that an identifier carries without meaning: prefixes shared by the tables, `tbl`, `id`. */
function meaningfulWords(words: readonly string[], shared: ReadonlySet<string>): string[] {
  const kept = words.filter((word) => !shared.has(word) && word !== 'tbl' && word !== 'table');
  return kept.length === 0 ? [...words] : kept;
}

function sharedPrefixes(schema: Schema): Set<string> {
  const counts = new Map<string, number>();
  for (const table of schema.tables) {
    const words = wordsOfIdentifier(table.name);
    if (words.length > 1) counts.set(words[0]!, (counts.get(words[0]!) ?? 0) + 1);
  }
  return new Set(
    [...counts].filter(([, count]) => count > 2 && count > schema.tables.length / 2).map(([word]) => word),
  );
}

const nameWords = ['name', 'title', 'label', 'description', 'subject'];

/** The columns that name a row: a text column called …name/title, first + last name, else the primary key. */
export function guessLabel(table: Table): string[] {
  const text = table.columns.filter((column) => column.kind === 'text');
  const byWords = (wanted: string): Column | undefined =>
    text.find((column) => wordsOfIdentifier(column.name).join('') === wanted);
  const first = byWords('firstname');
  const last = byWords('lastname') ?? byWords('surname');
  if (first !== undefined && last !== undefined) return [first.name, last.name];
  for (const wanted of nameWords) {
    const named = text.filter((column) => wordsOfIdentifier(column.name).at(-1) === wanted);
    const own = named.find((column) => {
      const stem = wordsOfIdentifier(column.name).slice(0, -1).join(' ');
      return (
        stem === '' || wordsOfIdentifier(table.name).map(singularOf).join(' ').includes(singularOf(stem))
      );
    });
    const telling = named.find((column) => column.distinctCount >= 0.6 * table.rowCount);
    const best = own ?? telling;
    if (best !== undefined) return [best.name];
  }
  return table.primaryKey.length > 0 ? [...table.primaryKey] : [table.columns[0]!.name];
}

function guessTableWords(table: Table, shared: ReadonlySet<string>): TableWords {
  const singular = singularOf(meaningfulWords(wordsOfIdentifier(table.name), shared).join(' '));
  const label = guessLabel(table);
  const isPerson =
    label.length === 2 ||
    /^(employee|customer|person|user|contact|student|teacher|artist|patient)$/.test(singular);
  return { nouns: [[singular, pluralOf(singular)]], label, isPerson, conditions: [], measures: [] };
}

function guessColumnNouns(table: Table, column: Column, tableNoun: string): string[] {
  const words = wordsOfIdentifier(column.name);
  const whole = words.join(' ');
  const tableWords = new Set([...wordsOfIdentifier(table.name).map(singularOf), ...tableNoun.split(' ')]);
  const short = words
    .filter((word, index) => !(index < words.length - 1 && tableWords.has(singularOf(word))))
    .join(' ');
  return [...new Set([short === '' ? whole : short, whole])];
}

function relationsOf(schema: Schema, synonyms: Synonyms): Relation[] {
  const byName = new Map(schema.tables.map((table) => [table.name, table]));
  const relations: Relation[] = [];
  for (const child of schema.tables) {
    for (const key of child.foreignKeys) {
      if (key.columns.length !== 1) continue;
      const parent = byName.get(key.referencedTable);
      const childColumn = child.columns.find((column) => column.name === key.columns[0]);
      const parentColumn = parent?.columns.find((column) => column.name === key.referencedColumns[0]);
      if (parent === undefined || childColumn === undefined || parentColumn === undefined) continue;
      const words = synonyms.relations?.[`${child.name}.${childColumn.name}`] ?? {};
      relations.push({ child, childColumn, parent, parentColumn, words });
    }
  }
  return relations;
}

/** Names in the synonyms file that the schema does not have; empty when all is well. */
export function unknownSynonymKeys(schema: Schema, synonyms: Synonyms): string[] {
  const tables = new Set(schema.tables.map((table) => table.name));
  const columns = new Set(
    schema.tables.flatMap((table) => table.columns.map((column) => `${table.name}.${column.name}`)),
  );
  return [
    ...Object.keys(synonyms.tables ?? {}).filter((key) => !tables.has(key)),
    ...Object.keys(synonyms.columns ?? {}).filter((key) => !columns.has(key)),
    ...Object.keys(synonyms.relations ?? {}).filter((key) => !columns.has(key)),
    ...(synonyms.links ?? [])
      .flatMap((link) => [link.from, link.via, link.to])
      .filter((name) => !tables.has(name)),
  ];
}

export function createLexicon(schema: Schema, synonyms: Synonyms = {}): Lexicon {
  const shared = sharedPrefixes(schema);
  const tables = new Map<string, TableWords>();
  const columns = new Map<string, ColumnWords>();
  for (const table of schema.tables) {
    const given = synonyms.tables?.[table.name] ?? {};
    const guessed = guessTableWords(table, shared);
    const words: TableWords = {
      nouns: given.nouns ?? guessed.nouns,
      label: given.label ?? guessed.label,
      isPerson: given.isPerson ?? guessed.isPerson,
      conditions: given.conditions ?? [],
      measures: given.measures ?? [],
    };
    tables.set(table.name, words);
    for (const column of table.columns) {
      const own = synonyms.columns?.[`${table.name}.${column.name}`] ?? {};
      const nouns = own.nouns ?? guessColumnNouns(table, column, words.nouns[0]![0]);
      columns.set(`${table.name}.${column.name}`, { ...own, nouns });
    }
  }
  return {
    schema,
    today: synonyms.today,
    relations: relationsOf(schema, synonyms),
    links: synonyms.links ?? [],
    table: (name) => tables.get(name)!,
    column: (table, column) => columns.get(`${table}.${column}`)!,
  };
}
