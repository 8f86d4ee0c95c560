/** Lists of rows with several columns under several conditions, held against their group now and then. */
import { withArticle } from '../../schema/words.ts';
import { correlatedRowsMax, labelMarks, type SynthesisContext, sayNumber } from '../synthesis/context.ts';
import {
  columnNoun,
  filledCategories,
  groupOf,
  labelNoun,
  rowFigure,
  rowFigures,
  tableWhere,
} from '../synthesis/intents/analysis/pieces.ts';
import { fillFrame } from '../synthesis/intents/intent.ts';
import type { NounPhrase } from '../synthesis/noun-phrase.ts';
import { numberedSelect, outerNames } from '../synthesis/numbered-rows.ts';
import { col, identifier, renderSelect, resolveMarks } from '../synthesis/select.ts';
import { mergedJoins, type ReportMaker, rowsUnder } from './clauses.ts';
import { rowColumns, unlikeParent } from './columns.ts';
import { limited, listed, type Order, order, sentences } from './wording.ts';

/** The name of a row is its first column without being said. */
const heads = [
  'list {np} with {cols}',
  '{np} with {cols}',
  'show all {np} with their {cols}',
  'which {np} are there? Give {name}, {cols}',
  'i need {name}, {cols} for {np}',
  'give me {name}, {cols} of all {np}',
  'find {np} and show {name}, {cols}',
  'for all {np}, {name}, {cols}',
  'all {np}: {name}, {cols}',
  'report {name}, {cols} for {np}',
  'we are after {np}; show {name}, {cols}',
  'pull a list of {np}: {name}, {cols}',
  'looking for {np}, please return {name}, {cols}',
  'show {name}, {cols}, but only for {np}',
  'a list of {np}, each with {cols}',
  'what are {name}, {cols} of {np}',
  'take {np} and give {name}, {cols} for each of them',
] as const;

function headOf(context: SynthesisContext, phrase: NounPhrase, nouns: readonly string[]): string {
  const { random } = context;
  const name = random.pick([labelNoun(context, phrase.facts), 'name']);
  const label = phrase.facts.label.length === 1 && phrase.facts.label[0]!.kind !== 'text' ? 'id' : name;
  const cols = listed(random, nouns);
  return fillFrame(random.pick(heads), { np: phrase.plural, name: label, cols });
}

/** "only those above the average of their department": a correlated subquery; not over tables where that is slow. */
function aboveOwnGroup(
  context: SynthesisContext,
  { facts, filters }: NounPhrase,
  isJoined: boolean,
): { sql: string; said: string } | undefined {
  const { random } = context;
  const used = filters.flatMap(({ uses }) => uses);
  const measures = rowFigures(facts).filter(({ column }) => !used.includes(column!.name));
  const categories = filledCategories(facts, used);
  const isLarge = facts.table.rowCount > 2 * correlatedRowsMax;
  if (isLarge || measures.length === 0 || categories.length === 0) return undefined;
  const measure = random.pick(measures);
  const category = random.pick(categories);
  const table = identifier(facts.table.name);
  const [value, key] = [identifier(measure.column!.name), identifier(category.name)];
  const isAbove = random.chance(0.75);
  const outer = isJoined ? `${table}.${value}` : value;
  const noun = random.pick(measure.nouns);
  const group = columnNoun(context, facts, category);
  const word = random.pick(isAbove ? ['above', 'higher than', 'over'] : ['below', 'lower than', 'under']);
  return {
    sql: `${outer} ${isAbove ? '>' : '<'} (SELECT AVG(b.${value}) FROM ${table} AS b WHERE b.${key} = ${table}.${key})`,
    said: random.pick([
      `only those whose ${noun} is ${word} the average of their ${group}`,
      `keep those with ${withArticle(noun)} ${word} the average for the same ${group}`,
      `but only where the ${noun} is ${word} the mean ${noun} of all of the same ${group}`,
    ]),
  };
}

