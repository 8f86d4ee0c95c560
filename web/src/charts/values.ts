/** Cells as people read them, and what kind of values a column holds. Knows rows; it knows no chart. */
import type { Cell } from '../../../src/agents/pipeline.ts';

export type ColumnKind = 'number' | 'key' | 'time' | 'text';

const keyName = /(?:^|_|\b)(?:id|code|key|number|no|phone|zip|postcode)$/i;
const timeName = /(?:^|_|\b)(?:year|month|quarter|date|day|week|period)s?$/i;
const timeText = /^\d{4}(?:-(?:\d{2}|Q[1-4])(?:-\d{2}(?:[T ][\d:.]+Z?)?)?)?$/;

export const isKeyName = (name: string): boolean => keyName.test(name.replace(/([a-z])([A-Z])/g, '$1_$2'));

function looksLikeYear(value: Cell): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1900 && value <= 2100;
}

export function kindOf(name: string, values: readonly Cell[]): ColumnKind {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return 'text';
  const isTimeNamed = timeName.test(name);
  if (known.every((value) => typeof value === 'number')) {
    if (isTimeNamed && known.every((value) => looksLikeYear(value) || (value >= 1 && value <= 53)))
      return 'time';
    return isKeyName(name) ? 'key' : 'number';
  }
  if (known.every((value) => typeof value === 'string' && timeText.test(value))) {
    return isTimeNamed || known.some((value) => String(value).includes('-')) ? 'time' : 'text';
  }
  return 'text';
}

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

/** Numbers grouped by thousands with at most two decimals; keys and years as they are. */
export function shown(value: Cell, kind: ColumnKind): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return value;
  if (kind !== 'number') return String(value);
  // What two decimals would show as zero keeps its digits.
  return value !== 0 && Math.abs(value) < 0.01 ? String(value) : grouped.format(value);
}

export const shortNumber = (value: number): string =>
  Math.abs(value) < 10_000 ? grouped.format(value) : compact.format(value);

/** Nulls last in both directions; numbers before text. */
export function compareCells(left: Cell, right: Cell): number {
  if (left === right) return 0;
  if (left === null) return 1;
  if (right === null) return -1;
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'number') return -1;
  if (typeof right === 'number') return 1;
  return left.localeCompare(right, 'en', { numeric: true });
}

export function sortRows<Row extends readonly Cell[]>(
  rows: readonly Row[],
  column: number,
  direction: 'ascending' | 'descending',
): Row[] {
  const sign = direction === 'ascending' ? 1 : -1;
  return [...rows].sort((left, right) => {
    const [a, b] = [left[column] ?? null, right[column] ?? null];
    return a === null || b === null ? compareCells(a, b) : sign * compareCells(a, b);
  });
}

/** RFC 4180: CRLF, quotes doubled; null is an empty field. */
export function csvOf(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const field = (value: Cell): string => {
    const text = value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

/** For the clipboard: spreadsheets paste tab-separated text as cells. */
export function tabSeparated(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const field = (value: Cell): string => (value === null ? '' : String(value).replace(/[\t\r\n]+/g, ' '));
  return [columns, ...rows].map((row) => row.map(field).join('\t')).join('\n');
}
