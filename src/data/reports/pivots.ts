/** Values of a category as columns side by side, and points that conditions give. */
import { labelMarks, sayNumber } from '../synthesis/context.ts';
import type { Filter } from '../synthesis/filter.ts';
import { ownFilter } from '../synthesis/filters.ts';
import {
  aggregated,
  columnNoun,
  filledCategories,
  isYearFigure,
  labelNoun,
  tableWhere,
} from '../synthesis/intents/analysis/pieces.ts';
import { fillFrame } from '../synthesis/intents/intent.ts';
import { nounPhrase } from '../synthesis/noun-phrase.ts';
import { predicateOf } from '../synthesis/predicates.ts';
import { col, renderSelect, resolveMarks, textLiteral } from '../synthesis/select.ts';
import { type ReportMaker, reportGroup, rowsUnder } from './clauses.ts';
import { groupCondition, keepClause, plainRows } from './figures.ts';
import { listed, order, sentences } from './wording.ts';

const pivotHeads = [
  'for {np}, show per {group} {cols}',
  'one line per {group}, based on {np}: {cols}',
  'put {cols} side by side for every {group}, counting {np} only',
  '{np} by {group}, with {cols} in columns of their own',
  'per {group} and only over {np} I want {cols}',
  'spread {np} over columns for each {group}: {cols}',
] as const;

/** A figure for each of several values of one category, beside one another. */
export const pivotReport: ReportMaker = (context) => {
  const { random } = context;
  const facts = tableWhere(context, (candidate) => filledCategories(candidate).length > 0);
  if (facts === undefined) return undefined;
  const categories = filledCategories(facts).filter(
    ({ kind, textValues }) => kind === 'text' && textValues.length <= 8,
  );
  if (categories.length === 0) return undefined;
  const category = random.pick(categories);
  const group = reportGroup(context, facts, 0);
  const mark = col(facts.table.name, category.name);
  if (group === undefined || group.columns.includes(mark)) return undefined;
  const measures = facts.measures.filter(
    (measure) => measure.canSum && measure.column !== undefined && !isYearFigure(measure),
  );
  const measure = measures.length > 0 && random.chance(0.45) ? random.pick(measures) : undefined;
  const avoid = [...group.avoid, category.name, measure?.column?.name ?? ''];
  const phrase = rowsUnder(context, facts, random.pick([1, 1, 2]), avoid, group.joins);
  if (phrase === undefined) return undefined;
  const values = random.shuffle(category.textValues).slice(0, random.pick([2, 2, 3]));
  const isShare = measure === undefined && random.chance(0.35);
  const noun = columnNoun(context, facts, category);
  const rows = plainRows(context, facts);
  const fig = measure === undefined ? `number of ${rows}` : random.pick(measure.sumNouns);
  const quote = random.chance(0.3) ? "'" : '';
  const isOneList = random.chance(0.5);
  const figures = values.map((value) => {
    const test = `CASE WHEN ${mark} = ${textLiteral(value)} THEN`;
    const said = `${quote}${value}${quote}`;
    const sql =
      measure !== undefined
        ? `SUM(${test} ${measure.sql} ELSE 0 END)`
        : `${isShare ? '100.0 * ' : ''}COUNT(${test} 1 END)${isShare ? ' / COUNT(*)' : ''}`;
    const words = isShare
      ? [`the percentage with ${noun} ${said}`, `what percentage has ${noun} ${said}`]
      : [
          `the ${fig} with ${noun} ${said}`,
          `the ${fig} whose ${noun} is ${said}`,
          `the ${fig} in ${noun} ${said}`,
        ];
    return { sql, said, noun: random.pick(words) };
  });
  const names = listed(
    random,
    figures.map(({ said }) => said),
  );
  const what = isShare ? 'the percentages' : `the ${fig}`;
  const whole = measure === undefined ? 'COUNT(*)' : aggregated('SUM', measure.sql);
  const hasWhole = random.chance(0.4);
  const wholeNoun = random.pick([`the ${fig} overall`, `the overall ${fig}`]);
  const cols = listed(random, [
    ...(isOneList
      ? [
          random.pick([
            `${what} of each ${noun} of ${names}`,
            `${what} by ${noun} for ${names} in this order`,
          ]),
        ]
      : figures.map((figure) => figure.noun)),
    ...(hasWhole ? [wholeNoun] : []),
  ]);
  const condition = random.chance(0.35) ? groupCondition(context, facts, undefined) : undefined;
  const [name] = group.columns;
  const sorted =
    hasWhole && random.chance(0.6)
      ? order(
          random,
          { sql: whole, noun: `overall ${fig}`, kind: 'number' },
          { sql: name!, noun: group.noun },
        )
      : order(random, { sql: name!, noun: group.noun, kind: 'text' });
  const sql = renderSelect({
    columns: [...group.columns, ...figures.map((figure) => figure.sql), ...(hasWhole ? [whole] : [])],
    from: facts.table.name,
    joins: phrase.joins,
    where: phrase.where,
    groupBy: group.by,
    having: condition === undefined ? [] : [condition.sql],
    orderBy: [sorted.sql],
  });
  const slots = { np: phrase.plural, group: group.noun, cols };
  const head = fillFrame(random.pick(pivotHeads), slots);
  const keep = condition === undefined ? undefined : keepClause(context, group.plural, [condition]);
  return { question: sentences(random, head, [keep, sorted.said]), sql };
};

