/** Reports over periods, and the latest row of each parent. */
import { labelMarks, relationsToParents } from '../synthesis/context.ts';
import {
  aggregated,
  isSelfRelation,
  isYearFigure,
  labelNoun,
  roleNoun,
  roleNouns,
  rowFigures,
  tableWhere,
} from '../synthesis/intents/analysis/pieces.ts';
import { fillFrame } from '../synthesis/intents/intent.ts';
import { numberedSelect, outerNames } from '../synthesis/numbered-rows.ts';
import { joinToParent } from '../synthesis/related-filters.ts';
import { col, renderSelect } from '../synthesis/select.ts';
import { type ReportMaker, rowsUnder } from './clauses.ts';
import { plainRows } from './figures.ts';
import { listed, sentences } from './wording.ts';

const seriesHeads = [
  'for {np}, show by {unit} of {date} {cols}',
  '{unit} by {unit} of {date}, {cols} for {np}',
  'per {unit} ({date}) and only for {np}: {cols}',
  'how did {np} develop by {unit} of {date}? Show {unit}, {cols}',
  'take {np} and give for each {unit} of {date} {cols}',
  'a {unit} series by {date} over {np}: {unit}, {cols}',
] as const;

/** Figures by month or year with the change since the one before and the running total. */
export const seriesReport: ReportMaker = (context) => {
  const { random } = context;
  const facts = tableWhere(context, ({ dates }) => dates.length > 0);
  if (facts === undefined) return undefined;
  const column = random.pick(facts.dates);
  const mark = col(facts.table.name, column.name);
  const unit = random.pick(['year', 'month', 'month']);
  const measures = facts.measures.filter((measure) => measure.canSum && !isYearFigure(measure));
  const measure = measures.length > 0 && random.chance(0.65) ? random.pick(measures) : undefined;
  const avoid = [column.name, measure?.column?.name ?? ''];
  const phrase = rowsUnder(context, facts, random.pick([1, 1, 2]), avoid);
  if (phrase === undefined) return undefined;
  const years = [column.min, column.max].map((value) => Number(String(value).slice(0, 4)));
  const year = years[0]! + random.int(Math.max(1, years[1]! - years[0]! + 1));
  const isOneYear = unit === 'month' && random.chance(0.8);
  const period = `strftime('${unit === 'month' ? '%Y-%m' : '%Y'}', ${mark})`;
  const withCount = measure === undefined ? false : random.chance(0.4);
  const inner = renderSelect({
    columns: [
      `${period} AS ${unit}`,
      ...(withCount ? ['COUNT(*) AS n'] : []),
      `${measure === undefined ? 'COUNT(*)' : aggregated('SUM', measure.sql)} AS total`,
    ],
    from: facts.table.name,
    joins: phrase.joins,
    where: [
      ...phrase.where,
      isOneYear ? `${mark} LIKE '${year}-%'` : column.nullCount > 0 ? `${mark} IS NOT NULL` : '',
    ].filter((text) => text !== ''),
    groupBy: [unit],
  });
  const previous = `LAG(total) OVER (ORDER BY ${unit})`;
  const further = random
    .shuffle([
      [`total - ${previous}`, `the change since the ${unit} before`],
      [previous, `the figure of the previous ${unit}`],
      [`SUM(total) OVER (ORDER BY ${unit})`, 'the running total'],
      [`100.0 * (total - ${previous}) / ${previous}`, `the growth over the previous ${unit} in percent`],
    ] as const)
    .slice(0, random.pick([1, 1, 2]));
  const noun =
    measure === undefined ? `number of ${plainRows(context, facts)}` : random.pick(measure.sumNouns);
  const cols = listed(random, [
    ...(withCount ? [`the number of ${plainRows(context, facts)}`] : []),
    `the ${noun}`,
    ...further.map(([, said]) => said),
  ]);
  const date = random.pick(context.lexicon.column(facts.table.name, column.name).nouns);
  const slots = { np: phrase.plural, unit, date, cols };
  const head = fillFrame(random.pick(seriesHeads), slots);
  const sql = `WITH totals AS (${inner}) SELECT ${[unit, ...(withCount ? ['n'] : []), 'total', ...further.map(([text]) => text)].join(', ')} FROM totals ORDER BY ${unit}`;
  const tails = [
    ...(isOneYear ? [random.pick([`only ${year}`, `for ${year}`, `${year} only`, `within ${year}`])] : []),
    random.pick([
      'in calendar order',
      'oldest first',
      `sorted by ${unit}`,
      'in chronological order',
      `earliest ${unit} first`,
    ]),
  ];
  return { question: sentences(random, head, tails), sql };
};

