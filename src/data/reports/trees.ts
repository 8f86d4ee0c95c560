/** Reports along a hierarchy: branches, levels, rows beside the row above them. */
import { labelMarks } from '../synthesis/context.ts';
import {
  isSelfRelation,
  labelNoun,
  relationsWhere,
  rowFigure,
} from '../synthesis/intents/analysis/pieces.ts';
import { fillFrame } from '../synthesis/intents/intent.ts';
import { nounPhrase } from '../synthesis/noun-phrase.ts';
import { namedRow } from '../synthesis/related-filters.ts';
import { identifier, resolveMarks } from '../synthesis/select.ts';
import type { ReportMaker } from './clauses.ts';
import { rowColumns } from './columns.ts';
import { groupFigures, plainRows } from './figures.ts';
import { listed, order, sentences } from './wording.ts';

const treeHeads = [
  'everything below {name}, direct or not: {cols}',
  'list all {np} under {name} down to the last level with {cols}',
  'walk down from {name} through all levels and show {cols} of {np} found',
  'starting below {name}, give {cols} for all {np} on any level',
] as const;
const levelHeads = [
  'starting at {name} as level 0, show for each level {cols} of {np}',
  'walk the hierarchy down from {name} (level 0) and give per level {cols} over {np}',
  'for {name} and everything under it, {cols} of {np} by level, counting {name} as level 0',
] as const;

/** A branch of a hierarchy with levels: its rows with columns, or figures of each level. */
export const treeReport: ReportMaker = (context) => {
  const { random } = context;
  const relations = relationsWhere(
    context,
    (relation, parent) => isSelfRelation(relation) && parent.label.length === 1,
  );
  if (relations.length === 0) return undefined;
  const relation = random.pick(relations);
  const facts = context.facts.get(relation.child.name)!;
  const named = namedRow(context, facts);
  if (named === undefined) return undefined;
  const table = identifier(facts.table.name);
  const [key, parent] = [identifier(relation.parentColumn.name), identifier(relation.childColumn.name)];
  const phrase = nounPhrase(context, facts, { ownOnly: true, filterCount: random.pick([0, 1, 1]) });
  const where = phrase.where.map((condition) => resolveMarks(condition, 'qualified'));
  const step = `UNION ALL SELECT ${table}.${key}, tree.level + 1 FROM ${table} JOIN tree ON ${table}.${parent} = tree.${key}`;
  const top = `SELECT ${key}, 0 AS level FROM ${table} WHERE ${resolveMarks(named.sql, 'bare')}`;
  const cte = `WITH RECURSIVE tree AS (${top} ${step})`;
  const from = `FROM tree JOIN ${table} ON tree.${key} = ${table}.${key}`;
  const slots = { name: named.name, np: phrase.plural };
  const fill = (heads: readonly string[], cols: readonly string[]): string =>
    fillFrame(random.pick(heads), { ...slots, cols: listed(random, cols) });
  if (random.chance(0.4)) {
    const figures = groupFigures(
      context,
      facts,
      phrase.filters.flatMap(({ uses }) => uses),
      random.pick([1, 2, 2, 3]),
    );
    if (figures.length === 0) return undefined;
    const sums = figures.map(({ sql }) => resolveMarks(sql, 'qualified'));
    return {
      question: sentences(
        random,
        fill(
          levelHeads,
          figures.map(({ noun }) => noun),
        ),
        [random.pick(['top level first', 'ordered by level', 'levels in order'])],
      ),
      sql: `${cte} SELECT tree.level, ${sums.join(', ')} ${from}${where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`} GROUP BY tree.level ORDER BY tree.level`,
    };
  }
  const columns = rowColumns(context, facts, random.pick([1, 1, 2])).filter(
    ({ joins }) => joins.length === 0,
  );
  const label = resolveMarks(labelMarks(facts)[0]!, 'qualified');
  const shown = [label, 'tree.level', ...columns.map(({ sql }) => resolveMarks(sql, 'qualified'))];
  const name = labelNoun(context, facts);
  return {
    question: sentences(
      random,
      fill(treeHeads, [
        name,
        random.pick(['level', 'the level', 'depth below it']),
        ...columns.map(({ noun }) => noun),
      ]),
      [
        random.pick(['direct ones are level 1', 'with 1 for the direct ones']),
        random.pick([`ordered by level and then by ${name}`, `by level, then ${name}`]),
      ],
    ),
    sql: `${cte} SELECT ${shown.join(', ')} ${from} WHERE ${['tree.level > 0', ...where].join(' AND ')} ORDER BY tree.level, ${label}`,
  };
};

const pairHeads = [
  'which {np} have a higher {noun} than their {role}? Show {name}, the {role} and {cols}',
  'list {np} whose {noun} exceeds that of the {role}, with the {role} and {cols}',
  'compare {np} with their {role}: where the {noun} is larger than the one of the {role}, give {name}, {role} and {cols}',
] as const;

/** Rows beside the row above them in the same table. */
export const pairReport: ReportMaker = (context) => {
  const { random } = context;
  const figure = rowFigure(context, {
    distinctMin: 4,
    fits: ({ table, label }) =>
      label.length === 1 &&
      context.lexicon.relations.some(
        (relation) => isSelfRelation(relation) && relation.child.name === table.name,
      ),
  });
  if (figure === undefined) return undefined;
  const { facts, column, noun } = figure;
  const relation = random.pick(
    context.lexicon.relations.filter(
      (candidate) => isSelfRelation(candidate) && candidate.child.name === facts.table.name,
    ),
  );
  const role = random.pick(relation.words.role ?? [`parent ${plainRows(context, facts)}`]);
  const phrase = nounPhrase(context, facts, {
    ownOnly: true,
    avoid: [column.name],
    filterCount: random.pick([1, 1, 2]),
  });
  if (phrase.where.some((condition) => condition.includes('SELECT'))) return undefined;
  const table = identifier(facts.table.name);
  const [value, label] = [identifier(column.name), identifier(facts.label[0]!.name)];
  const isDifference = random.chance(0.5);
  const cols = isDifference
    ? ['the difference']
    : random.pick([['both figures'], [`both ${noun} figures`], ['the two values']]);
  const name = labelNoun(context, facts);
  const sorted = random.chance(0.7)
    ? isDifference
      ? order(
          random,
          { sql: `a.${value} - b.${value}`, noun: 'difference', kind: 'number' },
          { sql: `a.${label}`, noun: name },
        )
      : order(random, { sql: `a.${label}`, noun: name, kind: 'text' })
    : undefined;
  const where = [
    ...phrase.where.map((condition) => resolveMarks(condition, 'qualified', 'a')),
    `a.${value} > b.${value}`,
  ];
  const shown = isDifference ? `a.${value} - b.${value}` : `a.${value}, b.${value}`;
  const sql = `SELECT a.${label}, b.${label}, ${shown} FROM ${table} AS a JOIN ${table} AS b ON a.${identifier(relation.childColumn.name)} = b.${identifier(relation.parentColumn.name)} WHERE ${where.join(' AND ')}${sorted === undefined ? '' : ` ORDER BY ${sorted.sql}`}`;
  const slots = { np: phrase.plural, noun, role, name, cols: listed(random, cols) };
  const head = fillFrame(random.pick(pairHeads), slots);
  return { question: sentences(random, head, [sorted?.said]), sql };
};
