/** What a statement gave, as a short key: candidates with the same key vote for the same answer. Knows no gold. */
import { createHash } from 'node:crypto';
import type { Execution, SqlValue } from '../execution.ts';

/** Fractions to six digits, so that two ways of summing agree; whole numbers of any type by value. */
function cellKey(value: SqlValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number')
    return Number.isInteger(value) ? BigInt(value).toString() : String(Number(value.toPrecision(6)));
  return `x${Buffer.from(value).toString('hex')}`;
}

/** Null for what gave no rows to agree on: an error, a timeout, a refusal. Rows in any order, columns as they stand. */
export function resultKey(execution: Execution): string | null {
  if (execution.outcome !== 'rows') return null;
  const { columns, rows, truncated } = execution;
  const lines = rows.map((row) => row.map(cellKey).join(',')).sort();
  const hash = createHash('sha256');
  hash.update(`${columns.length}${truncated ? '+' : ''}\n${lines.join('\n')}`);
  return hash.digest('hex').slice(0, 16);
}
