/**
 * The first, the n-th or the first few rows of each group: numbered by a window function in a CTE, kept by the SELECT
 * after it. As a subquery in FROM it would name columns of several tables before it says where they are from.
 */
import { renderSelect, resolveMarks, type Select } from './select.ts';

/** Columns of an inner SELECT as the outer one calls them; undefined where two of them share a name. */
export function outerNames(columns: readonly string[]): string | undefined {
  const names = columns.map((column) => resolveMarks(column, 'bare'));
  return new Set(names).size === names.length ? names.join(', ') : undefined;
}

interface NumberedRows {
  readonly columns: readonly string[];
  readonly partitionBy: readonly string[];
  readonly orderBy: readonly string[];
  /** Of the position: "= 1", "<= 3". */
  readonly keep: string;
  readonly select: Omit<Select, 'columns'>;
}

/** Numbers the rows of each group and keeps some of them; equal figures are told apart by the name. */
export function numberedRows(options: NumberedRows): string | undefined {
  const shown = outerNames(options.columns);
  return shown === undefined ? undefined : numberedSelect({ ...options, shown });
}

/** `shown`, `sortedBy`: columns of the outer SELECT (`outerNames`) and `position`. */
export function numberedSelect(
  options: NumberedRows & { readonly shown: string; readonly sortedBy?: string },
): string {
  const order = `PARTITION BY ${options.partitionBy.join(', ')} ORDER BY ${options.orderBy.join(', ')}`;
  const inner = renderSelect({
    ...options.select,
    columns: [...options.columns, `ROW_NUMBER() OVER (${order}) AS position`],
  });
  const sorted = options.sortedBy === undefined ? '' : ` ORDER BY ${options.sortedBy}`;
  return `WITH numbered AS (${inner}) SELECT ${options.shown} FROM numbered WHERE position ${options.keep}${sorted}`;
}
