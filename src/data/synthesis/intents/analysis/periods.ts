/** Figures by period: running totals, changes, moving averages, whole years, two years side by side. */
import type { Column } from '../../../../schema/schema.ts';
import { labelMarks, relationsToParents, type SynthesisContext, type TableFacts } from '../../context.ts';
import {
  changeFrames,
  movingAverageFrames,
  runningFrames,
  sincePreviousFrames,
  twoPeriodsFrames,
  wholeYearFrames,
} from '../../frames/analysis/periods.ts';
import { fromPhrase } from '../../noun-phrase.ts';
import { isYear } from '../../saying.ts';
import { col, identifier, renderSelect, resolveMarks, textLiteral } from '../../select.ts';
import { type Intent, phraseSlots } from '../intent.ts';
import {
  aggregated,
  columnNoun,
  groupOf,
  isSelfRelation,
  labelNoun,
  roleNoun,
  rowFigures,
  someRows,
  tableWhere,
} from './pieces.ts';

/** A category of years: "fiscal year". */
function yearColumns(facts: TableFacts): Column[] {
  return facts.categories.filter(
    (column) => column.kind === 'integer' && isYear(Number(column.min)) && isYear(Number(column.max)),
  );
}

/** "signed", or "by order date" where nobody says how the date is spoken of. */
function dateVerb(context: SynthesisContext, facts: TableFacts, column: Column): string {
  const { dateVerbs, nouns } = context.lexicon.column(facts.table.name, column.name);
  const participles = (dateVerbs ?? []).filter((verb) => /^\w+ed$/.test(verb));
  return participles.length > 0 ? context.random.pick(participles) : `by ${nouns[0]}`;
}

interface Series {
  readonly said: string;
  readonly unit: string;
  /** With marks. */
  readonly period: string;
  readonly figure: string;
  readonly from: string;
  readonly where: readonly string[];
}

/** A count or a sum by year, month, quarter or by a column of years. */
function series(context: SynthesisContext, units: readonly string[]): Series | undefined {
  const { random } = context;
  const facts = tableWhere(context, (candidate) => candidate.dates.length > 0);
  if (facts === undefined) return undefined;
  const years = units.includes('year') ? yearColumns(facts) : [];
  const byYears = years.length > 0 && random.chance(0.3);
  const column = random.pick(byYears ? years : facts.dates);
  const mark = col(facts.table.name, column.name);
  const unit = byYears ? context.lexicon.column(facts.table.name, column.name).nouns[0]! : random.pick(units);
  const month = `strftime('%Y-%m', ${mark})`;
  const period = byYears ? mark : unit === 'month' ? month : `strftime('%Y', ${mark})`;
  const measures = facts.measures.filter((measure) => measure.canSum && measure.column !== undefined);
  const measure = measures.length > 0 && random.chance(0.5) ? random.pick(measures) : undefined;
  const phrase = someRows(context, facts, [column.name, measure?.column?.name ?? ''], 0.35);
  const noun =
    measure === undefined ? random.pick(['number', 'number', 'count']) : random.pick(measure.sumNouns);
  const verb = byYears ? '' : ` ${dateVerb(context, facts, column)}`;
  return {
    said: `${noun} of ${phrase.plural}${verb}`,
    unit,
    period,
    figure: measure === undefined ? 'COUNT(*)' : aggregated('SUM', measure.sql),
    from: facts.table.name,
    where: [...phrase.where, ...(column.nullCount > 0 ? [`${mark} IS NOT NULL`] : [])],
  };
}

function seriesSelect({ period, from, where }: Series, columns: readonly string[]): string {
  return renderSelect({ columns: [period, ...columns], from, where, groupBy: [period] });
}

