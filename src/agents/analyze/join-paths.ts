/** The foreign keys of a schema as a graph: which tables join, by which columns, and over which tables in between. */
import type { Schema } from '../../schema/schema.ts';

export interface Join {
  readonly from: string;
  readonly to: string;
  /** `a.x = b.y`, for composite keys several. */
  readonly on: readonly string[];
  readonly isInferred: boolean;
}

export interface JoinGraph {
  /** Joins of a table, in both directions. */
  joinsOf(table: string): readonly Join[];
  /** A shortest path from one of `from` to `to`, its joins in order; undefined where none leads there. */
  path(from: ReadonlySet<string>, to: string): readonly Join[] | undefined;
}

export function createJoinGraph(schema: Schema): JoinGraph {
  const names = new Map(schema.tables.map(({ name }) => [name.toLowerCase(), name]));
  const joins = new Map<string, Join[]>(schema.tables.map(({ name }) => [name, []]));
  for (const { name, foreignKeys } of schema.tables) {
    for (const key of foreignKeys) {
      const other = names.get(key.referencedTable.toLowerCase());
      if (other === undefined) continue;
      const on = key.columns.map((column, at) => `${name}.${column} = ${other}.${key.referencedColumns[at]}`);
      const isInferred = key.isInferred === true;
      joins.get(name)!.push({ from: name, to: other, on, isInferred });
      if (other !== name) joins.get(other)!.push({ from: other, to: name, on, isInferred });
    }
  }
  const joinsOf = (table: string): readonly Join[] => joins.get(table) ?? [];
  return {
    joinsOf,
    path: (from, to) => {
      if (from.has(to)) return [];
      const reached = new Map<string, Join | undefined>([...from].map((name) => [name, undefined]));
      // Declared keys before guessed ones of the same length.
      const queue = [...from];
      for (let at = 0; at < queue.length; at++) {
        const next = [...joinsOf(queue[at]!)].sort((a, b) => Number(a.isInferred) - Number(b.isInferred));
        for (const join of next) {
          if (reached.has(join.to)) continue;
          reached.set(join.to, join);
          if (join.to === to) return trail(reached, to);
          queue.push(join.to);
        }
      }
      return undefined;
    },
  };
}

function trail(reached: ReadonlyMap<string, Join | undefined>, to: string): Join[] {
  const path: Join[] = [];
  for (let join = reached.get(to); join !== undefined; join = reached.get(join.from)) path.unshift(join);
  return path;
}
