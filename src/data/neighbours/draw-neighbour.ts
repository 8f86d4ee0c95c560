/** Draws all rows of one neighbour, parents before children, in the style that its number has. */
import { createRandom } from '../../foundation/random.ts';
import { mendLinks } from './draw-links.ts';
import { drawTable } from './draw-table.ts';
import type { DrawnTable, TableRows } from './drawn-table.ts';
import { profileTable, type TableProfile } from './profile.ts';
import { type QueryFacts, queryFactsOf } from './query-facts.ts';
import type { ColumnPlace } from './query-reader.ts';
import type { SourceDatabase } from './source.ts';
import { styles } from './styles.ts';
import { planWitnesses } from './witnesses.ts';

/** Rows of a table at least, unless constraints refuse them. */
const ROWS_MIN = 14;
/** Queries that a neighbour plants rows for; others still find their constants. */
const PLANS_MAX = 150;

/** What all neighbours of a source are drawn from. */
export interface Model {
  readonly source: SourceDatabase;
  readonly facts: readonly QueryFacts[];
  readonly profiles: ReadonlyMap<string, TableProfile>;
  readonly seed: number;
  readonly rowsMax: number;
}

export function createModel(
  source: SourceDatabase,
  queries: readonly string[],
  seed: number,
  rowsMax: number,
): Model {
  const facts = queries.map((sql) => queryFactsOf(source, sql));
  const profiles = source.tables.map(
    (table) => [table.name, profileTable(source, table, facts, createRandom(seed).fork(table.name))] as const,
  );
  return { source, facts, profiles: new Map(profiles), seed, rowsMax };
}

/** `table.column` in lower case. */
export function nameOfPlace(source: SourceDatabase, { table, column }: ColumnPlace): string {
  return `${table}.${source.tables.find(({ name }) => name === table)!.columns[column]!.name}`.toLowerCase();
}

export interface DrawnNeighbour {
  readonly style: string;
  readonly repeated: readonly string[];
  readonly rows: ReadonlyMap<string, TableRows>;
}

export function drawNeighbour(
  { source, facts, profiles, seed, rowsMax }: Model,
  index: number,
): DrawnNeighbour {
  const style = styles[index % styles.length]!;
  const random = createRandom(seed).fork(`neighbour ${index}`);
  const plans = style.plants ? planWitnesses(profiles, facts, PLANS_MAX, random.fork('plans')) : [];
  const drawn = new Map<string, DrawnTable>();
  for (const [name, profile] of profiles) {
    const planted = plans.flatMap(({ rows, agree }, plan) =>
      (rows.get(name) ?? []).map((wanted, at) => ({ plans: [plan], at, wanted, agree })),
    );
    const options = { style, random: random.fork(name), rowsMin: ROWS_MIN, rowsMax, planted, drawn };
    drawn.set(name, drawTable(profile, options));
  }
  const names = [...profiles.values()].flatMap(({ table, columns }) =>
    columns.flatMap(({ role, values }, column) =>
      role === 'value' && values.isNameLike ? [nameOfPlace(source, { table: table.name, column })] : [],
    ),
  );
  return {
    style: style.name,
    repeated: style.repeatsTexts ? names : [],
    rows: mendLinks(
      new Map([...drawn].map(([name, { rows }]) => [name, rows])),
      profiles,
      random.fork('mend'),
    ),
  };
}