export const running: Intent = {
  name: 'running-by-period',
  weight: 2,
  frames: runningFrames,
  build: (context) => {
    const found = series(context, ['year', 'year', 'month']);
    if (found === undefined) return undefined;
    const { figure, period, said, unit } = found;
    const variant = context.random.chance(0.6) ? 'both' : 'only';
    const total = `SUM(${figure}) OVER (ORDER BY ${period})`;
    const sql = seriesSelect(found, variant === 'both' ? [figure, total] : [total]);
    return { variant, slots: { fig: said, unit }, sql };
  },
};

export const change: Intent = {
  name: 'change-by-period',
  weight: 2.5,
  frames: changeFrames,
  build: (context) => {
    const found = series(context, ['year', 'year', 'month']);
    if (found === undefined) return undefined;
    const { figure, period, said, unit } = found;
    const variant = context.random.pick(['change', 'change', 'onlyChange', 'percent', 'percent'] as const);
    const before = `LAG(${figure}) OVER (ORDER BY ${period})`;
    const columns = {
      change: [figure, `${figure} - ${before}`],
      onlyChange: [`${figure} - ${before}`],
      percent: [`100.0 * (${figure} - ${before}) / ${before}`],
    }[variant];
    return { variant, slots: { fig: said, unit }, sql: seriesSelect(found, columns) };
  },
};

export const movingAverage: Intent = {
  name: 'moving-average',
  weight: 1,
  frames: movingAverageFrames,
  build: (context) => {
    const found = series(context, ['month']);
    if (found === undefined) return undefined;
    const window = `ORDER BY ${found.period} ROWS BETWEEN 2 PRECEDING AND CURRENT ROW`;
    const sql = seriesSelect(found, [`AVG(${found.figure}) OVER (${window})`]);
    return { variant: 'three', slots: { fig: found.said, unit: found.unit }, sql };
  },
};

function yearsBetween(column: Column): number[] {
  const [first, last] = [column.min, column.max].map((value) => Number(String(value).slice(0, 4)));
  return Array.from({ length: Math.max(0, last! - first! + 1) }, (_, i) => first! + i);
}

/** Each row is compared with each month. */
const monthlyRowsMax = 8000;

/** Twelve months by recursion, so that empty ones appear. */
export const wholeYear: Intent = {
  name: 'whole-year',
  weight: 1,
  frames: wholeYearFrames,
  build: (context) => {
    const { random } = context;
    const facts = tableWhere(
      context,
      ({ dates, table }) =>
        dates.length > 0 && table.primaryKey.length === 1 && table.rowCount <= monthlyRowsMax,
    );
    if (facts === undefined) return undefined;
    const column = random.pick(facts.dates);
    const year = random.pick(yearsBetween(column));
    const phrase = someRows(context, facts, [column.name], 0.35);
    const [table, date] = [identifier(facts.table.name), col(facts.table.name, column.name)];
    const months = `WITH RECURSIVE months AS (SELECT ${textLiteral(`${year}-01-01`)} AS month UNION ALL SELECT date(month, '+1 month') FROM months LIMIT 12)`;
    const on = [`strftime('%Y-%m', ${date}) = strftime('%Y-%m', months.month)`, ...phrase.where].join(
      ' AND ',
    );
    const key = col(facts.table.name, facts.table.primaryKey[0]!);
    const sql = `${months} SELECT strftime('%Y-%m', months.month), COUNT(${key}) FROM months LEFT JOIN ${table} ON ${on} GROUP BY months.month`;
    return {
      variant: 'months',
      slots: { ...phraseSlots(phrase), verb: dateVerb(context, facts, column), year: String(year) },
      sql: resolveMarks(sql, 'qualified'),
    };
  },
};

