/** Results as JSON can hold them. */
import type { Execution, SqlValue } from '../database/execution.ts';
import type { Cell, PipelineRows } from './pipeline.ts';

/** JSON has neither 64-bit integers, nor bytes, nor numbers that are none. */
function cellOf(value: SqlValue): Cell {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

export function rowsOf(execution: Extract<Execution, { outcome: 'rows' }>, rowsMax: number): PipelineRows {
  const { columns, rows, truncated, elapsedMs } = execution;
  return {
    columns,
    rows: rows.slice(0, rowsMax).map((row) => row.map(cellOf)),
    truncated: truncated || rows.length > rowsMax,
    elapsedMs,
  };
}

/** Why there are no rows, for a person. */
export function failureOf(execution: Exclude<Execution, { outcome: 'rows' }>): string {
  switch (execution.outcome) {
    case 'sql-error':
      return execution.message;
    case 'refused':
      return `refused: ${execution.reason}`;
    case 'timeout':
      return `stopped after ${execution.limitMs} ms`;
    case 'out-of-memory':
      return 'it needs more memory than is allowed';
    default:
      throw execution satisfies never;
  }
}
