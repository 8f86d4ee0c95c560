/** Reports in two steps: totals of groups held against each other, the leaders among them, aggregates of aggregates. */
import { type SynthesisContext, sayNumber } from '../synthesis/context.ts';
import {
  aggregated,
  columnNoun,
  filledCategories,
  groupFigure,
  groupOf,
  isSelfRelation,
  relationsWhere,
  rowFigures,
} from '../synthesis/intents/analysis/pieces.ts';
import type { Group } from '../synthesis/intents/groups.ts';
import { fillFrame } from '../synthesis/intents/intent.ts';
import { outerNames } from '../synthesis/numbered-rows.ts';
import { joinToParent } from '../synthesis/related-filters.ts';
import { col, renderSelect, resolveMarks } from '../synthesis/select.ts';
import { mergedJoins, type ReportMaker, rowsUnder } from './clauses.ts';
import { plainRows } from './figures.ts';
import { listed, order, sentences } from './wording.ts';

const aboveHeads = [
  'work out the {fig} for each {group}, then keep the {groups} above {times} of these figures; show {cols}',
  'which {groups} come to more than {times} of all {groups} in {fig}? Show {cols}',
  'first total the {fig} per {group}, then compare with the average over the {groups}: {cols} for those above {times}',
  'give {cols} for the {groups} whose {fig} is above {times} of all {groups}',
  'take the {fig} by {group} and list {cols} where it exceeds {times} across {groups}',
  'show {cols} of every {group} that beats {times} of the {groups} on {fig}',
] as const;

export const aboveReport: ReportMaker = (context) => {
  const { random } = context;
  const figure = groupFigure(context, { kinds: ['count', 'sum', 'sum'] });
  if (figure === undefined || figure.group.columns.length !== 1) return undefined;
  const { facts, group, measure } = figure;
  const avoid = [...group.avoid, measure?.column?.name ?? ''];
  const phrase = rowsUnder(context, facts, random.pick([1, 2, 2]), avoid, group.joins);
  const name = outerNames(group.columns);
  if (phrase === undefined || name === undefined) return undefined;
  const isCount = measure === undefined;
  const withCount = !isCount && random.chance(0.5);
  const inner = renderSelect({
    columns: [...group.columns, `${figure.sql} AS total`, ...(withCount ? ['COUNT(*) AS n'] : [])],
    from: facts.table.name,
    joins: phrase.joins,
    where: phrase.where,
    groupBy: group.by,
  });
  const average = '(SELECT AVG(total) FROM totals)';
  const factor = random.pick([1, 1, 1, 1.5, 2]);
  const isCompared = random.chance(0.35);
  const isShared = !isCompared && random.chance(0.3);
  const noun = isCount
    ? `number of ${phrase.plural}`
    : `${random.pick(measure.sumNouns)} of ${phrase.plural}`;
  const short = isCount ? 'number' : random.pick(measure.sumNouns);
  const cols = listed(random, [
    group.noun,
    random.pick(['that figure', `the ${short}`, short]),
    ...(withCount ? [`the number of ${plainRows(context, facts)}`] : []),
    ...(isCompared
      ? [random.pick(['the distance to the average', 'by how much it is above the average'])]
      : []),
    ...(isShared
      ? [
          random.pick([
            'its percentage of the sum over all of them',
            'its share of the overall total in percent',
          ]),
        ]
      : []),
  ]);
  const columns = [
    name,
    'total',
    ...(withCount ? ['n'] : []),
    ...(isCompared ? [`total - ${average}`] : []),
    ...(isShared ? ['100.0 * total / (SELECT SUM(total) FROM totals)'] : []),
  ];
  const sorted = random.chance(0.75)
    ? order(
        random,
        { sql: 'total', noun: short, kind: 'number' },
        random.chance(0.6) ? { sql: name, noun: group.noun } : undefined,
      )
    : undefined;
  const times = {
    1: ['the average', 'the mean'],
    1.5: ['1.5 times the average', 'one and a half times the average'],
    2: ['twice the average', 'double the average'],
  }[factor]!;
  const limit = factor === 1 ? average : `${factor} * ${average}`;
  const slots = {
    fig: noun,
    group: group.noun,
    groups: group.plural,
    cols,
    times: random.pick(times),
  };
  const head = fillFrame(random.pick(aboveHeads), slots);
  const sql = `WITH totals AS (${inner}) SELECT ${columns.join(', ')} FROM totals WHERE total > ${limit}${sorted === undefined ? '' : ` ORDER BY ${sorted.sql}`}`;
  return { question: sentences(random, head, [sorted?.said]), sql };
};

