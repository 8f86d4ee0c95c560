/**
 * Tables as an assistant reads them: an overview, or everything of a few. Values of columns that a rule keeps from being shown
 * are left out. Knows the schema; runs nothing.
 */
import { rowsOf } from '../../agents/cells.ts';
import type { Cell } from '../../agents/pipeline.ts';
import { type BusinessRule, brokenRules } from '../../agents/validate/business-rules.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { Column, Schema, Table } from '../../schema/schema.ts';
import { type DescribeOutput, TABLES_DESCRIBED_MAX } from './contract.ts';

const EXAMPLES_MAX = 5;
const CATEGORY_VALUES_MAX = 20;
const VALUE_LENGTH_MAX = 80;

/** The schema without the values of columns that may not be in a result. */
export function withoutHiddenValues(schema: Schema, rules: readonly BusinessRule[]): Schema {
  const isHidden = (table: Table, { name }: Column): boolean => {
    const columns = new Map([[`${table.name}.${name}`, new Set(['output'] as const)]]);
    const broken = brokenRules(rules, { tables: [table.name], columns, isExact: true });
    return broken.some(({ severity }) => severity === 'error');
  };
  const hide = (table: Table, column: Column): Column =>
    isHidden(table, column) ? { ...column, sampleValues: [], textValues: [], min: null, max: null } : column;
  const tables = schema.tables.map((table) => ({
    ...table,
    columns: table.columns.map((column) => hide(table, column)),
  }));
  return { ...schema, tables };
}

export function findTable(schema: Schema, name: string): Table {
  const wanted = name.toLowerCase();
  const found = schema.tables.find((table) => table.name.toLowerCase() === wanted);
  if (found !== undefined) return found;
  const like = schema.tables.filter((table) => table.name.toLowerCase().includes(wanted));
  const named = (like.length > 0 ? like : schema.tables).slice(0, 20).map((table) => table.name);
  throw new QuerentError('mcp/no-such-table', `there is no table "${name.slice(0, 200)}"`, {
    next: `Tables are: ${named.join(', ')}${named.length < schema.tables.length ? ', …' : ''}.`,
  });
}

function examplesOf(column: Column): Cell[] {
  const isCategory = column.kind === 'text' && column.distinctCount <= CATEGORY_VALUES_MAX;
  const values = column.sampleValues
    .filter((value) => !(value instanceof Uint8Array))
    .slice(0, isCategory ? CATEGORY_VALUES_MAX : EXAMPLES_MAX)
    .map((value) => (typeof value === 'string' ? value.slice(0, VALUE_LENGTH_MAX) : value));
  const execution = { outcome: 'rows', columns: [], rows: [values], truncated: false, elapsedMs: 0 } as const;
  return [...rowsOf(execution, 1).rows[0]!];
}

function overviewOf(table: Table): DescribeOutput['tables'][number] {
  return {
    name: table.name,
    comment: table.comment ?? null,
    rows: table.rowCount,
    column_names: table.columns.map(({ name }) => name),
  };
}

function factsOf(table: Table): DescribeOutput['tables'][number] {
  return {
    ...overviewOf(table),
    columns: table.columns.map((column) => ({
      name: column.name,
      type: column.declaredType,
      kind: column.kind,
      nullable: column.nullable,
      primary_key: column.isPrimaryKey,
      comment: column.comment ?? null,
      distinct_values: column.distinctCount,
      examples: examplesOf(column),
    })),
    foreign_keys: table.foreignKeys.map(({ columns, referencedTable, referencedColumns }) => ({
      columns: [...columns],
      references_table: referencedTable,
      references_columns: [...referencedColumns],
    })),
  };
}

function holds(table: Table, search: string): boolean {
  const wanted = search.toLowerCase();
  const texts = [table.name, table.comment, ...table.columns.flatMap(({ name, comment }) => [name, comment])];
  return texts.some((text) => text?.toLowerCase().includes(wanted) === true);
}

export function describeTables(
  schema: Schema,
  {
    tables,
    search,
  }: { readonly tables?: readonly string[] | undefined; readonly search?: string | undefined },
): DescribeOutput {
  const named = tables?.map((name) => findTable(schema, name)) ?? schema.tables;
  const found = search === undefined ? named : named.filter((table) => holds(table, search));
  // A search that finds a few wants to know all about them.
  const isFull = tables !== undefined || (search !== undefined && found.length <= TABLES_DESCRIBED_MAX);
  return {
    database_id: schema.databaseId,
    dialect: schema.dialect,
    table_count: schema.tables.length,
    tables: [...new Set(found)].map(isFull ? factsOf : overviewOf),
  };
}
