/** Conditional figures side by side per group, what is most frequent in each group, averages over two levels. */

import type { Column } from '../../../../schema/schema.ts';
import { type SynthesisContext, sampleText, type TableFacts } from '../../context.ts';
import { mostFrequentFrames, sideBySideFrames, twoLevelsFrames } from '../../frames/analysis/cross-tables.ts';
import { numberedRows } from '../../numbered-rows.ts';
import { sayBefore, sayValue } from '../../saying.ts';
import { col, renderSelect, resolveMarks, textLiteral } from '../../select.ts';
import { type Intent, phraseSlots } from '../intent.ts';
import {
  aggregated,
  columnNoun,
  filledCategories,
  groupOf,
  isSelfRelation,
  joinToChild,
  relationsWhere,
  roleNoun,
  roleNouns,
  someRows,
  tableWhere,
} from './pieces.ts';

/** Two or three different stored values of a category, with the words for them. */
function someValues(
  context: SynthesisContext,
  facts: TableFacts,
  column: Column,
  count: number,
): { literal: string; said: string }[] {
  const values = new Set<string>();
  for (let i = 0; i < 4 * count && values.size < count; i++) {
    const value = sampleText(context, column);
    if (value !== undefined) values.add(value);
  }
  const { values: synonyms } = context.lexicon.column(facts.table.name, column.name);
  return [...values].map((value) => ({
    literal: textLiteral(value),
    said: sayBefore(sayValue(context, facts, column, value), synonyms?.[value]),
  }));
}

const places = /city|country|state|region|code/i;

/** Columns whose values may stand before a noun: "active", "critical" – not "Munich". */
function adjectives(context: SynthesisContext, facts: TableFacts): Column[] {
  return facts.categories.filter((column) => {
    const { adjective, valueAfter } = context.lexicon.column(facts.table.name, column.name);
    const isLikely = valueAfter === undefined && !places.test(column.name);
    return column.kind === 'text' && column.distinctCount <= 25 && (adjective ?? isLikely);
  });
}

/** "active, completed and paused projects per department": conditional aggregates. */
export const sideBySide: Intent = {
  name: 'side-by-side',
  weight: 2.5,
  frames: sideBySideFrames,
  build: (context) => {
    const { random } = context;
    const variant = random.pick(['counts', 'three', 'sums'] as const);
    const facts = tableWhere(
      context,
      (candidate) =>
        adjectives(context, candidate).length > 0 &&
        (variant !== 'sums' || candidate.measures.some((measure) => measure.canSum && measure.column)),
    );
    if (facts === undefined) return undefined;
    const category = random.pick(adjectives(context, facts));
    const group = groupOf(context, facts);
    if (group === undefined || group.avoid.includes(category.name)) return undefined;
    const values = someValues(context, facts, category, variant === 'three' ? 3 : 2);
    if (values.length < (variant === 'three' ? 3 : 2)) return undefined;
    const measures = facts.measures.filter((measure) => measure.canSum && measure.column !== undefined);
    const measure = variant === 'sums' ? random.pick(measures) : undefined;
    const avoid = [...group.avoid, category.name, measure?.column?.name ?? ''];
    const phrase = someRows(context, facts, avoid, 0.2);
    const mark = col(facts.table.name, category.name);
    const figures = values.map(({ literal }) =>
      measure === undefined
        ? `COUNT(CASE WHEN ${mark} = ${literal} THEN 1 END)`
        : `SUM(CASE WHEN ${mark} = ${literal} THEN ${measure.sql} ELSE 0 END)`,
    );
    const sql = renderSelect({
      columns: [...group.columns, ...figures],
      from: facts.table.name,
      joins: group.joins,
      where: phrase.where,
      groupBy: group.by,
    });
    const [a, b, c] = values.map(({ said }) => said);
    const slots = {
      ...phraseSlots(phrase),
      group: group.noun,
      groups: group.plural,
      cat: columnNoun(context, facts, category),
      a: a!,
      b: b!,
      c: c ?? '',
      agg: measure === undefined ? '' : random.pick(measure.sumNouns),
      noun: measure?.nouns[0] ?? '',
    };
    return { variant, slots, sql };
  },
};