export const rowReport: ReportMaker = (context) => {
  const { random } = context;
  const facts = tableWhere(context, (candidate) => candidate.label.length === 1);
  if (facts === undefined) return undefined;
  const columns = rowColumns(context, facts, random.pick([1, 2, 2, 3, 3, 4]));
  if (columns.length === 0) return undefined;
  const joins = mergedJoins(...columns.map((column) => column.joins)) ?? [];
  const phrase = rowsUnder(context, facts, random.pick([2, 2, 3, 3, 4]), [], joins);
  if (phrase === undefined) return undefined;
  const unlike = random.chance(0.07) ? unlikeParent(context, facts, phrase.joins) : undefined;
  const allJoins = mergedJoins(phrase.joins, unlike?.joins ?? []);
  if (allJoins === undefined) return undefined;
  const label = labelMarks(facts)[0]!;
  const name = labelNoun(context, facts);
  const own = random.chance(0.2) ? aboveOwnGroup(context, phrase, allJoins.length > 0) : undefined;
  const hasLimit = random.chance(0.22);
  const sortable = columns.filter(({ kind }) => kind !== 'text');
  const first = sortable.length === 0 ? undefined : random.pick(sortable);
  const sorted: Order | undefined =
    first !== undefined && (hasLimit || random.chance(0.7))
      ? order(random, first, hasLimit || random.chance(0.6) ? { sql: label, noun: name } : undefined)
      : random.chance(0.5)
        ? order(random, { sql: label, noun: name, kind: 'text' })
        : undefined;
  const isLimited = hasLimit && first !== undefined;
  const n = 3 + random.int(13);
  const sql = renderSelect({
    columns: [label, ...columns.map((column) => column.sql)],
    from: facts.table.name,
    joins: allJoins,
    where: [
      ...phrase.where,
      ...(unlike === undefined ? [] : [unlike.sql]),
      ...(own === undefined ? [] : [own.sql]),
    ],
    orderBy: sorted === undefined ? [] : [sorted.sql],
    ...(isLimited ? { limit: n } : {}),
  });
  const nouns = columns.map(({ noun }) => noun);
  const tails = [unlike?.said, own?.said, sorted?.said, isLimited ? limited(random, n) : undefined];
  return { question: sentences(random, headOf(context, phrase, nouns), tails), sql };
};

/** A figure of single rows, a group of theirs, and rows under conditions; undefined where the schema has not all of them. */
function figureInGroup(context: SynthesisContext, canSum: boolean, conditionCounts: readonly number[]) {
  const figure = rowFigure(context, { canSum, fits: ({ label }) => label.length === 1 });
  if (figure === undefined) return undefined;
  const { facts, measure, column } = figure;
  const group = groupOf(context, facts, measure);
  if (group === undefined || group.columns.length !== 1) return undefined;
  const avoid = [column.name, ...group.avoid];
  const phrase = rowsUnder(context, facts, context.random.pick(conditionCounts), avoid, group.joins);
  return phrase === undefined ? undefined : { ...figure, group, phrase, avoid };
}

/** Each row beside the average, the rank or the share within its group. */
export const comparedReport: ReportMaker = (context) => {
  const { random } = context;
  const found = figureInGroup(context, true, [1, 2, 2, 3]);
  if (found === undefined) return undefined;
  const { facts, value, noun, group, phrase } = found;
  const over = `OVER (PARTITION BY ${group.by[0]})`;
  const kinds = {
    average: [`AVG(${value}) ${over}`, `the average ${noun} of its ${group.noun}`],
    difference: [
      `${value} - AVG(${value}) ${over}`,
      `how far the ${noun} is from the average of its ${group.noun}`,
    ],
    share: [
      `100.0 * ${value} / SUM(${value}) ${over}`,
      `its percentage of the total ${noun} of the ${group.noun}`,
    ],
    rank: [
      `RANK() OVER (PARTITION BY ${group.by[0]} ORDER BY ${value} DESC)`,
      `its rank by ${noun} within the ${group.noun} (1 is the highest)`,
    ],
    total: [`SUM(${value}) ${over}`, `the total ${noun} of its ${group.noun}`],
  } as const;
  const chosen = random.shuffle(Object.values(kinds)).slice(0, random.pick([1, 1, 2]));
  const label = labelMarks(facts)[0]!;
  const name = labelNoun(context, facts);
  const sorted = random.chance(0.75)
    ? random.chance(0.5)
      ? order(random, { sql: group.columns[0]!, noun: group.noun, kind: 'text' }, { sql: label, noun: name })
      : order(random, { sql: value, noun, kind: 'number' }, { sql: label, noun: name })
    : undefined;
  const sql = renderSelect({
    columns: [label, group.columns[0]!, value, ...chosen.map(([text]) => text)],
    from: facts.table.name,
    joins: phrase.joins,
    where: phrase.where,
    orderBy: sorted === undefined ? [] : [sorted.sql],
  });
  const head = headOf(context, phrase, [group.noun, noun, ...chosen.map(([, said]) => said)]);
  return { question: sentences(random, head, [sorted?.said]), sql };
};

