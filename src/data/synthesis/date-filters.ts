/** Conditions on date columns: years, quarters, months, days, before and after, and dates relative to today. */
import type { Column } from '../../schema/schema.ts';
import type { SynthesisContext, TableFacts } from './context.ts';
import type { Filter } from './filter.ts';
import { col } from './select.ts';

const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

interface Period {
  readonly said: string;
  /** Condition on the column's mark. */
  readonly sql: (mark: string) => string;
  /** Reads well after a verb: "started {when}". */
}

function iso(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function day(column: Column, context: SynthesisContext): Date | undefined {
  const low = Date.parse(String(column.min).slice(0, 10));
  const high = Date.parse(String(column.max).slice(0, 10));
  if (Number.isNaN(low) || Number.isNaN(high)) return undefined;
  return new Date(low + context.random.next() * (high - low));
}

/** A date as people write it. */
function sayDay(context: SynthesisContext, date: Date): string {
  const name = monthNames[date.getUTCMonth()]!;
  const d = date.getUTCDate();
  const y = date.getUTCFullYear();
  return context.random.pick([
    iso(date),
    `${d} ${name} ${y}`,
    `${name} ${d}, ${y}`,
    `${d} ${name.slice(0, 3)} ${y}`,
  ]);
}

function sayMonth(context: SynthesisContext, date: Date): string {
  const name = monthNames[date.getUTCMonth()]!;
  const y = date.getUTCFullYear();
  return context.random.pick([
    `${name} ${y}`,
    `${name.slice(0, 3)} ${y}`,
    `${name} of ${y}`,
    `${name.toLowerCase()} ${y}`,
  ]);
}

function inYear(_column: Column, context: SynthesisContext, date: Date): Period {
  const year = date.getUTCFullYear();
  const said = context.random.pick([
    `in ${year}`,
    `in ${year}`,
    `during ${year}`,
    `in the year ${year}`,
    `within ${year}`,
    `over the course of ${year}`,
    `${year}`,
  ]);
  return {
    said,
    sql: (mark) => `${mark} LIKE '${year}-%'`,
  };
}

function inMonth(_column: Column, context: SynthesisContext, date: Date): Period {
  const text = iso(date).slice(0, 7);
  return {
    said: `${context.random.pick(['in', 'during', 'in'])} ${sayMonth(context, date)}`,
    sql: (mark) => `${mark} LIKE '${text}-%'`,
  };
}

function inQuarter(_column: Column, context: SynthesisContext, date: Date): Period {
  const quarter = Math.floor(date.getUTCMonth() / 3) + 1;
  const year = date.getUTCFullYear();
  const start = iso(new Date(Date.UTC(year, 3 * quarter - 3, 1)));
  const end = iso(new Date(Date.UTC(year, 3 * quarter, 0)));
  const ordinal = ['first', 'second', 'third', 'fourth'][quarter - 1]!;
  const said = context.random.pick([
    `in Q${quarter} ${year}`,
    `in the ${ordinal} quarter of ${year}`,
    `during Q${quarter} ${year}`,
  ]);
  return { said, sql: (mark) => `${mark} BETWEEN '${start}' AND '${end}'` };
}

function relativeToDay(_column: Column, context: SynthesisContext, date: Date): Period {
  const text = iso(date);
  const said = sayDay(context, date);
  const { random } = context;
  if (random.chance(0.5))
    return {
      said: `${random.pick(['after', 'later than', 'after'])} ${said}`,
      sql: (mark) => `${mark} > '${text}'`,
    };
  if (random.chance(0.3))
    return {
      said: `${random.pick(['on or after', 'from'])} ${said}${random.chance(0.5) ? ' on' : ''}`.replace(
        /from (.*) on$/,
        'from $1 on',
      ),
      sql: (mark) => `${mark} >= '${text}'`,
    };
  return {
    said: `${random.pick(['before', 'earlier than', 'prior to', 'before'])} ${said}`,
    sql: (mark) => `${mark} < '${text}'`,
  };
}

function relativeToYear(_column: Column, context: SynthesisContext, date: Date): Period {
  const year = date.getUTCFullYear();
  const { random } = context;
  const roll = random.next();
  if (roll < 0.35)
    return {
      said: `${random.pick(['after', 'later than'])} ${year}`,
      sql: (mark) => `${mark} > '${year}-12-31'`,
    };
  if (roll < 0.7)
    return {
      said: `${random.pick(['before', 'prior to', 'earlier than'])} ${year}`,
      sql: (mark) => `${mark} < '${year}-01-01'`,
    };
  return {
    said: `${random.pick(['since', 'from'])} ${year}${random.chance(0.3) ? ' on' : ''}`,
    sql: (mark) => `${mark} >= '${year}-01-01'`,
  };
}

function sinceMonth(_column: Column, context: SynthesisContext, date: Date): Period {
  const start = `${iso(date).slice(0, 7)}-01`;
  const { random } = context;
  if (random.chance(0.5))
    return { said: `since ${sayMonth(context, date)}`, sql: (mark) => `${mark} >= '${start}'` };
  return { said: `before ${sayMonth(context, date)}`, sql: (mark) => `${mark} < '${start}'` };
}

function betweenYears(_column: Column, context: SynthesisContext, date: Date): Period | undefined {
  const year = date.getUTCFullYear();
  const other = year + 1 + context.random.int(3);
  const said = context.random.pick([
    `between ${year} and ${other}`,
    `from ${year} to ${other}`,
    `between ${year} and ${other}`,
  ]);
  return { said, sql: (mark) => `${mark} BETWEEN '${year}-01-01' AND '${other}-12-31'` };
}

function shiftedDay(today: string, days: number): string {
  return iso(new Date(Date.parse(today) + days * 86_400_000));
}

function relativeToToday(column: Column, context: SynthesisContext): Period | undefined {
  const { random, today } = context;
  const year = Number(today.slice(0, 4));
  const reachesAhead = String(column.max).slice(0, 10) > today;
  const days = random.pick([7, 10, 14, 30, 45, 60, 90, 100, 120, 180, 365]);
  const months = random.pick([2, 3, 6, 9, 12, 18, 24]);
  const monthsAgo = new Date(`${today}T00:00:00Z`);
  monthsAgo.setUTCMonth(monthsAgo.getUTCMonth() - months);
  const monthsAhead = new Date(`${today}T00:00:00Z`);
  monthsAhead.setUTCMonth(monthsAhead.getUTCMonth() + months);
  const back: Period[] = [
    {
      said: random.pick(['this year', 'in the current year', 'this calendar year']),
      sql: (mark) => `${mark} LIKE '${year}-%'`,
    },
    {
      said: random.pick(['last year', 'in the past year', 'the previous year']),
      sql: (mark) => `${mark} LIKE '${year - 1}-%'`,
    },
    {
      said: `${random.pick(['in the last', 'within the last', 'in the past', 'over the last'])} ${days} days`,
      sql: (mark) => `${mark} > '${shiftedDay(today, -days)}' AND ${mark} <= '${today}'`,
    },
    {
      said: `${random.pick(['in the last', 'within the last', 'in the past', 'over the last'])} ${months} months`,
      sql: (mark) => `${mark} > '${iso(monthsAgo)}' AND ${mark} <= '${today}'`,
    },
  ];
  const ahead: Period[] = [
    {
      said:
        random.pick(['in the next', 'within the next', 'within', 'over the next', 'in the coming']) +
        ` ${days} days`,
      sql: (mark) => `${mark} > '${today}' AND ${mark} <= '${shiftedDay(today, days)}'`,
    },
    {
      said:
        random.pick(['in the next', 'within the next', 'over the next', 'in the coming']) +
        ` ${months} months`,
      sql: (mark) => `${mark} > '${today}' AND ${mark} <= '${iso(monthsAhead)}'`,
    },
    {
      said: random.pick(['next year', 'in the coming year']),
      sql: (mark) => `${mark} LIKE '${year + 1}-%'`,
    },
    {
      said: random.pick(['this year', 'in the current year']),
      sql: (mark) => `${mark} LIKE '${year}-%'`,
    },
    {
      said: random.pick(['after today', 'in the future', 'from now on']),
      sql: (mark) => `${mark} > '${today}'`,
    },
  ];
  return random.pick(reachesAhead && random.chance(0.7) ? ahead : back);
}

/** The word that ties the noun to the period: "started", "signed", "with a due date". */
function dateWords(context: SynthesisContext, facts: TableFacts, column: Column): string {
  const words = context.lexicon.column(facts.table.name, column.name);
  const noun = words.nouns[0]!;
  const verb = /date$/.test(noun) ? noun.replace(/ ?date$/, '') : noun;
  const guesses = [`with a ${noun}`, `whose ${noun} is`, `dated by ${noun}`];
  if (/(ed|t)$/.test(verb) && verb.length > 3) guesses.push(verb, verb);
  return context.random.pick(words.dateVerbs ?? guesses);
}

export function datePeriod(context: SynthesisContext, column: Column): Period | undefined {
  const date = day(column, context);
  if (date === undefined) return undefined;
  const makers: readonly (readonly [
    (c: Column, x: SynthesisContext, d: Date) => Period | undefined,
    number,
  ])[] = [
    [inYear, 5],
    [inMonth, 2],
    [inQuarter, 1.2],
    [relativeToDay, 2],
    [relativeToYear, 3],
    [sinceMonth, 1],
    [betweenYears, 0.8],
    [relativeToToday, context.lexicon.today === undefined ? 0 : 3.5],
  ];
  const [maker] = context.random.pickWeighted(makers, ([, weight]) => weight);
  return maker(column, context, date);
}

export function dateFilter(context: SynthesisContext, facts: TableFacts): Filter | undefined {
  if (facts.dates.length === 0) return undefined;
  const column = context.random.pick(facts.dates);
  const period = datePeriod(context, column);
  if (period === undefined) return undefined;
  const mark = col(facts.table.name, column.name);
  // The first date column carries the plain "in 2024" without a verb.
  const isMain = facts.dates[0] === column;
  const bare = isMain && /^(in|during|from|since) /.test(period.said) && context.random.chance(0.25);
  const full = `${dateWords(context, facts, column)} ${period.said}`;
  const said = bare ? { after: period.said, apart: full } : { after: full };
  return { sql: period.sql(mark), ...said, uses: [column.name] };
}
