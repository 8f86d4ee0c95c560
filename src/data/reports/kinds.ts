/** Reports by CASE, over lists put together, over what exists and what does not. */
import { labelMarks, relationsToChildren, roundBetween, sayNumber } from '../synthesis/context.ts';
import {
  aggregated,
  columnNoun,
  isSelfRelation,
  labelNoun,
  relationsWhere,
  rowFigure,
  rowFigures,
  tableWhere,
} from '../synthesis/intents/analysis/pieces.ts';
import { fillFrame } from '../synthesis/intents/intent.ts';
import { nounPhrase } from '../synthesis/noun-phrase.ts';
import { correlated } from '../synthesis/related-filters.ts';
import { col, identifier, renderSelect, resolveMarks, textLiteral } from '../synthesis/select.ts';
import { mergedJoins, type ReportMaker, rowsUnder } from './clauses.ts';
import { rowColumns } from './columns.ts';
import { groupFigures, orderNoun, plainRows } from './figures.ts';
import { capitalised, limited, listed, order, sentences } from './wording.ts';

const bandNames = [
  ['low', 'medium', 'high'],
  ['small', 'medium', 'large'],
  ['minor', 'standard', 'major'],
  ['A', 'B', 'C'],
  ['bronze', 'silver', 'gold'],
  ['short', 'normal', 'long'],
  ['weak', 'fair', 'strong'],
  ['bottom', 'middle', 'top'],
] as const;

const bandHeads = [
  'sort {np} into three bands by {noun} - {bands} - and show for each band {cols}',
  'label {np} by {noun}: {bands}; per label I need {cols}',
  'for {np}, classify the {noun} as {bands} and give {cols} for every class',
  'group {np} by size of {noun} ({bands}) with {cols}',
  'split {np} by {noun} into {bands} and return the label, {cols}',
] as const;

/** Bands of a figure with several figures each. */
export const bandReport: ReportMaker = (context) => {
  const { random } = context;
  const figure = rowFigure(context, { isFilled: true, distinctMin: 4 });
  if (figure === undefined) return undefined;
  const { facts, column, value, noun } = figure;
  const phrase = rowsUnder(context, facts, random.pick([1, 1, 2, 2]), [column.name]);
  if (phrase === undefined) return undefined;
  const middle =
    (Number(column.min) + Math.min(Number(column.max), 1000 * Math.abs(Number(column.min) || 100))) / 2;
  const a = roundBetween(random, Number(column.min), middle);
  const b = roundBetween(random, middle, Number(column.max));
  if (a >= b) return undefined;
  const names = random.pick(bandNames).map((name) => (random.chance(0.3) ? capitalised(name) : name));
  const isUpTo = random.chance(0.4);
  const [x, y, z] = names;
  const quote = random.chance(0.4) ? "'" : '';
  const q = (text: string | undefined): string => `${quote}${text}${quote}`;
  const [low, high] = [sayNumber(random, a), sayNumber(random, b)];
  const bands = isUpTo
    ? random.pick([
        `${q(x)} up to ${low}, ${q(y)} up to ${high} and ${q(z)} above that`,
        `${q(x)} for at most ${low}, ${q(y)} for at most ${high}, otherwise ${q(z)}`,
      ])
    : random.pick([
        `${q(x)} below ${low}, ${q(y)} below ${high} and ${q(z)} from there on`,
        `under ${low} is ${q(x)}, under ${high} is ${q(y)}, everything else ${q(z)}`,
        `${q(x)} if less than ${low}, ${q(y)} if less than ${high}, else ${q(z)}`,
      ]);
  const operator = isUpTo ? '<=' : '<';
  const used = phrase.filters.flatMap(({ uses }) => uses);
  const figures = groupFigures(context, facts, used, random.pick([1, 2, 2, 3]));
  if (figures.length === 0) return undefined;
  const chosen = random.pick(figures);
  const chosenNoun = orderNoun(chosen);
  const sorted =
    chosenNoun !== undefined && random.chance(0.7)
      ? order(random, { sql: chosen.sql, noun: chosenNoun, kind: chosen.kind === 'date' ? 'date' : 'number' })
      : undefined;
  const label = `CASE WHEN ${value} ${operator} ${a} THEN ${textLiteral(x!)} WHEN ${value} ${operator} ${b} THEN ${textLiteral(y!)} ELSE ${textLiteral(z!)} END AS band`;
  const sql = renderSelect({
    columns: [label, ...figures.map((each) => each.sql)],
    from: facts.table.name,
    joins: phrase.joins,
    where: phrase.where,
    groupBy: ['band'],
    orderBy: sorted === undefined ? [] : [sorted.sql],
  });
  const slots = {
    np: phrase.plural,
    noun,
    bands,
    cols: listed(
      random,
      figures.map((each) => each.noun),
    ),
  };
  const head = fillFrame(random.pick(bandHeads), slots);
  return { question: sentences(random, head, sorted === undefined ? [] : [sorted.said]), sql };
};