const rankedHeads = [
  'for {np}, the {n} with the highest {noun} in each {group}: {cols}',
  'within every {group}, take the top {n} of {np} by {noun} and show {cols}',
  'looking at {np}, which {n} have the largest {noun} per {group}? Show {cols}',
  'show {cols} for the {n} {np} with the most {noun} in every {group}',
  'rank {np} by {noun} inside each {group} and keep the first {n}; show {cols}',
  'per {group}, the {n} {np} that lead by {noun}, with {cols}',
  'number {np} within their {group} by {noun}, largest first, and list those up to number {n} with {cols}',
  'give me {cols} for the leading {n} {np} of each {group}, measured by {noun}',
] as const;

/** The first rows of each group with further columns, in order. */
export const rankedReport: ReportMaker = (context) => {
  const { random } = context;
  const found = figureInGroup(context, false, [1, 1, 2]);
  if (found === undefined) return undefined;
  const { facts, value, noun, group, phrase, avoid } = found;
  const categories = filledCategories(facts, avoid);
  const further = categories.length > 0 && random.chance(0.35) ? random.pick(categories) : undefined;
  const label = labelMarks(facts)[0]!;
  const name = labelNoun(context, facts);
  const n = random.pick([1, 2, 2, 3, 3, 4, 5]);
  const hasPosition = random.chance(0.3);
  const columns = [
    group.columns[0]!,
    label,
    value,
    ...(further === undefined ? [] : [col(facts.table.name, further.name)]),
  ];
  const names = outerNames(columns);
  if (names === undefined) return undefined;
  const isOrdered = random.chance(0.7);
  const sql = numberedSelect({
    columns,
    partitionBy: group.by,
    orderBy: [`${value} DESC`, label],
    keep: n === 1 ? '= 1' : `<= ${n}`,
    select: { from: facts.table.name, joins: phrase.joins, where: phrase.where },
    shown: hasPosition ? `${names}, position` : names,
    ...(isOrdered ? { sortedBy: `${resolveMarks(group.columns[0]!, 'bare')}, position` } : {}),
  });
  const cols = listed(random, [
    group.noun,
    name,
    noun,
    ...(further === undefined ? [] : [columnNoun(context, facts, further)]),
    ...(hasPosition ? [random.pick(['the position', 'its place', 'the number in the ranking'])] : []),
  ]);
  const slots = {
    np: n === 1 ? phrase.singular : phrase.plural,
    n: n === 1 ? 'one' : sayNumber(random, n),
    noun,
    group: group.noun,
    cols,
  };
  const head = fillFrame(random.pick(rankedHeads), slots);
  const ties = random.pick([
    `equal ${noun} is settled by ${name}`,
    `ties go by ${name}`,
    `${name} decides between equal ones`,
  ]);
  const said = random.pick([
    `sort by ${group.noun} and then by that rank`,
    `${group.noun} alphabetically and the leaders in order`,
    `order the lines by ${group.noun}, then by place`,
  ]);
  return {
    question: sentences(random, head, [random.chance(0.7) ? ties : undefined, isOrdered ? said : undefined]),
    sql,
  };
};
