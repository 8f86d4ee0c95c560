/** Rows as a text table for a terminal. It knows values and widths, not where rows come from. */
import Table from 'cli-table3';
import type { SqlValue } from '../database/execution.ts';

const cellWidthMax = 60;

export function valueText(value: SqlValue): string {
  if (value === null) return 'NULL';
  if (value instanceof Uint8Array) return `(${value.length} bytes)`;
  if (typeof value === 'number' && !Number.isInteger(value)) return String(Number(value.toFixed(6)));
  return String(value);
}

/** Control characters would move the cursor or change colours: what a database holds is not to be trusted. */
function cell(text: string): string {
  const clean = text.replace(/\s*\n\s*/g, ' ').replace(/[\u0000-\u001f\u007f-\u009f]/g, '�');
  return clean.length > cellWidthMax ? `${clean.slice(0, cellWidthMax - 1)}…` : clean;
}

/** Without colours: a pipe gets the same text as a terminal. */
export function textTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  options: { readonly alignRight?: readonly boolean[] } = {},
): string {
  const table = new Table({
    head: header.map(cell),
    style: { head: [], border: [], compact: true },
    ...(options.alignRight === undefined
      ? {}
      : { colAligns: options.alignRight.map((right) => (right ? ('right' as const) : ('left' as const))) }),
  });
  for (const row of rows) table.push(row.map(cell));
  return table.toString();
}

export function rowsTable(
  columns: readonly string[],
  rows: readonly (readonly SqlValue[])[],
  rowsShownMax: number,
): string {
  const shown = rows.slice(0, rowsShownMax);
  const isNumeric = columns.map((_, i) =>
    shown.every((row) => row[i] === null || typeof row[i] === 'number' || typeof row[i] === 'bigint'),
  );
  return textTable(
    columns,
    shown.map((row) => row.map(valueText)),
    { alignRight: isNumeric },
  );
}
