/**
 * How much work a query is, against its gold query, judged from the database's own plans and row counts. An estimate and
 * not a stopwatch, so that the same query always earns the same. It does not say whether the query is right.
 */
import type { Execution } from '../../database/execution.ts';
import { identifiersOf } from '../../schema/names-in-sql.ts';
import type { Schema, Table } from '../../schema/schema.ts';
import { type BoundedReward, type Reward, single, unscorable } from '../reward.ts';
import type { SchemaOf } from './domain.ts';
import type { ExecutingSandbox } from './syntax.ts';

/** A line of EXPLAIN QUERY PLAN. */
interface PlanStep {
  readonly id: number;
  readonly parent: number;
  readonly detail: string;
}

/** Rows of a subquery that is scanned, and of a table that is not in the schema. */
const UNKNOWN_ROWS = 1_000;
/** Of the rows, how many a range condition leaves: what SQLite assumes without statistics. */
const RANGE_SHARE = 1 / 4;

function planOf(execution: Execution): readonly PlanStep[] | undefined {
  if (execution.outcome !== 'rows') return undefined;
  return execution.rows.map(([id, parent, , detail]) => ({
    id: Number(id),
    parent: Number(parent),
    detail: String(detail),
  }));
}

/** Rows that one search finds: one for a whole key, the rows of a value for another column, a share for a range. */
function rowsFound(table: Table | undefined, detail: string): number {
  const rows = table?.rowCount ?? UNKNOWN_ROWS;
  if (/\(rowid=\?\)|PRIMARY KEY \(/.test(detail)) return 1;
  const terms = /\(([^()]*)\)\s*$/.exec(detail)?.[1]?.split(' AND ') ?? [];
  let share = 1;
  for (const term of terms) {
    const name = /^\w+/.exec(term)?.[0]?.toLowerCase();
    const column = table?.columns.find((candidate) => candidate.name.toLowerCase() === name);
    share *= term.includes('=') ? 1 / Math.max(1, column?.distinctCount ?? Math.sqrt(rows)) : RANGE_SHARE;
  }
  return Math.max(1, rows * share);
}

/**
 * Rows visited. Steps side by side are nested loops; a correlated subquery runs once for each row, any other once; a
 * temporary B-tree sorts n rows in n log2 n.
 */
export function planCost(plan: readonly PlanStep[], tableOf: (name: string) => Table | undefined): number {
  const costBelow = (parent: number): { readonly cost: number; readonly rows: number } => {
    let [cost, rows] = [0, 1];
    for (const { id, detail } of plan.filter((step) => step.parent === parent)) {
      const scanned = /^SCAN (\S+)/.exec(detail);
      const searched = /^SEARCH (\S+)/.exec(detail);
      if (scanned !== null) {
        const visited = tableOf(scanned[1]!)?.rowCount ?? UNKNOWN_ROWS;
        cost += rows * visited;
        rows *= Math.max(1, visited);
      } else if (searched !== null) {
        const table = tableOf(searched[1]!);
        const found = rowsFound(table, detail);
        cost += rows * (Math.log2(2 + (table?.rowCount ?? UNKNOWN_ROWS)) + found);
        rows *= found;
      } else if (detail.startsWith('USE TEMP B-TREE')) cost += rows * Math.log2(1 + rows);
      else {
        const inner = costBelow(id);
        cost += detail.startsWith('CORRELATED') ? rows * inner.cost : inner.cost;
      }
    }
    return { cost, rows };
  };
  return 1 + costBelow(0).cost;
}

function tablesByName(sql: string, schema: Schema): (name: string) => Table | undefined {
  const { aliases } = identifiersOf(sql);
  const find = (name: string): Table | undefined =>
    schema.tables.find((table) => table.name.toLowerCase() === name.toLowerCase());
  return (name) => find(name) ?? find(aliases.get(name.toLowerCase())?.[0] ?? '');
}

/** 1 up to the gold's cost, falling with the logarithm of the ratio to 0 at `limit` times. */
export function efficiencyOf(cost: number, goldCost: number, limit = 100): number {
  const ratio = cost / goldCost;
  return ratio <= 1 ? 1 : Math.max(0, 1 - Math.log(ratio) / Math.log(limit));
}

export interface EfficiencyOptions {
  readonly sandbox: ExecutingSandbox;
  readonly databasePathOf: (databaseId: string) => string;
  readonly schemaOf: SchemaOf;
  /** How many times the gold's cost is worth nothing. Default 100. */
  readonly limit?: number;
}

/** 0 for what has no plan; null where the gold has none. Gold gets 1; being cheaper than the gold is not paid for. */
export function efficiencyReward(options: EfficiencyOptions): BoundedReward {
  const costOf = async (databaseId: string, sql: string): Promise<number | undefined> => {
    const path = options.databasePathOf(databaseId);
    const [schema, execution] = await Promise.all([
      options.schemaOf(databaseId),
      options.sandbox.execute(path, `EXPLAIN QUERY PLAN ${sql}`),
    ]);
    const plan = planOf(execution);
    return plan === undefined ? undefined : planCost(plan, tablesByName(sql, schema));
  };
  const scoreOne = async (databaseId: string, sql: string, gold: string): Promise<Reward> => {
    const [cost, goldCost] = await Promise.all([costOf(databaseId, sql), costOf(databaseId, gold)]);
    if (goldCost === undefined) return unscorable('gold-broken');
    if (cost === undefined) return single('efficiency', 0, { goldCost });
    return single('efficiency', efficiencyOf(cost, goldCost, options.limit), { cost, goldCost });
  };
  return {
    name: 'efficiency',
    range: [0, 1],
    score: (items) =>
      Promise.all(
        items.map(({ example, completion }) =>
          completion.isComplete && completion.sql.trim() !== ''
            ? scoreOne(example.databaseId, completion.sql, example.sql)
            : single('efficiency', 0),
        ),
      ),
  };
}
