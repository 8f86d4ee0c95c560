/** Which tables a diagram shows: a large schema as a whole is a carpet, so what is used and its neighbours come first. */
import type { SchemaResponse } from '../../../src/serving/api/contract.ts';

export const tablesAtOnce = 24;

export function visibleTables(
  schema: SchemaResponse,
  used: ReadonlySet<string>,
  isWhole: boolean,
): ReadonlySet<string> {
  const all = schema.tables.map(({ name }) => name);
  if (isWhole || all.length <= tablesAtOnce) return new Set(all);
  const kept = new Set(all.filter((name) => used.has(name)));
  const add = (name: string): void => {
    if (kept.size < tablesAtOnce || kept.has(name)) kept.add(name);
  };
  for (const { table, references_table } of schema.foreign_keys) {
    if (used.has(table)) add(references_table);
    if (used.has(references_table)) add(table);
  }
  // Nothing is used: the best connected tables say most about a schema.
  const degree = new Map<string, number>();
  for (const { table, references_table } of schema.foreign_keys) {
    for (const name of [table, references_table]) degree.set(name, (degree.get(name) ?? 0) + 1);
  }
  if (used.size === 0) {
    for (const name of [...all].sort((a, b) => (degree.get(b) ?? 0) - (degree.get(a) ?? 0))) add(name);
  }
  return kept;
}