const leadersHeads = [
  'in every {outer}, which {n} {inners} have the highest {fig}? Show {outer}, {inner} and the figure',
  'add up the {fig} per {outer} and {inner}, then keep the {n} leading {inners} of each {outer}, with the figure',
  'for each {outer}, the {n} {inners} with the most by {fig}: {outer}, {inner}, {short}',
  'rank the {inners} within each {outer} by {fig} and show the top {n} with {outer}, {inner} and {short}',
  'give me {outer}, {inner} and {short} for the {n} strongest {inners} per {outer}, measured by {fig}',
] as const;

/** Whether no two groups share the name they are shown by. */
function isTold(context: SynthesisContext, { columns, by }: Group): boolean {
  if (columns[0] === by[0]) return true;
  return [...context.facts.values()].some(({ table, label }) =>
    label.some((column) => column.isUnique && col(table.name, column.name) === columns[0]),
  );
}

/** Totals by two things, the leaders of one within the other. */
export const leadersReport: ReportMaker = (context) => {
  const { random } = context;
  const figure = groupFigure(context, { kinds: ['count', 'sum', 'sum'] });
  if (figure === undefined) return undefined;
  const { facts, measure } = figure;
  const [outer, inner] = [groupOf(context, facts, measure), groupOf(context, facts, measure)];
  if (outer === undefined || inner === undefined || outer.columns.length + inner.columns.length !== 2)
    return undefined;
  if (outer.columns[0] === inner.columns[0]) return undefined;
  if (!isTold(context, outer)) return undefined;
  const joins = mergedJoins(outer.joins, inner.joins);
  if (joins === undefined) return undefined;
  const avoid = [...outer.avoid, ...inner.avoid, measure?.column?.name ?? ''];
  const phrase = rowsUnder(context, facts, random.pick([1, 1, 2]), avoid, joins);
  const names = outerNames([...outer.columns, ...inner.columns]);
  if (phrase === undefined || names === undefined) return undefined;
  const [first, second] = names.split(', ');
  const n = random.pick([1, 2, 3, 3, 5]);
  const totals = renderSelect({
    columns: [...outer.columns, ...inner.columns, `${figure.sql} AS total`],
    from: facts.table.name,
    joins: phrase.joins,
    where: phrase.where,
    groupBy: [...outer.by, ...inner.by],
  });
  const numbered = `SELECT ${names}, total, ROW_NUMBER() OVER (PARTITION BY ${first} ORDER BY total DESC, ${second}) AS position FROM totals`;
  const isOrdered = random.chance(0.7);
  const sql = `WITH totals AS (${totals}), numbered AS (${numbered}) SELECT ${names}, total FROM numbered WHERE position ${n === 1 ? '= 1' : `<= ${n}`}${isOrdered ? ` ORDER BY ${first}, position` : ''}`;
  const short = measure === undefined ? 'number' : random.pick(measure.sumNouns);
  const slots = {
    outer: outer.noun,
    inner: inner.noun,
    inners: n === 1 ? inner.noun : inner.plural,
    n: n === 1 ? 'one' : sayNumber(random, n),
    fig: `${short} of ${phrase.plural}`,
    short,
  };
  const head = fillFrame(random.pick(leadersHeads), slots);
  const ties = random.pick([
    `ties go by ${inner.noun}`,
    `equal ones by ${inner.noun}`,
    `${inner.noun} decides ties`,
  ]);
  const said = random.pick([
    `sort by ${outer.noun} and rank`,
    `${outer.noun} alphabetically, then in order of rank`,
  ]);
  return {
    question: sentences(random, head, [random.chance(0.7) ? ties : undefined, isOrdered ? said : undefined]),
    sql,
  };
};

