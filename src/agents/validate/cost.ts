/** What a statement will cost, read from its plan: full scans of big tables, cross joins. Knows plans and row counts. */
import type { Schema } from '../../schema/schema.ts';
import type { PipelineWarning, PlanNode } from '../pipeline.ts';
import type { ReadQuery, ReadSelect } from '../reading/read-query.ts';
import { selectsOf } from '../reading/read-query.ts';

/** Rows beyond which reading a whole table is worth a word; SQLite reads some millions of rows a second. */
export const SCAN_ROWS_WARNED = 100_000;
/** Pairs of rows beyond which a cross join is worth a word. */
const CROSS_PAIRS_WARNED = 100_000;

const rowsOf = (schema: Schema, table: string): number =>
  schema.tables.find(({ name }) => name.toLowerCase() === table.toLowerCase())?.rowCount ?? 0;

export function* nodesOf(plan: readonly PlanNode[]): Generator<PlanNode> {
  for (const node of plan) {
    yield node;
    yield* nodesOf(node.children);
  }
}

/** Aliases of the statement are what a plan calls its tables. */
function tableNames(read: ReadQuery | undefined): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const select of read === undefined ? [] : selectsOf(read.body))
    for (const { name, alias } of select.tables) if (name !== undefined) names.set(alias.toLowerCase(), name);
  return names;
}

/** Tables without a condition that ties them to another: their rows are multiplied. */
function untied({ tables, where }: ReadSelect): readonly string[] {
  if (tables.length < 2) return [];
  const loose = tables.filter(
    ({ join, on, using }) =>
      (join === 'cross' || join === 'comma' || join === 'inner') && on === undefined && using.length === 0,
  );
  const conditions = JSON.stringify(where).toLowerCase();
  return loose
    .filter(({ alias }) => !conditions.includes(`"${alias.toLowerCase()}"`))
    .map(({ name, alias }) => name ?? alias);
}

export function costWarnings(
  plan: readonly PlanNode[],
  read: ReadQuery | undefined,
  schema: Schema,
): PipelineWarning[] {
  const names = tableNames(read);
  const warnings: PipelineWarning[] = [];
  const scanned = new Set<string>();
  for (const { operation, table } of nodesOf(plan)) {
    if (operation !== 'scan' || table === undefined) continue;
    const name = names.get(table.toLowerCase()) ?? table;
    if (rowsOf(schema, name) >= SCAN_ROWS_WARNED) scanned.add(name);
  }
  for (const name of scanned) {
    const rows = rowsOf(schema, name).toLocaleString('en');
    warnings.push({ code: 'cost/full-scan', message: `reads all ${rows} rows of ${name}`, severity: 'info' });
  }
  for (const select of read === undefined ? [] : selectsOf(read.body)) {
    const pairs = select.tables.reduce(
      (product, { name }) => product * Math.max(1, rowsOf(schema, name ?? '')),
      1,
    );
    const loose = untied(select);
    if (loose.length === 0 || pairs < CROSS_PAIRS_WARNED) continue;
    const message = `no condition ties ${loose.join(', ')} to the other tables: every row meets every row`;
    warnings.push({ code: 'cost/cross-join', message, severity: 'warning' });
  }
  return warnings;
}
