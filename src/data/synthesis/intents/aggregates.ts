/** "how many contracts does Orion have". */
import {
  anyTable,
  type Measure,
  relationsToChildren,
  type SynthesisContext,
  type TableFacts,
} from '../context.ts';
import { aggregateFrames } from '../frames/aggregates.ts';
import { countChildrenFrames, countFrames } from '../frames/counts.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { joinToParent, namedRow } from '../related-filters.ts';
import { col, renderSelect } from '../select.ts';
import { type Intent, phraseSlots } from './intent.ts';

export function tableWithMeasures(
  context: SynthesisContext,
): { facts: TableFacts; measure: Measure } | undefined {
  const candidates = [...context.facts.values()].filter((facts) => facts.measures.length > 0);
  if (candidates.length === 0) return undefined;
  const facts = context.random.pick(candidates);
  return { facts, measure: context.random.pick(facts.measures) };
}

export const count: Intent = {
  name: 'count',
  weight: 9,
  frames: countFrames,
  build: (context) => {
    const facts = anyTable(context);
    const phrase = nounPhrase(context, facts, { mayFront: true });
    const sql = renderSelect({ columns: ['COUNT(*)'], ...fromPhrase(phrase) });
    const isPerson = context.lexicon.table(facts.table.name).isPerson;
    const roll = context.random.next();
    const variant = roll < 0.08 ? 'any' : isPerson && roll < 0.25 ? 'people' : 'count';
    return { variant, slots: phraseSlots(phrase), sql, front: phrase.front };
  },
};

export const countChildren: Intent = {
  name: 'count-children',
  weight: 4,
  frames: countChildrenFrames,
  build: (context) => {
    const { random } = context;
    const facts = anyTable(context);
    const relations = relationsToChildren(context, facts.table.name).filter(
      (relation) => relation.child.name !== facts.table.name,
    );
    if (relations.length === 0) return undefined;
    const relation = random.pick(relations);
    const named = namedRow(context, facts);
    if (named === undefined) return undefined;
    const child = context.facts.get(relation.child.name)!;
    const phrase = nounPhrase(context, child, { filterCount: random.chance(0.35) ? 1 : 0, ownOnly: true });
    const sql = renderSelect({
      columns: ['COUNT(*)'],
      from: child.table.name,
      joins: [joinToParent(relation)],
      where: [named.sql, ...phrase.where],
    });
    return { variant: 'has', slots: { ...phraseSlots(phrase), name: named.name }, sql };
  },
};

export function aggregateOf(
  context: SynthesisContext,
  measure: Measure,
): { variant: 'sum' | 'average' | 'highest' | 'lowest' | 'range'; sql: string; agg: string } {
  const { random } = context;
  const roll = random.next();
  if (roll < 0.42 && measure.canSum)
    return { variant: 'sum', sql: `SUM(${measure.sql})`, agg: random.pick(measure.sumNouns) };
  if (roll < 0.75)
    return { variant: 'average', sql: `AVG(${measure.sql})`, agg: random.pick(measure.averageNouns) };
  if (roll < 0.87) return { variant: 'highest', sql: `MAX(${measure.sql})`, agg: '' };
  if (roll < 0.95) return { variant: 'lowest', sql: `MIN(${measure.sql})`, agg: '' };
  return { variant: 'range', sql: `MIN(${measure.sql}), MAX(${measure.sql})`, agg: '' };
}

/** `SUM((a * b))` -> `SUM(a * b)`. */
export function unwrap(sql: string): string {
  return sql.replace(/\(\(([^()]*)\)\)/g, '($1)');
}

export const aggregate: Intent = {
  name: 'aggregate',
  weight: 8,
  frames: aggregateFrames,
  build: (context) => {
    const { random } = context;
    if (random.chance(0.1)) return dateExtreme(context);
    const chosen = tableWithMeasures(context);
    if (chosen === undefined) return undefined;
    const { facts, measure } = chosen;
    const phrase = nounPhrase(context, facts, {
      mayFront: true,
      avoid: measure.column === undefined ? [] : [measure.column.name],
    });
    const aggregate = aggregateOf(context, measure);
    const sql = renderSelect({ columns: [unwrap(aggregate.sql)], ...fromPhrase(phrase) });
    const slots = { ...phraseSlots(phrase), noun: random.pick(measure.nouns), agg: aggregate.agg };
    return { variant: aggregate.variant, slots, sql, front: phrase.front };
  },
};

function dateExtreme(context: SynthesisContext) {
  const facts = anyTable(context);
  if (facts.dates.length === 0) return undefined;
  const { random } = context;
  const column = random.pick(facts.dates);
  const phrase = nounPhrase(context, facts, { avoid: [column.name] });
  const latest = random.chance(0.6);
  const sql = renderSelect({
    columns: [`${latest ? 'MAX' : 'MIN'}(${col(facts.table.name, column.name)})`],
    ...fromPhrase(phrase),
  });
  const noun = random.pick(context.lexicon.column(facts.table.name, column.name).nouns);
  return { variant: latest ? 'latest' : 'earliest', slots: { ...phraseSlots(phrase), noun, agg: '' }, sql };
}