/** The most common category of each group, and the one with the largest sum. */
export const mostFrequent: Intent = {
  name: 'most-frequent',
  weight: 2,
  frames: mostFrequentFrames,
  build: (context) => {
    const { random } = context;
    const variant = random.chance(0.6) ? 'category' : 'figure';
    const facts = tableWhere(
      context,
      (candidate) =>
        filledCategories(candidate).length > 0 &&
        (variant === 'category' || candidate.measures.some((measure) => measure.canSum && measure.column)),
    );
    if (facts === undefined) return undefined;
    const category = random.pick(filledCategories(facts));
    const group = groupOf(context, facts);
    if (group === undefined || group.avoid.includes(category.name)) return undefined;
    const measures = facts.measures.filter((measure) => measure.canSum && measure.column !== undefined);
    const measure = variant === 'figure' ? random.pick(measures) : undefined;
    if (measure?.column?.name === category.name) return undefined;
    const phrase = someRows(
      context,
      facts,
      [...group.avoid, category.name, measure?.column?.name ?? ''],
      0.3,
    );
    const mark = col(facts.table.name, category.name);
    const key = measure === undefined ? 'COUNT(*)' : aggregated('SUM', measure.sql);
    const sql = numberedRows({
      columns: [...group.columns, mark],
      partitionBy: group.by,
      orderBy: [`${key} DESC`, mark],
      keep: '= 1',
      select: {
        from: facts.table.name,
        joins: group.joins,
        where: phrase.where,
        groupBy: [...group.by, mark],
      },
    });
    if (sql === undefined) return undefined;
    const slots = {
      ...phraseSlots(phrase),
      group: group.noun,
      groups: group.plural,
      cat: columnNoun(context, facts, category),
      agg: measure === undefined ? '' : random.pick(measure.sumNouns),
    };
    return { variant, slots, sql };
  },
};

/** "average number of contracts per project, by department": a figure per parent, averaged over groups of parents. */
export const twoLevels: Intent = {
  name: 'two-levels',
  weight: 1.5,
  frames: twoLevelsFrames,
  build: (context) => {
    const { random } = context;
    const variant = random.chance(0.6) ? 'count' : 'sum';
    const relations = relationsWhere(
      context,
      (relation, parent, child) =>
        !isSelfRelation(relation) &&
        filledCategories(parent).length > 0 &&
        (variant === 'count' || child.measures.some((measure) => measure.canSum)),
    );
    if (relations.length === 0) return undefined;
    const relation = random.pick(relations);
    const parent = context.facts.get(relation.parent.name)!;
    const child = context.facts.get(relation.child.name)!;
    const category = random.pick(filledCategories(parent));
    const measure =
      variant === 'sum' ? random.pick(child.measures.filter((candidate) => candidate.canSum)) : undefined;
    const avoid = [relation.childColumn.name, measure?.column?.name ?? ''];
    const phrase = someRows(context, child, avoid, 0.3);
    const mark = col(parent.table.name, category.name);
    const alias = measure === undefined ? 'n' : 'total';
    const key = measure === undefined ? 'COUNT(*)' : aggregated('SUM', measure.sql);
    const inner = renderSelect({
      columns: [mark, `${key} AS ${alias}`],
      from: parent.table.name,
      joins: [joinToChild(relation)],
      where: phrase.where,
      groupBy: [col(parent.table.name, relation.parentColumn.name)],
    });
    const name = resolveMarks(mark, 'bare');
    const slots = {
      ...phraseSlots(phrase),
      parent: roleNoun(context, relation),
      parents: roleNouns(context, relation),
      group: columnNoun(context, parent, category),
      agg: measure === undefined ? '' : random.pick(measure.sumNouns),
    };
    return { variant, slots, sql: `SELECT ${name}, AVG(${alias}) FROM (${inner}) GROUP BY ${name}` };
  },
};
