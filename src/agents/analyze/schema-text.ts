/**
 * The schema as text for a prompt, within a budget of tokens: first fewer example values, then only the columns that matter,
 * then fewer tables. Knows texts and a way to count; does not know which tables matter (they come in order of that).
 */
import { describeForPrompt } from '../../schema/describe.ts';
import type { Schema, Table } from '../../schema/schema.ts';

export interface SchemaTextOptions {
  /** The most relevant first. */
  readonly tables: readonly string[];
  /** `Table.Column` that a narrowed table keeps beside its keys. */
  readonly columns: ReadonlySet<string>;
  readonly tokensMax: number;
  readonly countTokens: (text: string) => number;
}

export interface SchemaText {
  readonly text: string;
  readonly tokens: number;
  /** Tables in the text; the others did not fit. */
  readonly tables: readonly string[];
  readonly isNarrowed: boolean;
}

const COLUMNS_SHOWN_MAX = 12;

/** Keys and what matters; where that is little, the first columns besides. */
function narrowed(table: Table, wanted: ReadonlySet<string>): Table {
  const keys = new Set([...table.primaryKey, ...table.foreignKeys.flatMap(({ columns }) => columns)]);
  const isWanted = (name: string): boolean => wanted.has(`${table.name}.${name}`);
  const chosen = new Set(
    table.columns.map(({ name }) => name).filter((name) => isWanted(name) || keys.has(name)),
  );
  for (const { name } of table.columns) if (chosen.size < COLUMNS_SHOWN_MAX) chosen.add(name);
  const ranked = [...chosen].sort((a, b) => Number(isWanted(b)) - Number(isWanted(a)));
  const kept = new Set(ranked.slice(0, 2 * COLUMNS_SHOWN_MAX));
  return { ...table, columns: table.columns.filter(({ name }) => kept.has(name)) };
}

export function schemaTextWithin(schema: Schema, options: SchemaTextOptions): SchemaText {
  const { tables, columns, tokensMax, countTokens } = options;
  const small: Schema = { ...schema, tables: schema.tables.map((table) => narrowed(table, columns)) };
  const attempts = [
    { from: schema, sampleValues: 3, listValuesUpTo: 8 },
    { from: schema, sampleValues: 1, listValuesUpTo: 4 },
    { from: small, sampleValues: 1, listValuesUpTo: 4 },
    { from: small, sampleValues: 0, listValuesUpTo: 0 },
  ];
  for (const { from, sampleValues, listValuesUpTo } of attempts) {
    const text = describeForPrompt(from, { tables, sampleValues, listValuesUpTo });
    const tokens = countTokens(text);
    if (tokens <= tokensMax) return { text, tokens, tables, isNarrowed: from === small };
  }
  return fewerTables(small, options);
}

/** As many of the first tables as fit; none where not even one does. */
function fewerTables(schema: Schema, { tables, tokensMax, countTokens }: SchemaTextOptions): SchemaText {
  const kept: string[] = [];
  let text = '';
  let tokens = 0;
  for (const table of tables) {
    const next = describeForPrompt(schema, { tables: [...kept, table], sampleValues: 0, listValuesUpTo: 0 });
    const count = countTokens(next);
    if (count > tokensMax) break;
    kept.push(table);
    text = next;
    tokens = count;
  }
  return { text, tokens, tables: kept, isNarrowed: true };
}
