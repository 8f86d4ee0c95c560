/** Totals of two tables side by side for each parent: of those that have both, or zero where there is none. */
import type { Relation } from '../../schema/lexicon.ts';
import { labelMarks, type SynthesisContext, type TableFacts } from '../synthesis/context.ts';
import {
  aggregated,
  isSelfRelation,
  labelNoun,
  rowFigures,
  tableWhere,
} from '../synthesis/intents/analysis/pieces.ts';
import { fillFrame } from '../synthesis/intents/intent.ts';
import { nounPhrase } from '../synthesis/noun-phrase.ts';
import { col, identifier, renderSelect, resolveMarks } from '../synthesis/select.ts';
import { type ReportMaker, rowsUnder } from './clauses.ts';
import { rowColumns } from './columns.ts';
import { plainRows } from './figures.ts';
import { limited, listed, order, sentences } from './wording.ts';

interface Side {
  /** A total for each key. */
  readonly sql: string;
  readonly said: string;
  readonly noun: string;
  readonly key: string;
  /** The parent's column that the key means. */
  readonly on: string;
}

/** Relations of two different tables to a parent. */
function twoChildren(
  context: SynthesisContext,
  parent: TableFacts,
): readonly [Relation, Relation] | undefined {
  const relations = context.lexicon.relations.filter(
    (relation) =>
      relation.parent.name === parent.table.name &&
      !isSelfRelation(relation) &&
      context.facts.has(relation.child.name),
  );
  const [one, two] = context.random.shuffle(relations);
  if (one === undefined || two === undefined || one.child.name === two.child.name) return undefined;
  return [one, two];
}

function totalsOf(context: SynthesisContext, relation: Relation): Side | undefined {
  const { random } = context;
  const facts = context.facts.get(relation.child.name)!;
  const measures = rowFigures(facts, { canSum: true });
  const measure = measures.length > 0 && random.chance(0.7) ? random.pick(measures) : undefined;
  const phrase = rowsUnder(context, facts, 1, [relation.childColumn.name, measure?.column?.name ?? '']);
  if (phrase === undefined) return undefined;
  const key = col(relation.child.name, relation.childColumn.name);
  const sql = renderSelect({
    columns: [key, `${measure === undefined ? 'COUNT(*)' : aggregated('SUM', measure.sql)} AS total`],
    from: relation.child.name,
    joins: phrase.joins,
    where: phrase.where,
    groupBy: [key],
  });
  const noun = measure === undefined ? 'number' : random.pick(measure.sumNouns);
  const [role] = relation.words.role ?? [];
  const isNamed = context.lexicon.table(relation.parent.name).nouns.some(([one]) => one === role);
  const as = role === undefined || isNamed ? '' : ` with them as ${role}`;
  return {
    sql,
    said: `the ${noun} of ${phrase.plural}${as}`,
    noun: `${noun} of ${plainRows(context, facts)}`,
    key: resolveMarks(key, 'bare'),
    on: resolveMarks(col(relation.parent.name, relation.parentColumn.name), 'qualified'),
  };
}

interface Sides {
  readonly parent: TableFacts;
  readonly a: Side;
  readonly b: Side;
}

function drawSides(context: SynthesisContext): Sides | undefined {
  const parent = tableWhere(context, ({ label }) => label.length === 1);
  if (parent === undefined) return undefined;
  const [one, two] = twoChildren(context, parent) ?? [];
  if (one === undefined || two === undefined) return undefined;
  const [a, b] = [totalsOf(context, one), totalsOf(context, two)];
  return a === undefined || b === undefined ? undefined : { parent, a, b };
}

interface Beside extends Sides {
  readonly columns: readonly string[];
  readonly join: 'JOIN' | 'LEFT JOIN';
  readonly conditions: readonly string[];
  readonly order: string | undefined;
}

/** Both totals joined to their parent. */
function besideStatement({ parent, a, b, columns, join, conditions, order: by }: Beside): string {
  return [
    `WITH first AS (${a.sql}), second AS (${b.sql}) SELECT ${columns.join(', ')}`,
    `FROM ${identifier(parent.table.name)}`,
    `${join} first ON ${a.on} = first.${a.key}`,
    `${join} second ON ${b.on} = second.${b.key}`,
    ...(conditions.length === 0 ? [] : [`WHERE ${conditions.join(' AND ')}`]),
    ...(by === undefined ? [] : [`ORDER BY ${by}`]),
  ].join(' ');
}

