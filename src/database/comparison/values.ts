/**
 * When two cells of a result are the same, and keys under which equal rows meet.
 * Numbers are compared by value: 1, 1.0 and 1n are equal. Two numbers of which at least one has a fraction may differ by
 * a millionth of the larger, but by no more than half a cent – or, for numbers so large that their sums round, by 1e-12
 * of the larger. Whole numbers must be identical. Text is never equal to a number, nor to bytes; NULL equals NULL.
 */
import type { SqlValue } from '../execution.ts';

export const RELATIVE_TOLERANCE = 1e-6;
export const ABSOLUTE_TOLERANCE_MAX = 0.005;
const ROUNDING = 1e-12;

function areNearNumbers(a: number, b: number): boolean {
  if (Number.isInteger(a) && Number.isInteger(b)) return false;
  const size = Math.max(Math.abs(a), Math.abs(b));
  if (size === Number.POSITIVE_INFINITY) return false;
  const tolerance = Math.max(Math.min(size * RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE_MAX), size * ROUNDING);
  return Math.abs(a - b) <= tolerance;
}

function areEqualBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

export function areEqualValues(a: SqlValue, b: SqlValue): boolean {
  if (a === b) return true;
  if (typeof a === 'number' && typeof b === 'number') return areNearNumbers(a, b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return areEqualBytes(a, b);
  // Loose equality of a bigint and a number compares the exact values.
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    // biome-ignore lint/suspicious/noDoubleEquals: see above
    return (typeof a === 'number' || typeof b === 'number') && a != null && b != null && a == b;
  }
  return false;
}

export type Row = readonly SqlValue[];

export function areEqualRows(a: Row, b: Row): boolean {
  for (let column = 0; column < a.length; column++) {
    if (!areEqualValues(a[column]!, b[column]!)) return false;
  }
  return true;
}

function keyOfNumber(value: number | bigint): string {
  if (typeof value === 'bigint') return `n${value}`;
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return `n${BigInt(value)}`;
  return `n${value === 0 ? 0 : value}`;
}

function keyOfValue(value: SqlValue): string {
  if (value === null) return '-';
  if (typeof value === 'string') return `s${value.length}:${value}`;
  if (typeof value === 'number' || typeof value === 'bigint') return keyOfNumber(value);
  return `b${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
}

/** Equal for rows that are equal without any tolerance. */
export function keyOfRow(row: Row): string {
  let key = '';
  for (const value of row) key += `${keyOfValue(value)},`;
  return key;
}

/** Equal for rows that could be equal within the tolerance. */
export function coarseKeyOfRow(row: Row): string {
  let key = '';
  for (const value of row) {
    key += typeof value === 'number' || typeof value === 'bigint' ? 'n,' : `${keyOfValue(value)},`;
  }
  return key;
}