const nestedHeads = [
  'first work out the {fig} for each {parent}, then give per {group} {cols}',
  'taking the {fig} of every {parent}, show by {group} {cols}',
  'per {group}, {cols}, where the figure is the {fig} of a single {parent}',
  'for each {group} of the {parents}: {cols} over the {fig} per {parent}',
  'add up the {fig} {parent} by {parent} and report for every {group} {cols}',
] as const;

/** Aggregates of aggregates: the average, the largest … of the totals of parents, by a category of theirs. */
export const nestedReport: ReportMaker = (context) => {
  const { random, lexicon } = context;
  const relations = relationsWhere(
    context,
    (relation, parent) => !isSelfRelation(relation) && filledCategories(parent).length > 0,
  );
  if (relations.length === 0) return undefined;
  const relation = random.pick(relations);
  const [parent, facts] = [context.facts.get(relation.parent.name)!, context.facts.get(relation.child.name)!];
  const category = random.pick(filledCategories(parent));
  const measures = rowFigures(facts, { canSum: true, distinctMin: 3 });
  const measure = measures.length > 0 && random.chance(0.6) ? random.pick(measures) : undefined;
  const join = joinToParent(relation);
  const avoid = [relation.childColumn.name, measure?.column?.name ?? ''];
  const phrase = rowsUnder(context, facts, random.pick([0, 1, 1, 2]), avoid, [join]);
  if (phrase === undefined) return undefined;
  const mark = col(parent.table.name, category.name);
  const name = resolveMarks(mark, 'bare');
  const inner = renderSelect({
    columns: [mark, `${measure === undefined ? 'COUNT(*)' : aggregated('SUM', measure.sql)} AS total`],
    from: facts.table.name,
    joins: phrase.joins,
    where: phrase.where,
    groupBy: [col(parent.table.name, relation.parentColumn.name)],
  });
  const [one, many] = lexicon.table(parent.table.name).nouns[0]!;
  const choices = [
    ['AVG(total)', ['the average', 'the mean']],
    ['MAX(total)', ['the largest', 'the highest']],
    ['MIN(total)', ['the smallest', 'the lowest']],
    [
      'MAX(total) - MIN(total)',
      ['the spread between largest and smallest', 'the distance from smallest to largest'],
    ],
    ['COUNT(*)', [`the number of ${many} it is based on`, `how many ${many} there are`]],
  ] as const;
  const chosen = random.shuffle(choices).slice(0, random.pick([1, 2, 2, 3]));
  const said = chosen.map(([, words]) => random.pick(words));
  const least = 2 + random.int(4);
  const hasLeast = random.chance(0.3);
  const group = columnNoun(context, parent, category);
  const sorted = random.chance(0.75)
    ? random.chance(0.6)
      ? order(
          random,
          { sql: chosen[0]![0], noun: said[0]!.replace(/^the /, ''), kind: 'number' },
          random.chance(0.4) ? { sql: name, noun: group } : undefined,
        )
      : order(random, { sql: name, noun: group, kind: 'text' })
    : undefined;
  const sql = `WITH totals AS (${inner}) SELECT ${[name, ...chosen.map(([text]) => text)].join(', ')} FROM totals GROUP BY ${name}${hasLeast ? ` HAVING COUNT(*) >= ${least}` : ''}${sorted === undefined ? '' : ` ORDER BY ${sorted.sql}`}`;
  const noun = measure === undefined ? random.pick(['number', 'count']) : random.pick(measure.sumNouns);
  const slots = {
    fig: `${noun} of ${phrase.plural}`,
    parent: one,
    parents: many,
    group,
    cols: listed(random, said),
  };
  const head = fillFrame(random.pick(nestedHeads), slots);
  const keep = random.pick([
    `only where there are at least ${least} ${many}`,
    `leave out any with fewer than ${least} ${many}`,
  ]);
  return {
    question: sentences(random, head, [hasLeast ? keep : undefined, sorted?.said]),
    sql,
  };
};