const besideHeads = [
  'for every {parent}, {a} next to {b}',
  'put {a} and {b} side by side per {parent}',
  'per {parent}: {a}, and beside it {b}',
  'compare for each {parent} {a} with {b}',
  'list {parents} with {a} and with {b}',
] as const;

/** Totals of two tables side by side for each parent that has both. */
export const besideReport: ReportMaker = (context) => {
  const { random, lexicon } = context;
  const sides = drawSides(context);
  if (sides === undefined) return undefined;
  const { parent, a, b } = sides;
  const label = resolveMarks(labelMarks(parent)[0]!, 'qualified');
  const isDifference = random.chance(0.25);
  const isMore = random.chance(0.3);
  const name = labelNoun(context, parent);
  const sorted = random.chance(0.75)
    ? order(
        random,
        { sql: 'first.total', noun: random.pick(['first figure', 'first of the two']), kind: 'number' },
        random.chance(0.6) ? { sql: label, noun: name } : undefined,
      )
    : undefined;
  const role = lexicon.table(parent.table.name).nouns[0]!;
  const columns = [
    label,
    'first.total',
    'second.total',
    ...(isDifference ? ['first.total - second.total'] : []),
  ];
  const conditions = isMore ? ['first.total > second.total'] : [];
  const sql = besideStatement({ parent, a, b, columns, join: 'JOIN', conditions, order: sorted?.sql });
  const slots = { parent: role[0], parents: role[1], a: a.said, b: b.said };
  const head = fillFrame(random.pick(besideHeads), slots);
  const both = random.pick([
    `only ${role[1]} that have both`,
    `${role[1]} lacking either are left out`,
    'where both exist',
  ]);
  return {
    question: sentences(random, head, [
      isDifference
        ? random.pick(['add the difference of the two as well', 'and the first less the second'])
        : undefined,
      isMore
        ? random.pick(['only where the first is larger', 'keep those whose first figure exceeds the second'])
        : both,
      sorted?.said,
    ]),
    sql,
  };
};

const sidesHeads = [
  'for {np}, show {cols}, {a} and {b}',
  'list {np} with {cols}, {a} and beside it {b}',
  'take {np}: {cols}, then {a}, then {b}',
  'i need {cols} of {np} together with {a} and {b}',
  'for each of {np} give {cols}, {a}, and {b}',
] as const;
const zeros = [
  'zero where there is none',
  'with 0 where nothing exists',
  'each added up on its own, nothing counted twice, zero if there is nothing',
  'none of it counted twice, and zero for those without',
  'also those that have neither, with zeros',
] as const;

/** The same of all rows of the parent under conditions, with columns of its own, zero where a total is missing. */
export const sidesReport: ReportMaker = (context) => {
  const { random } = context;
  const sides = drawSides(context);
  if (sides === undefined) return undefined;
  const { parent, a, b } = sides;
  const filterCount = random.pick([1, 1, 2]);
  const phrase = nounPhrase(context, parent, { ownOnly: true, filterCount });
  if (phrase.filters.length === 0 || phrase.joins.length > 0) return undefined;
  const own = rowColumns(context, parent, random.pick([0, 0, 1])).filter(({ joins }) => joins.length === 0);
  const label = resolveMarks(labelMarks(parent)[0]!, 'qualified');
  const name = labelNoun(context, parent);
  const [first, second] = ['COALESCE(first.total, 0)', 'COALESCE(second.total, 0)'];
  const isByFirst = random.chance(0.5);
  const sorted = random.chance(0.75)
    ? order(
        random,
        { sql: isByFirst ? first : second, noun: isByFirst ? a.noun : b.noun, kind: 'number' },
        { sql: label, noun: name },
      )
    : order(random, { sql: label, noun: name, kind: 'text' });
  const n = 3 + random.int(10);
  const hasLimit = random.chance(0.25);
  const columns = [label, ...own.map(({ sql }) => resolveMarks(sql, 'qualified')), first, second];
  const conditions = phrase.where.map((text) => resolveMarks(text, 'qualified'));
  const sql =
    besideStatement({ parent, a, b, columns, join: 'LEFT JOIN', conditions, order: sorted.sql }) +
    (hasLimit ? ` LIMIT ${n}` : '');
  const cols = listed(random, [name, ...own.map(({ noun }) => noun)]);
  const slots = { np: phrase.plural, a: a.said, b: b.said, cols };
  const head = fillFrame(random.pick(sidesHeads), slots);
  const tails = [random.pick(zeros), sorted.said, hasLimit ? limited(random, n) : undefined];
  return { question: sentences(random, head, tails), sql };
};