const scoreHeads = [
  'score {np}: {rules}',
  'give {np} points: {rules}',
  'rate {np} by points - {rules}',
  'let us rank {np} by a score of {rules}',
  'points for {np}: {rules}',
] as const;

/** Points that are added up by conditions. */
export const scoreReport: ReportMaker = (context) => {
  const { random } = context;
  const facts = tableWhere(context, ({ label, categories }) => label.length === 1 && categories.length > 1);
  if (facts === undefined) return undefined;
  const wanted = random.pick([2, 3, 3]);
  const rules: { readonly filter: Filter; readonly points: number }[] = [];
  for (let attempt = 0; attempt < 12 && rules.length < wanted; attempt++) {
    const filter = ownFilter(context, facts);
    const isFree =
      filter !== undefined &&
      !filter.sql.includes('SELECT') &&
      !rules.some((rule) => rule.filter.uses.some((use) => filter.uses.includes(use)));
    if (isFree) rules.push({ filter, points: random.pick([1, 1, 2, 3]) });
  }
  if (rules.length < wanted) return undefined;
  const avoid = rules.flatMap(({ filter }) => filter.uses);
  const phrase = nounPhrase(context, facts, { ownOnly: true, filterCount: random.pick([0, 1, 1]), avoid });
  if (phrase.joins.length > 0) return undefined;
  const label = labelMarks(facts)[0]!;
  const name = labelNoun(context, facts);
  const points = rules
    .map(({ filter, points: count }) => `CASE WHEN ${filter.sql} THEN ${count} ELSE 0 END`)
    .join(' + ');
  const inner = renderSelect({
    columns: [label, `${points} AS points`],
    from: facts.table.name,
    where: phrase.where,
  });
  const total = rules.reduce((sum, rule) => sum + rule.points, 0);
  const least = Math.max(1, total - random.int(2));
  const outer = resolveMarks(label, 'bare');
  const isFalling = random.chance(0.85);
  const sql = `WITH scores AS (${inner}) SELECT ${outer}, points FROM scores WHERE points >= ${least} ORDER BY points${isFalling ? ' DESC' : ''}, ${outer}`;
  const counted = (n: number): string =>
    `${sayNumber(random, n).replace(/^1$/, 'one')} ${n === 1 ? 'point' : 'points'}`;
  const said = rules.map(({ filter, points: count }) => `${counted(count)} if they ${predicateOf(filter)}`);
  const slots = { np: phrase.plural, rules: listed(random, said) };
  const head = fillFrame(random.pick(scoreHeads), slots);
  const show = random.pick([
    `show ${name} and score of those with at least ${counted(least)}`,
    `list ${name} and points from ${counted(least)} upwards`,
    `keep those with ${sayNumber(random, least)} or more and give ${name} and total points`,
  ]);
  const by = isFalling
    ? random.pick([`highest score first, then by ${name}`, `best first, equal scores by ${name}`])
    : random.pick([`lowest score first, then by ${name}`, `score ascending, ties by ${name}`]);
  return { question: sentences(random, head, [show, by]), sql };
};
