/**
 * Columns of one table that say the same thing twice: a country's code and its name. A neighbour keeps to such
 * dependencies, or queries that mean the same would give different rows. Found in the data: a dependency counts where the
 * chance that independent columns look like it is below one in ten thousand.
 */
import type { SqlValue } from '../../database/execution.ts';
import type { SourceTable } from './source.ts';

const CHANCE_MAX = 1e-4;

const keyOf = (value: SqlValue): string => `${typeof value}${String(value)}`;

/** The column's values by the other's, or undefined where one value goes with several. */
function mappingOf(rows: SourceTable['rows'], from: number, to: number): Map<string, SqlValue> | undefined {
  const mapping = new Map<string, SqlValue>();
  for (const row of rows) {
    const [key, value] = [keyOf(row[from]!), row[to]!];
    const known = mapping.get(key);
    if (known === undefined && !mapping.has(key)) mapping.set(key, value);
    else if (known !== value) return undefined;
  }
  return mapping;
}

/** How probable two rows with equal values are, when values are drawn as often as they occur. */
function repeatChance(rows: SourceTable['rows'], column: number): number {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(keyOf(row[column]!), (counts.get(keyOf(row[column]!)) ?? 0) + 1);
  let chance = 0;
  for (const count of counts.values()) chance += (count / rows.length) ** 2;
  return chance;
}

/** The deciding column. */
export interface Dependency {
  readonly from: number;
  readonly mapping: ReadonlyMap<string, SqlValue>;
}

/** For each column that another one decides, which and how. `excluded` columns, keys among them, take no part. */
export function dependenciesOf(
  table: SourceTable,
  excluded: ReadonlySet<number>,
): ReadonlyMap<number, Dependency> {
  const { rows, columns } = table;
  const found = new Map<number, Dependency>();
  const rootOf = (column: number): number => {
    const dependency = found.get(column);
    return dependency === undefined ? column : rootOf(dependency.from);
  };
  columns.forEach((_, to) => {
    if (excluded.has(to)) return;
    const chance = repeatChance(rows, to);
    for (const from of columns.keys()) {
      if (from === to || rootOf(from) === to) continue;
      const mapping = mappingOf(rows, from, to);
      if (mapping === undefined || chance ** (rows.length - mapping.size) > CHANCE_MAX) continue;
      found.set(to, { from, mapping });
      return;
    }
  });
  return found;
}
