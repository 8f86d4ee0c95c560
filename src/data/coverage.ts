/** What a set of examples covers: tables, SQL features, tags, duplicates. Counts only; nothing is executed. */
import { codeTokens, isName } from '../database/sql-text.ts';
import type { Schema } from '../schema/schema.ts';
import { type Example, tagValue } from './example.ts';
import { type SqlFeature, sqlFeatureNames, sqlFeatures } from './sql-features.ts';

export interface Coverage {
  readonly examples: number;
  readonly distinctSql: number;
  /** Ids that share a question (case and spacing aside), in groups of two or more. */
  readonly duplicateQuestions: readonly (readonly string[])[];
  /** Ids with the same question and different SQL: at most one of them can be right. */
  readonly contradictions: readonly (readonly string[])[];
  /** Every table of the schema, those that no example names included. */
  readonly tables: Readonly<Record<string, number>>;
  readonly features: Readonly<Record<SqlFeature, number>>;
  readonly difficulties: Readonly<Record<string, number>>;
}

/** Tables of the schema that a statement names, as the schema spells them. */
export function tablesNamed(sql: string, schema: Schema): string[] {
  const words = new Set(
    codeTokens(sql)
      .filter(isName)
      .map((token) => token.value.toLowerCase()),
  );
  return schema.tables.map((table) => table.name).filter((name) => words.has(name.toLowerCase()));
}

const questionKey = (question: string): string => question.toLowerCase().replace(/\s+/g, ' ').trim();

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}

export function coverageOf(examples: readonly Example[], schema: Schema): Coverage {
  const tables = Object.fromEntries(schema.tables.map((table) => [table.name, 0]));
  const features = Object.fromEntries(sqlFeatureNames.map((name) => [name, 0])) as Record<SqlFeature, number>;
  for (const { sql } of examples) {
    for (const name of tablesNamed(sql, schema)) tables[name] = (tables[name] ?? 0) + 1;
    for (const name of sqlFeatures(sql)) features[name] += 1;
  }
  const repeated = [...groupBy(examples, ({ question }) => questionKey(question)).values()].filter(
    (group) => group.length > 1,
  );
  const ids = (group: readonly Example[]): string[] => group.map(({ id }) => id);
  const difficulty = (example: Example): string => tagValue(example, 'difficulty') ?? 'unknown';
  return {
    examples: examples.length,
    distinctSql: new Set(examples.map(({ sql }) => sql)).size,
    duplicateQuestions: repeated.map(ids),
    contradictions: repeated.filter((group) => new Set(group.map(({ sql }) => sql)).size > 1).map(ids),
    tables,
    features,
    difficulties: Object.fromEntries(
      [...groupBy(examples, difficulty)].map(([name, group]) => [name, group.length]),
    ),
  };
}
