/**
 * A value that a question mentions, and every SQL literal that it can become (its facets). The facet without a name is
 * the value itself; the others are derived: `:contains` is `'%Orion%'`, `:start` of March 2024 is `'2024-03-01'`.
 * It knows literals and calendar arithmetic; it does not know questions or schemas.
 */

export type LinkedValue =
  /** Found in the database (columns as `Table.Column`), or quoted by the user (no columns). */
  | { readonly kind: 'text'; readonly text: string; readonly columns: readonly string[] }
  | { readonly kind: 'number'; readonly value: number; readonly isPercent: boolean }
  | { readonly kind: 'year'; readonly year: number }
  | { readonly kind: 'quarter'; readonly year: number; readonly quarter: number }
  | { readonly kind: 'month'; readonly year: number; readonly month: number }
  | { readonly kind: 'day'; readonly date: string };

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function isoDate(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** First day of a month; months beyond 12 run into the next year. */
function monthStart(year: number, month: number): string {
  return isoDate(new Date(Date.UTC(year, month - 1, 1)));
}

function monthEnd(year: number, month: number): string {
  return isoDate(new Date(Date.UTC(year, month, 0)));
}

function shifted(today: string, unit: 'days' | 'months' | 'years', amount: number): string {
  const date = new Date(`${today}T00:00:00Z`);
  if (unit === 'days') date.setUTCDate(date.getUTCDate() + amount);
  if (unit === 'months') date.setUTCMonth(date.getUTCMonth() + amount);
  if (unit === 'years') date.setUTCFullYear(date.getUTCFullYear() + amount);
  return isoDate(date);
}

function numberText(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(12)));
}

function numberFacets(value: number, isPercent: boolean, today: string | undefined): [string, string][] {
  const facets: [string, string][] = [['', numberText(value)]];
  facets.push([':text', quote(numberText(value))]);
  if (isPercent) facets.push([':fraction', numberText(value / 100)]);
  if (!Number.isInteger(value) || value > 4000 || value < 1) return facets;
  if (today === undefined) return facets;
  for (const unit of ['days', 'months', 'years'] as const) {
    facets.push([`:${unit}_after`, quote(shifted(today, unit, value))]);
    facets.push([`:${unit}_before`, quote(shifted(today, unit, -value))]);
  }
  facets.push([':weeks_after', quote(shifted(today, 'days', 7 * value))]);
  facets.push([':weeks_before', quote(shifted(today, 'days', -7 * value))]);
  return facets;
}

function spanFacets(year: number, first: number, count: number): [string, string][] {
  return [
    [':start', quote(monthStart(year, first))],
    [':end', quote(monthEnd(year, first + count - 1))],
    [':next', quote(monthStart(year, first + count))],
  ];
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Facet name -> SQL literal, in order of preference. `today` gives relative dates. */
export function facetsOf(value: LinkedValue, today: string | undefined): ReadonlyMap<string, string> {
  switch (value.kind) {
    case 'text': {
      const { text } = value;
      return new Map([
        ['', quote(text)],
        [':contains', quote(`%${text}%`)],
        [':starts', quote(`${text}%`)],
        [':ends', quote(`%${text}`)],
      ]);
    }
    case 'number':
      return new Map(numberFacets(value.value, value.isPercent, today));
    case 'year': {
      const { year } = value;
      return new Map([
        ['', String(year)],
        [':text', quote(String(year))],
        ...spanFacets(year, 1, 12),
        [':like', quote(`${year}%`)],
        [':like_dash', quote(`${year}-%`)],
        [':next_year', String(year + 1)],
        [':next_text', quote(String(year + 1))],
        [':previous_end', quote(`${year - 1}-12-31`)],
      ]);
    }
    case 'quarter':
      return new Map(spanFacets(value.year, 3 * value.quarter - 2, 3));
    case 'month': {
      const text = `${value.year}-${two(value.month)}`;
      return new Map([
        ['', quote(text)],
        ...spanFacets(value.year, value.month, 1),
        [':like', quote(`${text}%`)],
        [':like_dash', quote(`${text}-%`)],
        [':month', quote(two(value.month))],
        [':year', quote(String(value.year))],
      ]);
    }
    case 'day':
      return new Map([['', quote(value.date)]]);
    default:
      return value satisfies never;
  }
}

/** Every facet name there is, for the vocabulary. */
export function allFacetNames(): string[] {
  const samples: LinkedValue[] = [
    { kind: 'text', text: 'x', columns: [] },
    { kind: 'number', value: 30, isPercent: true },
    { kind: 'year', year: 2024 },
    { kind: 'quarter', year: 2024, quarter: 1 },
    { kind: 'month', year: 2024, month: 1 },
    { kind: 'day', date: '2024-01-01' },
  ];
  const names = new Set(samples.flatMap((sample) => [...facetsOf(sample, '2025-06-30').keys()]));
  names.delete('');
  return [...names];
}