const unionHeads = [
  'one list of {a} labelled {x} and of {b} labelled {y}: {cols}',
  'put {a} (label {x}) and {b} (label {y}) into a single list with {cols}',
  'combine {a} and {b} into one result, the first marked {x} and the second {y}; columns {cols}',
  'i need {a} together with {b} in one table: {cols}, where the label is {x} or {y}',
  'stack {a}, tagged {x}, on top of {b}, tagged {y}, showing {cols}',
] as const;

/** Two labelled lists underneath each other. */
export const unionReport: ReportMaker = (context) => {
  const { random, lexicon } = context;
  const isNamed = tableWhere(context, ({ label }) => label.length === 1 && label[0]!.kind === 'text');
  if (isNamed === undefined) return undefined;
  const second = random.chance(0.4)
    ? isNamed
    : tableWhere(context, ({ label }) => label.length === 1 && label[0]!.kind === 'text');
  if (second === undefined) return undefined;
  const [a, b] = [isNamed, second].map((facts) => rowsUnder(context, facts, random.pick([1, 2]), []));
  if (a === undefined || b === undefined || a.plural === b.plural) return undefined;
  const shared = random.pick(['date', 'number', 'none'] as const);
  const pick = (facts: typeof second) => {
    if (shared === 'none') return undefined;
    if (shared === 'date') return facts.dates.length === 0 ? undefined : random.pick(facts.dates);
    const measures = rowFigures(facts, { distinctMin: 3 });
    return measures.length === 0 ? undefined : random.pick(measures).column;
  };
  const first = pick(isNamed);
  const other = isNamed === second ? first : pick(second);
  if (shared !== 'none' && (first === undefined || other === undefined)) return undefined;
  const noun = (facts: typeof second): string => lexicon.table(facts.table.name).nouns[0]![0];
  const isSame = isNamed === second;
  const names = isSame
    ? random.pick([
        ['first', 'second'],
        ['A', 'B'],
        ['one', 'two'],
      ])
    : [noun(isNamed), noun(second)];
  const [x, y] = random.chance(0.6) ? names.map(capitalised) : names;
  const half = (phrase: NonNullable<typeof a>, label: string, column: typeof first): string =>
    renderSelect({
      columns: [
        textLiteral(label),
        labelMarks(phrase.facts)[0]!,
        ...(column === undefined ? [] : [col(phrase.facts.table.name, column.name)]),
      ],
      from: phrase.facts.table.name,
      joins: phrase.joins,
      where: phrase.where,
    });
  const isOrdered = random.chance(0.7);
  const by = shared !== 'none' && random.chance(0.6) ? '3, 2' : '1, 2';
  const sql = `${half(a, x!, first)} UNION ALL ${half(b, y!, other)}${isOrdered ? ` ORDER BY ${by}` : ''}`;
  const nameSaid = random.pick(['name', 'the name', labelNoun(context, isNamed)]);
  const third =
    first === undefined
      ? []
      : [
          isSame || first.name === other!.name
            ? columnNoun(context, isNamed, first)
            : `${columnNoun(context, isNamed, first)} or ${columnNoun(context, second, other!)}`,
        ];
  const quote = random.pick(['', "'"]);
  const slots = {
    a: a.plural,
    b: b.plural,
    x: `${quote}${x}${quote}`,
    y: `${quote}${y}${quote}`,
    cols: listed(random, ['label', nameSaid, ...third]),
  };
  const head = fillFrame(random.pick(unionHeads), slots);
  const said =
    by === '3, 2'
      ? ['by the last column and then by name', 'sorted by the third column, then the name']
      : ['sorted by label and name', 'label first, then name, both A to Z'];
  return { question: sentences(random, head, isOrdered ? [random.pick(said)] : []), sql };
};

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
    question: sentences(random, head, [
      ...(sorted === undefined ? [] : [sorted.said]),
      ...(isLimited ? [limited(random, n)] : []),
    ]),
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
  return { question: sentences(random, head, sorted === undefined ? [] : [sorted.said]), sql };
};