/** Two years side by side per group. */
export const twoPeriods: Intent = {
  name: 'two-periods',
  weight: 1.5,
  frames: twoPeriodsFrames,
  build: (context) => {
    const { random } = context;
    const facts = tableWhere(
      context,
      (candidate) => candidate.dates.length + yearColumns(candidate).length > 0,
    );
    if (facts === undefined) return undefined;
    const years = yearColumns(facts);
    const byYears = facts.dates.length === 0 || (years.length > 0 && random.chance(0.35));
    const column = random.pick(byYears ? years : facts.dates);
    const choices = yearsBetween(column);
    if (choices.length < 2) return undefined;
    const first = random.pick(choices.slice(0, -1));
    const mark = col(facts.table.name, column.name);
    const when = (year: number): string => (byYears ? `${mark} = ${year}` : `${mark} LIKE '${year}-%'`);
    const group = groupOf(context, facts);
    if (group === undefined || group.avoid.includes(column.name)) return undefined;
    const measures = facts.measures.filter((measure) => measure.canSum && measure.column !== undefined);
    const measure = measures.length > 0 && random.chance(0.5) ? random.pick(measures) : undefined;
    const avoid = [...group.avoid, column.name, measure?.column?.name ?? ''];
    const phrase = someRows(context, facts, avoid, 0.3);
    const figures = [first, first + 1].map((year) =>
      measure === undefined
        ? `COUNT(CASE WHEN ${when(year)} THEN 1 END)`
        : `SUM(CASE WHEN ${when(year)} THEN ${measure.sql} ELSE 0 END)`,
    );
    const sql = renderSelect({
      columns: [...group.columns, ...figures],
      from: facts.table.name,
      joins: group.joins,
      where: phrase.where,
      groupBy: group.by,
    });
    const noun = byYears ? columnNoun(context, facts, column) : '';
    const slots = {
      ...phraseSlots(phrase),
      group: group.noun,
      groups: group.plural,
      verb: byYears ? '' : dateVerb(context, facts, column),
      y1: `${noun} ${first}`.trim(),
      y2: `${noun} ${first + 1}`.trim(),
      agg: measure === undefined ? '' : random.pick(measure.sumNouns),
    };
    return { variant: measure === undefined ? 'counts' : 'sums', slots, sql };
  },
};

/** Days since the row before of the same parent. */
export const sincePrevious: Intent = {
  name: 'since-previous',
  weight: 1,
  frames: sincePreviousFrames,
  build: (context) => {
    const { random } = context;
    const facts = tableWhere(
      context,
      (candidate) =>
        candidate.dates.length > 0 &&
        relationsToParents(context, candidate.table.name).some((relation) => !isSelfRelation(relation)),
    );
    if (facts === undefined) return undefined;
    const relation = random.pick(
      relationsToParents(context, facts.table.name).filter((candidate) => !isSelfRelation(candidate)),
    );
    const column = random.pick(facts.dates);
    const [date, parent] = [
      col(facts.table.name, column.name),
      col(facts.table.name, relation.childColumn.name),
    ];
    const measures = rowFigures(facts);
    const measure = measures.length > 0 && random.chance(0.35) ? random.pick(measures) : undefined;
    const avoid = [column.name, relation.childColumn.name, measure?.column?.name ?? ''];
    const phrase = someRows(context, facts, avoid, 0.45);
    const label = labelMarks(facts);
    const window = `PARTITION BY ${parent} ORDER BY ${date}, ${label.join(', ')}`;
    const filled = [column, relation.childColumn].filter((candidate) => candidate.nullCount > 0);
    const sql = renderSelect({
      columns: [
        ...label,
        measure === undefined
          ? `julianday(${date}) - julianday(LAG(${date}) OVER (${window}))`
          : `${measure.sql} - LAG(${measure.sql}) OVER (${window})`,
      ],
      ...fromPhrase(phrase),
      where: [
        ...phrase.where,
        ...filled.map((candidate) => `${col(facts.table.name, candidate.name)} IS NOT NULL`),
      ],
    });
    const slots = {
      ...phraseSlots(phrase),
      date: columnNoun(context, facts, column),
      group: roleNoun(context, relation),
      name: labelNoun(context, facts),
      noun: measure === undefined ? '' : random.pick(measure.nouns),
    };
    return { variant: measure === undefined ? 'days' : 'figure', slots, sql };
  },
};
