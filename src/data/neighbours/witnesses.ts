/**
 * Which rows a neighbour needs so that a query has an answer at all: for each query some rows of its tables that meet its
 * conditions, joined with each other, and rows that miss just one of them.
 */
import type { SqlValue } from '../../database/execution.ts';
import type { Random } from '../../foundation/random.ts';
import { type TableProfile, witnessesOf } from './profile.ts';
import type { Condition, QueryFacts } from './query-facts.ts';

/** Cells that a planted row must have, by column. */
export type Wanted = ReadonlyMap<number, SqlValue>;

export interface Plan {
  /** By table: one entry for each row to plant. */
  readonly rows: ReadonlyMap<string, readonly Wanted[]>;
  /** The rows of one table agree in whatever is not wanted: a set operation asks for what two rows have in common. */
  readonly agree: boolean;
}

const SATISFYING_MAX = 3;
const MISSING_MAX = 3;

function wantedRows(conditions: readonly Condition[], { columns }: TableProfile, random: Random): Wanted[] {
  const byColumn = new Map<number, SqlValue[]>();
  for (const condition of conditions) {
    const found = witnessesOf(condition, columns[condition.column]!, random);
    if (found.length > 0)
      byColumn.set(condition.column, [...(byColumn.get(condition.column) ?? []), ...found]);
  }
  if (byColumn.size === 0) return [new Map()];
  const most = Math.max(...[...byColumn.values()].map((values) => values.length));
  const satisfying = Array.from(
    { length: Math.min(SATISFYING_MAX, most) },
    (_, at): Wanted =>
      new Map([...byColumn].map(([column, values]) => [column, values[at % values.length]!])),
  );
  const missing = [...byColumn].slice(0, MISSING_MAX).map(([column, values]): Wanted => {
    const others = columns[column]!.choices.filter((value) => !values.includes(value));
    const miss = others.length === 0 ? values[0]! : random.pick(others);
    return new Map([...satisfying[0]!, [column, miss]]);
  });
  return [...satisfying, ...missing];
}

/** As many rows as the table referred to that has most, so that each of its rows is referred to. */
function repeatForParents(rows: Map<string, readonly Wanted[]>, { table, links }: TableProfile): void {
  const own = rows.get(table.name)!;
  const count = Math.max(
    ...links.map(({ parent }) => (parent === table.name ? 0 : (rows.get(parent)?.length ?? 0))),
  );
  if (count > own.length)
    rows.set(
      table.name,
      Array.from({ length: count }, (_, at) => own[at % own.length]!),
    );
}

/** Of queries with the same tables and conditions one is enough. */
function signatureOf({ tables, conditions, largeGroup }: QueryFacts): string {
  return JSON.stringify([tables, conditions, largeGroup]);
}

/**
 * As many rows as HAVING asks for: with one value of the grouped column, or referring to one row where that is a key. The
 * tables referred to then plant only that row.
 */
function addLargeGroup(
  rows: Map<string, readonly Wanted[]>,
  { table, column, rows: count }: NonNullable<QueryFacts['largeGroup']>,
  profiles: ReadonlyMap<string, TableProfile>,
): void {
  const repeat = (name: string, wanted: Wanted) =>
    rows.set(name, [...(rows.get(name) ?? []), ...new Array<Wanted>(count).fill(wanted)]);
  const firstOf = (name: string): Wanted => rows.get(name)?.[0] ?? new Map();
  const { columns, links } = profiles.get(table)!;
  const { role, choices } = columns[column]!;
  if (role === 'value') {
    const value = firstOf(table).get(column) ?? choices[0];
    if (value !== undefined) repeat(table, new Map([...firstOf(table), [column, value]]));
    return;
  }
  const parents =
    role === 'key' ? [table] : links.filter((l) => l.columns.includes(column)).map((l) => l.parent);
  const refersTo = (name: string) => profiles.get(name)!.links.some(({ parent }) => parents.includes(parent));
  for (const parent of parents) rows.set(parent, [firstOf(parent)]);
  for (const name of [...rows.keys()])
    if (!parents.includes(name) && refersTo(name)) repeat(name, firstOf(name));
}

export function planWitnesses(
  profiles: ReadonlyMap<string, TableProfile>,
  facts: readonly QueryFacts[],
  plansMax: number,
  random: Random,
): Plan[] {
  const distinct = [...new Map(facts.map((fact) => [signatureOf(fact), fact])).values()];
  return random
    .shuffle(distinct)
    .slice(0, plansMax)
    .map(({ tables, conditions, hasSetOperation, largeGroup }, at): Plan => {
      const own = random.fork(at);
      const rows = tables.map((name) => {
        const its = conditions.filter((condition) => condition.table === name);
        return [name, wantedRows(its, profiles.get(name)!, own)] as const;
      });
      const planned = new Map<string, readonly Wanted[]>(rows);
      for (const name of profiles.keys())
        if (planned.has(name)) repeatForParents(planned, profiles.get(name)!);
      if (largeGroup !== undefined) addLargeGroup(planned, largeGroup, profiles);
      return { rows: planned, agree: hasSetOperation };
    });
}
