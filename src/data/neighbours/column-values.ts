/**
 * What the values of one column look like, and new ones that could stand beside them: as many decimals, the same form of
 * dates, words put together anew. Knows values, no rows.
 */
import type { SqlValue } from '../../database/execution.ts';
import type { Random } from '../../foundation/random.ts';
import type { Constant } from './query-reader.ts';
import type { SourceColumn } from './source.ts';

/**
 * - `amount`: numbers of a quantity, more or less all different.
 * - `code`: few numbers that repeat: flags, grades, years of a small table.
 * - `date`: ISO dates or datetimes as text.
 * - `category`: few texts that repeat. `text`: all others.
 */
export type ValueKind = 'amount' | 'code' | 'date' | 'category' | 'text' | 'other';

export interface ColumnValues {
  readonly kind: ValueKind;
  /** Non-null values as often as they occur. */
  readonly observed: readonly SqlValue[];
  readonly distinct: readonly SqlValue[];
  /** Of the rows, how many are NULL. */
  readonly nullShare: number;
  /** Numbers kept as text. */
  readonly isNumberAsText: boolean;
  readonly decimals: number;
  readonly low: number;
  readonly high: number;
  /** Texts of which (nearly) no two are alike in the source although nothing declares it: names of things. */
  readonly isNameLike: boolean;
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})(?=$|[ T])/;
/** What an empty column is called that would hold the names of things. */
const NAME = /name|title/i;
const PLAIN_NUMBER = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,6})?$/;
const FEW = 6;
/** Of the values of a column of names, how many are different at least; in a column with at least so many. */
const NAME_VARIETY = 0.8;
const NAMES_MIN = 4;
const DAY_MS = 86_400_000;

const keyOf = (value: SqlValue): string =>
  `${typeof value}${value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value}`;

export function distinctOf(values: readonly SqlValue[]): SqlValue[] {
  return [...new Map(values.map((value) => [keyOf(value), value])).values()];
}

const dayOf = (text: string): number => Date.parse(`${text.slice(0, 10)}T00:00:00Z`) / DAY_MS;
const textOfDay = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** Numbers behind the values, as far as they are numbers, days of dates included. */
function numberOf(value: SqlValue, kind: 'number' | 'date'): number {
  if (kind === 'date') return dayOf(String(value));
  return Number(value);
}

function decimalsOf(values: readonly SqlValue[]): number {
  const texts = values.slice(0, 50).map((value) => /\.(\d+)$/.exec(String(value))?.[1]?.length ?? 0);
  return Math.min(6, Math.max(0, ...texts));
}

/** Of an empty column: what its type and name suggest. */
function suggested(column: SourceColumn, random: Random): SqlValue[] {
  const type = column.declaredType.toUpperCase();
  const count = 30;
  const make = (of: (at: number) => SqlValue): SqlValue[] => Array.from({ length: count }, (_, at) => of(at));
  if (/DATETIME|TIMESTAMP/.test(type))
    return make(() => `${textOfDay(14_600 + random.int(5_000))} 0${random.int(10)}:30:00`);
  if (/DATE/.test(type)) return make(() => textOfDay(14_600 + random.int(5_000)));
  if (/BOOL|^BIT/.test(type)) return make(() => random.int(2));
  if (/YEAR/i.test(column.name) && !/CHAR|TEXT/.test(type)) return make(() => 2000 + random.int(20));
  if (/INT/.test(type)) return make(() => 1 + random.int(100));
  if (/REAL|FLOA|DOUB|NUM|DEC|MONEY/.test(type)) return make(() => (10 + random.int(1_000)) / 10);
  if (/BLOB|BINARY/.test(type)) return [];
  const stem =
    column.name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, ' ')
      .trim() || 'value';
  const isName = NAME.test(column.name);
  return make((at) => `${stem} ${isName ? at : random.int(8)}`);
}

