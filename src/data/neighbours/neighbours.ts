/**
 * Neighbours of a SQLite database: the same schema and keys with other rows. Rows are dropped, changed and added; the
 * constants of the given queries and the values next to them occur; the queries' conditions are met by some rows and just
 * missed by others. A query that only happens to give the right rows on the source – because it repeats an answer, or
 * because both results are empty – is found out on one of them. The same file, queries and seed give the same neighbours.
 *
 * What a neighbour keeps, so that queries that mean the same agree on it: types, keys, foreign keys that hold (declared or
 * inferred), NOT NULL, columns without NULLs, columns that another column decides, and codes that take few values. What
 * it cannot keep: rules that span several rows or columns of amounts, such as an end after its start.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileIdentity } from '../../database/sqlite-file.ts';
import { writeDirectoryAtomic } from '../../foundation/files.ts';
import { createRandom } from '../../foundation/random.ts';
import { drawTable } from './draw-table.ts';
import type { DrawnTable } from './drawn-table.ts';
import { profileTable } from './profile.ts';
import { type ColumnPlace, queryFactsOf } from './query-facts.ts';
import { readSource, type SourceDatabase } from './source.ts';
import { styles } from './styles.ts';
import { planWitnesses } from './witnesses.ts';
import { writeDatabase } from './write-database.ts';

export interface NeighbourOptions {
  readonly databasePath: string;
  /** Gold queries, and predictions where they are known: what they compare with is put into the rows. */
  readonly queries: readonly string[];
  /** Default 4. */
  readonly count?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Rows of a table at most, those that queries need not counted. Default 300. */
  readonly rowsMax?: number;
  /** Where the files lie; what is already there is used again. */
  readonly directory: string;
}

export interface Neighbour {
  readonly path: string;
  /** The same rows, lying otherwise: see `write-database.ts`. */
  readonly twinPath: string;
  readonly style: string;
  /** Columns, as `table.column` in lower case, of names, which are (nearly) unique in the source by chance and repeat here. */
  readonly repeated: readonly string[];
}

export interface NeighbourSet {
  readonly databasePath: string;
  readonly source: SourceDatabase;
  readonly neighbours: readonly Neighbour[];
}

/** Changes with whatever changes the rows that are drawn for the same source. */
const VERSION = 1;
const ROWS_MIN = 14;
/** Queries that a neighbour plants rows for; others still find their constants. */
const PLANS_MAX = 150;

export const nameOfPlace = (source: SourceDatabase, { table, column }: ColumnPlace): string =>
  `${table}.${source.tables.find(({ name }) => name === table)!.columns[column]!.name}`.toLowerCase();

function drawNeighbour(
  source: SourceDatabase,
  queries: readonly string[],
  index: number,
  seed: number,
  rowsMax: number,
) {
  const facts = queries.map((sql) => queryFactsOf(source, sql));
  const style = styles[index % styles.length]!;
  const random = createRandom(seed).fork(`neighbour ${index}`);
  const profiles = new Map(
    source.tables.map((table) => [
      table.name,
      profileTable(source, table, facts, createRandom(seed).fork(table.name)),
    ]),
  );
  const plans = style.plants ? planWitnesses(profiles, facts, PLANS_MAX, random.fork('plans')) : [];
  const drawn = new Map<string, DrawnTable>();
  for (const [name, profile] of profiles) {
    const planted = plans.flatMap(({ rows, agree }, plan) =>
      (rows.get(name) ?? []).map((wanted, at) => ({ plans: [plan], at, wanted, agree })),
    );
    const options = { style, random: random.fork(name), rowsMin: ROWS_MIN, rowsMax, planted, drawn };
    drawn.set(name, drawTable(profile, options));
  }
  const repeated = !style.repeatsTexts
    ? []
    : [...profiles.values()].flatMap(({ table, columns }) =>
        columns.flatMap(({ role, values }, column) =>
          role === 'value' && values.isNameLike ? [nameOfPlace(source, { table: table.name, column })] : [],
        ),
      );
  return { style: style.name, repeated, rows: new Map([...drawn].map(([name, { rows }]) => [name, rows])) };
}

async function contentHash(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

interface Manifest {
  readonly neighbours: readonly { readonly style: string; readonly repeated: readonly string[] }[];
}

async function fill(
  directory: string,
  source: SourceDatabase,
  options: NeighbourOptions,
  rowsMax: number,
): Promise<void> {
  const neighbours = [];
  for (let index = 0; index < (options.count ?? 4); index++) {
    const { rows, ...about } = drawNeighbour(source, options.queries, index, options.seed ?? 0, rowsMax);
    const { bytes, twin } = await writeDatabase(source, rows);
    await writeFile(join(directory, `${index}.sqlite`), bytes);
    await writeFile(join(directory, `${index}-twin.sqlite`), twin);
    neighbours.push(about);
  }
  const manifest: Manifest = { neighbours };
  await writeFile(join(directory, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Builds what is not yet there; throws a `QuerentError` where the database cannot be read. */
export async function buildNeighbours(options: NeighbourOptions): Promise<NeighbourSet> {
  const rowsMax = options.rowsMax ?? 300;
  const databasePath = resolve(options.databasePath);
  fileIdentity(databasePath);
  const queries = [...new Set(options.queries)].sort();
  const wish = { VERSION, queries, count: options.count ?? 4, seed: options.seed ?? 0, rowsMax };
  const key = createHash('sha256')
    .update(await contentHash(databasePath))
    .update(JSON.stringify(wish))
    .digest('hex');
  const directory = join(resolve(options.directory), key.slice(0, 24));
  const source = await readSource(databasePath, rowsMax);
  if (!existsSync(join(directory, 'manifest.json'))) {
    await writeDirectoryAtomic(directory, (temporary) =>
      fill(temporary, source, { ...options, queries }, rowsMax),
    );
  }
  const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as Manifest;
  const neighbours = manifest.neighbours.map((about, index) => ({
    path: join(directory, `${index}.sqlite`),
    twinPath: join(directory, `${index}-twin.sqlite`),
    ...about,
  }));
  return { databasePath, source, neighbours };
}
