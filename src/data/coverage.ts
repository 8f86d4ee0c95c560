/** What a set of examples covers: tables, SQL features, tags, duplicates. Counts only; nothing is executed. */
import { codeTokens, isName } from '../database/sql-text.ts';
import type { Schema } from '../schema/schema.ts';
import { type Example, tagValue } from './example.ts';
import { type SqlFeature, sqlFeatureNames, sqlFeatures } from './sql-features.ts';
import { findRepeatedQuestions } from './validate.ts';

export interface Coverage {
  readonly examples: number;
  readonly distinctSql: number;
  /** Questions asked before with the same SQL, and with another one. */
  readonly duplicates: number;
  readonly contradictions: number;
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

export function coverageOf(examples: readonly Example[], schema: Schema): Coverage {
  const tables = Object.fromEntries(schema.tables.map((table) => [table.name, 0]));
  const features = Object.fromEntries(sqlFeatureNames.map((name) => [name, 0])) as Record<SqlFeature, number>;
  for (const { sql } of examples) {
    for (const name of tablesNamed(sql, schema)) tables[name] = (tables[name] ?? 0) + 1;
    for (const name of sqlFeatures(sql)) features[name] += 1;
  }
  const repeated = findRepeatedQuestions(
    examples,
    examples.map((_, index) => index + 1),
  );
  const difficulties: Record<string, number> = {};
  for (const example of examples) {
    const name = tagValue(example, 'difficulty') ?? 'unknown';
    difficulties[name] = (difficulties[name] ?? 0) + 1;
  }
  return {
    examples: examples.length,
    distinctSql: new Set(examples.map(({ sql }) => sql)).size,
    duplicates: repeated.filter(({ kind }) => kind === 'duplicate').length,
    contradictions: repeated.filter(({ kind }) => kind === 'contradiction').length,
    tables,
    features,
    difficulties,
  };
}
