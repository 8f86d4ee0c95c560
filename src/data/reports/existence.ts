/** Reports over what exists and what does not. */
import { labelMarks, relationsToChildren } from '../synthesis/context.ts';
import {
  aggregated,
  isSelfRelation,
  labelNoun,
  relationsWhere,
  rowFigures,
} from '../synthesis/intents/analysis/pieces.ts';
import { fillFrame } from '../synthesis/intents/intent.ts';
import { nounPhrase } from '../synthesis/noun-phrase.ts';
import { correlated } from '../synthesis/related-filters.ts';
import { col, identifier, renderSelect, resolveMarks } from '../synthesis/select.ts';
import { mergedJoins, type ReportMaker } from './clauses.ts';
import { rowColumns } from './columns.ts';
import { plainRows } from './figures.ts';
import { limited, listed, order, sentences } from './wording.ts';

const existHeads = [
  'which {np} have {a} but no {b}? Show {cols}',
  'list {cols} of {np} that have {a} and at the same time no {b}',
  'find {np} with {a} yet without any {b}; {cols}',
  '{np} for which {a} exist and {b} do not: {cols}',
  'show {cols} for {np} that never had {b} although they have {a}',
] as const;
const bothHeads = [
  'which {np} have {a} as well as {b}? Show {cols}',
  'list {cols} of {np} that have {a} and also {b}',
  'find {np} with both {a} and {b}; {cols}',
  '{np} for which {a} exist and {b} too: {cols}',
] as const;

/** Parents with some children and without, or with, others, with further columns. */
export const existReport: ReportMaker = (context) => {
  const { random } = context;
  const parents = relationsWhere(
    context,
    (relation, parent) => !isSelfRelation(relation) && parent.label.length === 1,
  );
  if (parents.length === 0) return undefined;
  const one = random.pick(parents);
  const others = relationsToChildren(context, one.parent.name).filter(
    (relation) => !isSelfRelation(relation) && context.facts.has(relation.child.name),
  );
  const two = random.pick(others);
  const [a, b] = [one, two].map((relation) =>
    nounPhrase(context, context.facts.get(relation.child.name)!, {
      ownOnly: true,
      avoid: [relation.childColumn.name],
      filterCount: random.pick([1, 1, 2]),
    }),
  );
  if (a === undefined || b === undefined || a.plural === b.plural) return undefined;
  const facts = context.facts.get(one.parent.name)!;
  const columns = rowColumns(context, facts, random.pick([1, 1, 2]));
  const joins = mergedJoins(...columns.map((column) => column.joins));
  if (joins === undefined) return undefined;
  const phrase = nounPhrase(context, facts, { ownOnly: true, filterCount: random.pick([0, 1, 1]) });

  const isBut = random.chance(0.65);
  const label = labelMarks(facts)[0]!;
  const name = labelNoun(context, facts);
  const sortable = columns.filter(({ kind }) => kind !== 'text');
  const first = sortable[0];
  const isLimited = first !== undefined && random.chance(0.15);
  const sorted =
    first !== undefined && (isLimited || random.chance(0.5))
      ? order(random, first, { sql: label, noun: name })
      : random.chance(0.5)
        ? order(random, { sql: label, noun: name, kind: 'text' })
        : undefined;
  const n = 3 + random.int(8);
  const sql = renderSelect({
    columns: [label, ...columns.map((column) => column.sql)],
    from: facts.table.name,
    joins,
    where: [
      ...phrase.where,
      `EXISTS (${correlated(one, a.where)})`,
      `${isBut ? 'NOT ' : ''}EXISTS (${correlated(two, b.where)})`,
    ],
    orderBy: sorted === undefined ? [] : [sorted.sql],
    ...(isLimited ? { limit: n } : {}),
  });
  const slots = {
    np: phrase.plural,
    a: a.plural,
    b: b.plural,
    cols: listed(random, [name, ...columns.map(({ noun }) => noun)]),
  };
  const head = fillFrame(random.pick(isBut ? existHeads : bothHeads), slots);
  return {
    question: sentences(random, head, [sorted?.said, isLimited ? limited(random, n) : undefined]),
    sql,
  };
};

const noneHeads = [
  'for {np}, including those without any {children}, show {cols}',
  'list {np} with {cols}; those without {children} stay in',
  'show {cols} for all {np}, also where there are no {children}',
  'give me {cols} of every one of {np}, zero where there are no {children}',
  'all {np}, with or without {children}: {cols}',
  'i want {cols} for {np} - none of them may be missing, even without {children}',
] as const;

/** Every parent with the figures of its children, also those without any: LEFT JOIN. */
export const noneReport: ReportMaker = (context) => {
  const { random } = context;
  const relations = relationsWhere(
    context,
    (relation, parent, child) =>
      !isSelfRelation(relation) && parent.label.length === 1 && child.table.primaryKey.length === 1,
  );
  if (relations.length === 0) return undefined;
  const relation = random.pick(relations);
  const [parent, child] = [context.facts.get(relation.parent.name)!, context.facts.get(relation.child.name)!];
  const phrase = nounPhrase(context, parent, { ownOnly: true, filterCount: random.pick([1, 2, 2]) });
  const rows = nounPhrase(context, child, {
    ownOnly: true,
    avoid: [relation.childColumn.name],
    filterCount: random.pick([0, 1, 1]),
  });
  if (phrase.filters.length === 0 || rows.where.some((condition) => condition.includes('SELECT')))
    return undefined;
  const measures = rowFigures(child, { canSum: true, distinctMin: 3 });
  const measure = measures.length > 0 && random.chance(0.65) ? random.pick(measures) : undefined;
  const sum = measure === undefined ? undefined : aggregated('SUM', measure.sql);
  const isFilled = random.chance(0.6);
  const count = `COUNT(${col(child.table.name, child.table.primaryKey[0]!)})`;
  const label = labelMarks(parent)[0]!;
  const name = labelNoun(context, parent);
  const sumNoun = measure === undefined ? '' : random.pick(measure.sumNouns);
  const sorted = random.chance(0.8)
    ? random.chance(0.7)
      ? order(random, { sql: count, noun: 'number', kind: 'number' }, { sql: label, noun: name })
      : order(random, { sql: label, noun: name, kind: 'text' })
    : undefined;
  const on = [
    `${col(parent.table.name, relation.parentColumn.name)} = ${col(child.table.name, relation.childColumn.name)}`,
    ...rows.where,
  ].join(' AND ');
  const shown = [label, count, ...(sum === undefined ? [] : [isFilled ? `COALESCE(${sum}, 0)` : sum])].join(
    ', ',
  );
  const [table, other] = [identifier(parent.table.name), identifier(child.table.name)];
  const key = col(parent.table.name, relation.parentColumn.name);
  const text = `SELECT ${shown} FROM ${table} LEFT JOIN ${other} ON ${on} WHERE ${phrase.where.join(' AND ')} GROUP BY ${key}`;
  const sql = resolveMarks(sorted === undefined ? text : `${text} ORDER BY ${sorted.sql}`, 'qualified');
  const slots = {
    np: phrase.plural,
    children: plainRows(context, child),
    cols: listed(random, [
      name,
      `the number of ${rows.plural}`,
      ...(sum === undefined
        ? []
        : [
            `their ${sumNoun}${isFilled ? random.pick([' (0 if there are none)', ', 0 where none,', ' or 0']) : ''}`,
          ]),
    ]),
  };
  const head = fillFrame(random.pick(noneHeads), slots);
  return { question: sentences(random, head, [sorted?.said]), sql };
};
