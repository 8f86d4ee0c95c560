/** A `Schema` as text: compact CREATE TABLE statements for a model's prompt, and a table for a person. */
import type { SqlValue } from '../database/execution.ts';
import { quoteName } from '../database/sql-text.ts';
import type { Column, ForeignKey, Schema, Table } from './schema.ts';

export interface PromptSchemaOptions {
  /** Only these tables, in the order of the schema; all by default. */
  readonly tables?: readonly string[];
  /** Example values a column; 0 for none. Default 3. */
  readonly sampleValues?: number;
  /** Columns with at most this many distinct values list them all. Default 8. */
  readonly listValuesUpTo?: number;
}

const VALUE_LENGTH_MAX = 40;

function literalOf(value: SqlValue): string | undefined {
  if (value === null || value instanceof Uint8Array) return undefined;
  if (typeof value !== 'string') return String(value);
  const line = value.replace(/\s+/g, ' ').trim();
  const short = line.length > VALUE_LENGTH_MAX ? `${line.slice(0, VALUE_LENGTH_MAX - 1)}…` : line;
  return `'${short.replaceAll("'", "''")}'`;
}

/** Examples for a prompt: all values of a small category, a few of everything else, none of a bare key. */
function examplesOf(
  column: Column,
  options: Required<Omit<PromptSchemaOptions, 'tables'>>,
): string | undefined {
  if (options.sampleValues === 0 || column.sampleValues.length === 0) return undefined;
  if (column.kind === 'identifier' && typeof column.sampleValues[0] !== 'string') return undefined;
  const isCategory = column.kind === 'text' && column.distinctCount <= options.listValuesUpTo;
  const shown = column.sampleValues.slice(0, isCategory ? options.listValuesUpTo : options.sampleValues);
  const values = shown.map(literalOf).filter((value) => value !== undefined);
  if (values.length === 0) return undefined;
  return isCategory ? `one of ${values.join(', ')}` : `e.g. ${values.join(', ')}`;
}

function keyOf(column: Column, table: Table): string {
  if (column.isPrimaryKey && table.primaryKey.length === 1) return ' PRIMARY KEY';
  const key = table.foreignKeys.find(({ columns }) => columns.length === 1 && columns[0] === column.name);
  return key === undefined ? '' : ` REFERENCES ${targetOf(key)}`;
}

function targetOf(key: ForeignKey): string {
  return `${quoteName(key.referencedTable)}(${key.referencedColumns.map(quoteName).join(', ')})`;
}

function columnLine(column: Column, table: Table, options: Required<Omit<PromptSchemaOptions, 'tables'>>) {
  const notes = [column.comment?.replace(/\s+/g, ' '), examplesOf(column, options)].filter(
    (note) => note !== undefined,
  );
  const type = column.declaredType === '' ? '' : ` ${column.declaredType}`;
  const definition = `${quoteName(column.name)}${type}${keyOf(column, table)}`;
  return { definition, note: notes.length === 0 ? '' : ` -- ${notes.join('; ')}` };
}

function compositeKeys(table: Table): string[] {
  const lines: string[] = [];
  if (table.primaryKey.length > 1) lines.push(`PRIMARY KEY (${table.primaryKey.map(quoteName).join(', ')})`);
  for (const key of table.foreignKeys) {
    if (key.columns.length < 2) continue;
    lines.push(`FOREIGN KEY (${key.columns.map(quoteName).join(', ')}) REFERENCES ${targetOf(key)}`);
  }
  return lines;
}

function describeTable(table: Table, options: Required<Omit<PromptSchemaOptions, 'tables'>>): string {
  const lines = [
    ...table.columns.map((column) => columnLine(column, table, options)),
    ...compositeKeys(table).map((definition) => ({ definition, note: '' })),
  ];
  const body = lines.map(
    ({ definition, note }, at) => `  ${definition}${at < lines.length - 1 ? ',' : ''}${note}`,
  );
  const comment = table.comment === undefined ? '' : ` -- ${table.comment.replace(/\s+/g, ' ')}`;
  return `CREATE TABLE ${quoteName(table.name)} (${comment}\n${body.join('\n')}\n);`;
}

/** One CREATE TABLE a table, with comments and example values behind the columns. */
export function describeForPrompt(schema: Schema, options: PromptSchemaOptions = {}): string {
  const wanted =
    options.tables === undefined ? undefined : new Set(options.tables.map((name) => name.toLowerCase()));
  const settings = { sampleValues: options.sampleValues ?? 3, listValuesUpTo: options.listValuesUpTo ?? 8 };
  return schema.tables
    .filter(({ name }) => wanted === undefined || wanted.has(name.toLowerCase()))
    .map((table) => describeTable(table, settings))
    .join('\n\n');
}

function columnForPeople(column: Column, table: Table, width: number): string {
  const key = table.foreignKeys.find(({ columns }) => columns.includes(column.name));
  const target = key?.referencedColumns[key.columns.indexOf(column.name)];
  const facts = [
    column.kind,
    column.isPrimaryKey ? 'key' : undefined,
    key === undefined
      ? undefined
      : `-> ${key.referencedTable}.${target}${key.isInferred ? ' (guessed)' : ''}`,
    `${column.distinctCount.toLocaleString('en')} distinct`,
    column.nullCount === 0 ? undefined : `${column.nullCount.toLocaleString('en')} NULL`,
  ].filter((fact) => fact !== undefined);
  const comment = column.comment === undefined ? '' : `  ${column.comment}`;
  return `  ${column.name.padEnd(width)}  ${facts.join(', ')}${comment}`;
}

/** What a person wants to know of a database at a glance. */
export function describeForPeople(schema: Schema): string {
  const parts = schema.tables.map((table) => {
    const width = Math.max(...table.columns.map(({ name }) => name.length));
    const comment = table.comment === undefined ? '' : ` – ${table.comment}`;
    const lines = table.columns.map((column) => columnForPeople(column, table, width));
    return `${table.name}, ${table.rowCount.toLocaleString('en')} rows${comment}\n${lines.join('\n')}`;
  });
  const rows = schema.tables.reduce((sum, { rowCount }) => sum + rowCount, 0);
  const title = `${schema.databaseId} (${schema.dialect}): ${schema.tables.length} tables, ${rows.toLocaleString('en')} rows`;
  return `${title}\n\n${parts.join('\n\n')}`;
}