export function describeValues(
  column: SourceColumn,
  sourceValues: readonly SqlValue[],
  random: Random,
): ColumnValues {
  const filled = sourceValues.filter((value) => value !== null);
  const observed = filled.length > 0 ? filled : suggested(column, random);
  const distinct = distinctOf(observed);
  const isNumber = (value: SqlValue) => typeof value === 'number' || typeof value === 'bigint';
  const isNumberAsText =
    distinct.length > 0 && distinct.every((value) => typeof value === 'string' && PLAIN_NUMBER.test(value));
  const areNumbers = distinct.length > 0 && (isNumberAsText || distinct.every(isNumber));
  const areDates =
    !areNumbers &&
    distinct.length > 0 &&
    distinct.every((value) => typeof value === 'string' && DATE.test(value) && !Number.isNaN(dayOf(value)));
  const isText = distinct.every((value) => typeof value === 'string');
  const isFew = distinct.length <= FEW && observed.length >= 2 * distinct.length;
  const numbers =
    areNumbers || areDates ? distinct.map((value) => numberOf(value, areDates ? 'date' : 'number')) : [0];
  const kindOf = (): ValueKind => {
    if (areNumbers) return isFew ? 'code' : 'amount';
    if (areDates) return 'date';
    if (!isText || distinct.length === 0) return 'other';
    return isFew ? 'category' : 'text';
  };
  const kind = kindOf();
  return {
    kind,
    observed,
    distinct,
    nullShare: sourceValues.length === 0 ? 0 : 1 - filled.length / sourceValues.length,
    isNumberAsText,
    decimals: areNumbers ? decimalsOf(distinct) : 0,
    low: Math.min(...numbers),
    high: Math.max(...numbers),
    isNameLike:
      kind === 'text' && observed.length >= NAMES_MIN && distinct.length >= observed.length * NAME_VARIETY,
  };
}

function asNumber(values: ColumnValues, value: number): SqlValue {
  const rounded = Number(value.toFixed(values.decimals));
  return values.isNumberAsText ? rounded.toFixed(values.decimals) : rounded;
}

/** A date with the time of an observed one, where those have times. */
function asDate(values: ColumnValues, day: number, random: Random): SqlValue {
  return textOfDay(day) + String(random.pick(values.observed)).slice(10);
}

/** The first words of one text and the last of another. */
function recombined(values: ColumnValues, random: Random): string {
  const [a, b] = [String(random.pick(values.observed)), String(random.pick(values.observed))];
  const [left, right] = [a.split(' '), b.split(' ')];
  const joined = left.length > 1 && right.length > 1 ? [...left.slice(0, -1), right.at(-1)].join(' ') : a;
  return joined;
}

/** One that need not occur in the source. */
export function freshValue(values: ColumnValues, random: Random): SqlValue {
  const { kind, low, high } = values;
  const spread = Math.max(high - low, 10);
  switch (kind) {
    case 'amount':
      return asNumber(values, low + random.next() * spread * 1.1);
    case 'date':
      return asDate(values, Math.round(low + random.next() * spread), random);
    case 'text': {
      const text = recombined(values, random);
      return values.distinct.includes(text) ? `${text} ${2 + random.int(97)}` : text;
    }
    case 'category':
      return `${recombined(values, random)} ${2 + random.int(97)}`;
    default:
      return values.observed.length === 0 ? null : random.pick(values.observed);
  }
}

/** The constant as this column would hold it; undefined where it never could. */
export function asColumnValue(values: ColumnValues, constant: Constant): SqlValue | undefined {
  const { kind } = values;
  if (kind === 'amount' || kind === 'code') {
    const number =
      typeof constant === 'number' ? constant : PLAIN_NUMBER.test(constant) ? Number(constant) : Number.NaN;
    if (Number.isNaN(number)) return undefined;
    return values.isNumberAsText ? String(number) : number;
  }
  if (kind === 'date') return typeof constant === 'string' && DATE.test(constant) ? constant : undefined;
  if (kind === 'other') return undefined;
  return String(constant);
}

/** The values next to a constant: where `<` and `<=` part. None for flags and codes, which hold no others. */
export function besides(values: ColumnValues, constant: SqlValue): readonly SqlValue[] {
  if (values.kind === 'amount') {
    const step = 10 ** -values.decimals;
    return [asNumber(values, Number(constant) - step), asNumber(values, Number(constant) + step)];
  }
  if (values.kind !== 'date' || !DATE.test(String(constant))) return [];
  const time = String(constant).slice(10);
  const day = dayOf(String(constant));
  return Number.isNaN(day) ? [] : [textOfDay(day - 1) + time, textOfDay(day + 1) + time];
}

/** A text that a LIKE pattern fits, with something in the place of its wildcards. */
export function fitting(pattern: string, random: Random): string {
  return pattern.replace(/%/g, () => random.pick(['', 'x', ' y '])).replace(/_/g, 'k');
}
