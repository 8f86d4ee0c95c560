/** "how many contracts does Orion have". */
import {
  anyTable,
  type Measure,
  relationsToChildren,
  type SynthesisContext,
  type TableFacts,
} from '../context.ts';
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
  frames: {
    count: [
      'how many {np} are there',
      'how many {np} do we have',
      'number of {np}',
      'count of {np}',
      'count the {np}',
      'how many {np}',
      'what is the number of {np}',
      'total number of {np}',
      '{np} count',
      'tell me how many {np} we have',
      'can you count the {np}',
      'how many {np} exist',
      'give me the number of {np}',
      "what's the count of {np}",
      'i need to know how many {np} there are',
      'how large is the number of {np}',
      'in total how many {np} do we have',
      '# of {np}',
      'how often do we have {np}',
      'just the number of {np} please',
      'quantity of {np}',
      'how many {np} are in the system',
      'the amount of {np}',
    ],
    people: [
      'headcount of {np}',
      'how many {np} do we have',
      'headcount {np}',
      'how many {np} work for us',
      'number of {np}',
      'how many {np} are there',
      'how many heads are {np}',
    ],
    any: [
      'are there any {np}',
      'do we have any {np}',
      'is there any {np1}',
      'do {np} exist',
      'have we got {np}',
      'is there a {np1}',
      'do we have {np} at all',
    ],
  },
  build: (context) => {
    const facts = anyTable(context);
    const phrase = nounPhrase(context, facts);
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
  frames: {
    has: [
      'how many {np} does {name} have',
      'number of {np} of {name}',
      'how many {np} are there for {name}',
      'count the {np} of {name}',
      'how many {np} do we have for {name}',
      '{name}: how many {np}',
      'how many {np} belong to {name}',
      'how many {np} has {name}',
      'what is the number of {np} for {name}',
      '{np} count for {name}',
      'with how many {np} is {name} involved',
      'how many {np} has {name} got',
    ],
  },
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

const aggregateFrames = {
  sum: [
    '{agg} of {np}',
    'what is the {agg} of {np}',
    'how much is the {agg} of {np}',
    '{agg} for all {np}',
    'sum of {noun} for {np}',
    'sum up the {noun} of {np}',
    'add up the {noun} of {np}',
    "what's the {agg} across {np}",
    'the {agg} for {np} please',
    '{np} {agg}',
    'what do {np} add up to in {noun}',
    'how much {noun} do {np} have in total',
    'how much {noun} do {np} have together',
    'give me the {agg} of all {np}',
    'calculate the {agg} of {np}',
    'i need the {agg} over {np}',
    'overall {noun} of {np}',
    'what is the {noun} of {np} in total',
  ],
  average: [
    '{agg} of {np}',
    'what is the {agg} of {np}',
    'on average what is the {noun} of {np}',
    'mean {noun} of {np}',
    '{agg} for {np}',
    'how high is the {noun} of {np} on average',
    "what's the {agg} across {np}",
    'what {noun} do {np} have on average',
    'average out the {noun} of {np}',
    'calculate the {agg} of {np}',
    'the typical {noun} of {np}',
    'avg {noun} {np}',
    'the mean of {noun} over {np}',
  ],
  highest: [
    'what is the highest {noun} of {np}',
    'maximum {noun} of {np}',
    'highest {noun} among {np}',
    'max {noun} for {np}',
    'what is the largest {noun} among {np}',
    'how high is the highest {noun} of {np}',
    'the biggest {noun} of any of the {np}',
    'peak {noun} of {np}',
    'top {noun} value among {np}',
  ],
  lowest: [
    'what is the lowest {noun} of {np}',
    'minimum {noun} of {np}',
    'lowest {noun} among {np}',
    'min {noun} for {np}',
    'what is the smallest {noun} among {np}',
    'how low is the lowest {noun} of {np}',
    'the least {noun} of any of the {np}',
  ],
  latest: [
    'what is the latest {noun} of {np}',
    'most recent {noun} of {np}',
    'when is the latest {noun} of {np}',
    'the last {noun} among {np}',
    'latest {noun} for {np}',
  ],
  earliest: [
    'what is the earliest {noun} of {np}',
    'first {noun} of {np}',
    'when is the earliest {noun} of {np}',
    'the oldest {noun} among {np}',
    'earliest {noun} for {np}',
  ],
  range: [
    'what are the lowest and highest {noun} of {np}',
    'minimum and maximum {noun} of {np}',
    'range of {noun} for {np}',
    'smallest and largest {noun} of {np}',
    'from what to what does the {noun} of {np} range',
    'min and max {noun} of {np}',
  ],
} as const;

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
