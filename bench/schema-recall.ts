/**
 * The Schema Analyzer against Spider: are the tables of the gold query among those that it keeps? On the dev questions with
 * their own databases (at most 5 tables, so 10 kept are all), on the same questions with the twelve databases merged into
 * one schema, and on the training questions over databases with more than 10 tables. Baseline: the tables in the order in
 * which the schema lists them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSchemaAnalyzer } from '../src/agents/analyze/schema-analyzer.ts';
import { packageRoot } from '../src/foundation/files.ts';
import { identifierUse } from '../src/schema/identifiers.ts';
import { introspectSqlite } from '../src/schema/introspect.ts';
import { createValueIndex } from '../src/schema/link/value-index.ts';
import type { Schema, Table } from '../src/schema/schema.ts';
import type { BenchOptions, Measurement } from './harness.ts';

const spider = join(packageRoot(), '..', 'shared', 'data', 'spider');
const suite = 'schema-recall';
const schemaTokensMax = 3_000;

interface Question {
  readonly db_id: string;
  readonly question: string;
  readonly query: string;
}

interface Asked {
  readonly question: string;
  readonly gold: readonly string[];
}

const readJsonLines = (path: string): Question[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Question);

const schemaOf = (databaseId: string): Promise<Schema> =>
  introspectSqlite(join(spider, 'database', databaseId, `${databaseId}.sqlite`), { databaseId });

const askedOf = (questions: readonly Question[], schema: Schema): Asked[] =>
  questions.map(({ question, query }) => ({
    question,
    gold: identifierUse(query, schema, { doubleQuotedStrings: true }).tables,
  }));

/** Tables of several databases in one; names that two of them have are told apart by a number. */
function merge(schemas: readonly Schema[]): {
  schema: Schema;
  nameIn: (at: number, table: string) => string;
} {
  const taken = new Set<string>();
  const names = schemas.map(({ tables }) => {
    const own = new Map<string, string>();
    for (const { name } of tables) {
      let free = name;
      for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${name}_${n}`;
      taken.add(free.toLowerCase());
      own.set(name.toLowerCase(), free);
    }
    return own;
  });
  const nameIn = (at: number, table: string): string => names[at]!.get(table.toLowerCase())!;
  const tables = schemas.flatMap((schema, at) =>
    schema.tables.map(
      (table): Table => ({
        ...table,
        name: nameIn(at, table.name),
        foreignKeys: table.foreignKeys.map((key) => ({
          ...key,
          referencedTable: nameIn(at, key.referencedTable),
        })),
      }),
    ),
  );
  return { schema: { ...schemas[0]!, databaseId: 'merged', hash: 'merged', tables }, nameIn };
}

interface Tally {
  questions: number;
  whole: number;
  gold: number;
  kept: number;
  baselineWhole: number;
  elapsedMs: number;
}

const newTally = (): Tally => ({ questions: 0, whole: 0, gold: 0, kept: 0, baselineWhole: 0, elapsedMs: 0 });

function measure(
  schema: Schema,
  asked: readonly Asked[],
  tablesMax: number,
  tally: Tally,
  log?: (line: string) => void,
): void {
  const analyzer = createSchemaAnalyzer({ schema, valueIndex: createValueIndex(schema) });
  const first = new Set(schema.tables.slice(0, tablesMax).map(({ name }) => name));
  for (const { question, gold } of asked) {
    const startedAt = performance.now();
    const kept = new Set(analyzer.analyze(question, { tablesMax, schemaTokensMax }).tables);
    tally.elapsedMs += performance.now() - startedAt;
    tally.questions += 1;
    tally.gold += gold.length;
    tally.kept += gold.filter((table) => kept.has(table)).length;
    tally.whole += Number(gold.every((table) => kept.has(table)));
    tally.baselineWhole += Number(gold.every((table) => first.has(table)));
    const missing = gold.filter((table) => !kept.has(table));
    if (missing.length > 0) log?.(`${schema.databaseId}: ${question} – without ${missing.join(', ')}`);
  }
}

function measurementOf(name: string, tally: Tally, more: object): Measurement {
  const baseline = tally.baselineWhole / tally.questions;
  const value = tally.whole / tally.questions;
  const ratio = baseline === 0 ? null : value / baseline;
  const details = {
    questions: tally.questions,
    tablesRecall: tally.kept / tally.gold,
    msPerQuestion: tally.elapsedMs / tally.questions,
    ...more,
  };
  return {
    suite,
    name,
    value,
    unit: 'share',
    baseline,
    ratio,
    baselineName: 'first tables of the schema',
    details,
  };
}

export async function* run({ quick, settings, log }: BenchOptions): AsyncGenerator<Measurement> {
  if (!existsSync(spider)) {
    const baselineName = 'skipped: no shared data folder beside the checkout';
    yield { suite, name: 'spider', value: 0, unit: 'none', baseline: null, ratio: null, baselineName };
    return;
  }
  const dev = JSON.parse(readFileSync(join(spider, 'dev.json'), 'utf8')) as Question[];
  const devIds = [...new Set(dev.map((row) => row.db_id))].filter((_, at) => !quick || at < 2);
  const verbose = settings.misses === undefined ? undefined : log;
  const schemas: Schema[] = [];
  for (const id of devIds) schemas.push(await schemaOf(id));
  const of = (id: string): Question[] => dev.filter((row) => row.db_id === id);

  for (const tablesMax of [10, 3, 2]) {
    const tally = newTally();
    schemas.forEach((schema, at) => {
      measure(
        schema,
        askedOf(of(devIds[at]!), schema),
        tablesMax,
        tally,
        tablesMax === 3 ? verbose : undefined,
      );
    });
    yield measurementOf(`dev, own database, ${tablesMax} kept`, tally, { databases: devIds.length });
  }

  const { schema: merged, nameIn } = merge(schemas);
  const asked = schemas.flatMap((schema, at) =>
    askedOf(of(devIds[at]!), schema).map(({ question, gold }) => ({
      question,
      gold: gold.map((table) => nameIn(at, table)),
    })),
  );
  for (const tablesMax of [10, 5]) {
    const tally = newTally();
    measure(merged, asked, tablesMax, tally, tablesMax === 10 ? verbose : undefined);
    yield measurementOf(`dev, databases merged, ${tablesMax} kept`, tally, { tables: merged.tables.length });
  }

  const train = readJsonLines(join(spider, 'train_spider.jsonl'));
  const tally = newTally();
  let databases = 0;
  for (const id of [...new Set(train.map((row) => row.db_id))]) {
    if (!existsSync(join(spider, 'database', id, `${id}.sqlite`))) continue;
    const schema = await schemaOf(id);
    if (schema.tables.length <= 10) continue;
    databases += 1;
    measure(
      schema,
      askedOf(
        train.filter((row) => row.db_id === id),
        schema,
      ),
      10,
      tally,
      verbose,
    );
    if (quick) break;
  }
  yield measurementOf('train, databases of more than 10 tables, 10 kept', tally, { databases });
}