const latestHeads = [
  'for each {parent} the {late} of {np}: {parent}, {cols}',
  'what is the {late} one of {np} per {parent}? Show {parent}, {cols}',
  'show every {parent} with the {late} of its {np}: {cols}',
  'take {np}, find the {late} of each {parent} by {date} and give {parent}, {cols}',
] as const;

/** The latest row of each parent with further columns. */
export const latestReport: ReportMaker = (context) => {
  const { random } = context;
  const facts = tableWhere(context, ({ dates, label }) => dates.length > 0 && label.length === 1);
  if (facts === undefined) return undefined;
  const relations = relationsToParents(context, facts.table.name).filter(
    (relation) => !isSelfRelation(relation),
  );
  if (relations.length === 0) return undefined;
  const relation = random.pick(relations);
  const parent = context.facts.get(relation.parent.name)!;
  if (parent.label.length !== 1) return undefined;
  const column = random.pick(facts.dates);
  const measures = rowFigures(facts);
  const measure = measures.length > 0 && random.chance(0.6) ? random.pick(measures) : undefined;
  const join = joinToParent(relation);
  const phrase = rowsUnder(
    context,
    facts,
    random.pick([1, 2]),
    [relation.childColumn.name, column.name],
    [join],
  );
  if (phrase === undefined) return undefined;
  const date = col(facts.table.name, column.name);
  const columns = [
    labelMarks(parent)[0]!,
    labelMarks(facts)[0]!,
    date,
    ...(measure === undefined ? [] : [measure.sql]),
  ];
  const names = outerNames(columns);
  if (names === undefined) return undefined;
  const isLast = random.chance(0.7);
  const key = col(parent.table.name, relation.parentColumn.name);
  const role = roleNoun(context, relation);
  const isOrdered = random.chance(0.6);
  const sql = numberedSelect({
    columns,
    partitionBy: [key],
    orderBy: [`${date}${isLast ? ' DESC' : ''}`, labelMarks(facts)[0]!],
    keep: '= 1',
    select: {
      from: facts.table.name,
      joins: phrase.joins,
      where: [...phrase.where, ...(column.nullCount > 0 ? [`${date} IS NOT NULL`] : [])],
    },
    shown: names,
    ...(isOrdered ? { sortedBy: names.split(', ')[0]! } : {}),
  });
  const noun = random.pick(context.lexicon.column(facts.table.name, column.name).nouns);
  const slots = {
    parent: role,
    np: phrase.plural,
    late: random.pick(isLast ? ['latest', 'most recent', 'newest'] : ['earliest', 'first', 'oldest']),
    date: noun,
    cols: listed(random, [
      labelNoun(context, facts),
      noun,
      ...(measure === undefined ? [] : [random.pick(measure.nouns)]),
    ]),
  };
  const head = fillFrame(random.pick(latestHeads), slots);
  const tails = [
    head.includes(` by ${noun}`) ? undefined : `going by ${noun}`,
    random.chance(0.6) ? `on the same day the ${labelNoun(context, facts)} decides` : undefined,
    isOrdered
      ? random.pick([`sorted by ${role}`, `${roleNouns(context, relation)} alphabetically`])
      : undefined,
  ];
  return { question: sentences(random, head, tails), sql };
};
