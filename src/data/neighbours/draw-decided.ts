/** Fills columns that another column decides, so that the dependency holds in the neighbour as it does in the source. */
import type { SqlValue } from '../../database/execution.ts';
import type { Random } from '../../foundation/random.ts';
import type { Entry } from './drawn-table.ts';
import type { TableProfile } from './profile.ts';

const keyOf = (value: SqlValue | undefined): string => `${typeof value}${String(value)}`;

export function fillDecided(entries: readonly Entry[], profile: TableProfile, random: Random): void {
  const { table, columns, dependencies } = profile;
  const isDone = new Set<number>();

  /** A row that a query needs gets a deciding value that goes with what is wanted. */
  function makeRoom(at: number, from: number): void {
    if (dependencies.has(from) || columns[from]!.role !== 'value') return;
    for (const { row, planted } of entries) {
      if (!planted?.wanted.has(at) || planted.wanted.has(from)) continue;
      const examples = table.rows.filter((source) => source[at] === planted.wanted.get(at));
      if (examples.length > 0) row[from] = random.pick(examples)[from]!;
    }
  }
  function fill(at: number): void {
    const dependency = dependencies.get(at);
    if (dependency === undefined || isDone.has(at)) return;
    isDone.add(at);
    const { from } = dependency;
    makeRoom(at, from);
    fill(from);
    const mapping = new Map(dependency.mapping);
    // What queries ask of a new deciding value comes first; what nothing says of it is drawn once.
    for (const { row, planted } of entries) {
      const value = planted?.wanted.get(at);
      if (value !== undefined && !mapping.has(keyOf(row[from]))) mapping.set(keyOf(row[from]), value);
    }
    const { choices } = columns[at]!;
    for (const { row } of entries) {
      const key = keyOf(row[from]);
      if (!mapping.has(key)) mapping.set(key, choices.length === 0 ? null : random.pick(choices));
      row[at] = mapping.get(key)!;
    }
  }
  for (const at of dependencies.keys()) fill(at);
}
