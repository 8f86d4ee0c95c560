/** Counts, sums, averages, extremes, shares – over one noun phrase, or one figure a group. */
import type { Column } from '../../../schema/schema.ts';
import {
  labelMarks,
  type Measure,
  relationsToChildren,
  relationsToParents,
  roundBetween,
  type SynthesisContext,
  sayNumber,
  type TableFacts,
} from '../context.ts';
import { ownFilter } from '../filters.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { joinToParent, namedRow } from '../related-filters.ts';
import { col, type Join, renderSelect } from '../select.ts';
import { type Intent, phraseSlots } from './intent.ts';
import { pluralNoun } from './lists.ts';

function tableWithMeasures(context: SynthesisContext): { facts: TableFacts; measure: Measure } | undefined {
  const candidates = [...context.facts.values()].filter((facts) => facts.measures.length > 0);
  if (candidates.length === 0) return undefined;
  const facts = context.random.pick(candidates);
  return { facts, measure: context.random.pick(facts.measures) };
}

function anyTable(context: SynthesisContext): TableFacts {
  return context.facts.get(context.random.pick(context.tables).name)!;
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

/** "how many contracts does Orion have". */
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

function aggregateOf(
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
function unwrap(sql: string): string {
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

/** What one can group by: a category of the table itself or the name of a parent. */
export interface Group {
  readonly noun: string;
  readonly plural: string;
  readonly columns: readonly string[];
  /** What identifies a group (the parent's key, so that equal names stay apart). */
  readonly by: readonly string[];
  readonly joins: readonly Join[];
  readonly avoid: readonly string[];
}

function ownGroup(context: SynthesisContext, facts: TableFacts, column: Column): Group {
  const words = context.lexicon.column(facts.table.name, column.name);
  const noun = context.random.pick(words.nouns);
  const plural = words.plurals === undefined ? `${noun}s` : context.random.pick(words.plurals);
  const mark = col(facts.table.name, column.name);
  return { noun, plural, columns: [mark], by: [mark], joins: [], avoid: [column.name] };
}

export function pickGroup(context: SynthesisContext, facts: TableFacts): Group | undefined {
  const { random, lexicon } = context;
  const parents = relationsToParents(context, facts.table.name).filter(
    (relation) => relation.parent.name !== facts.table.name,
  );
  const useParent = parents.length > 0 && (facts.categories.length === 0 || random.chance(0.45));
  if (!useParent)
    return facts.categories.length === 0
      ? undefined
      : ownGroup(context, facts, random.pick(facts.categories));
  const relation = random.pick(parents);
  const parent = context.facts.get(relation.parent.name)!;
  const joins = [joinToParent(relation)];
  if (parent.categories.length > 0 && random.chance(0.35)) {
    const group = ownGroup(context, parent, random.pick(parent.categories));
    const role = random.pick(relation.words.role ?? [lexicon.table(parent.table.name).nouns[0]![0]]);
    return {
      ...group,
      noun: random.chance(0.6) ? `${role} ${group.noun}` : `${group.noun} of the ${role}`,
      plural: `${role} ${group.plural}`,
      joins,
      avoid: [relation.childColumn.name],
    };
  }
  const nouns = lexicon.table(parent.table.name).nouns[0]!;
  const noun = random.pick(relation.words.role ?? [nouns[0]]);
  const plural = random.pick(relation.words.roleHas ?? [nouns[1]]);
  const key = col(parent.table.name, relation.parentColumn.name);
  return { noun, plural, columns: labelMarks(parent), by: [key], joins, avoid: [relation.childColumn.name] };
}

export const countPerGroup: Intent = {
  name: 'count-per-group',
  weight: 5,
  frames: {
    plain: [
      'number of {np} per {group}',
      'how many {np} per {group}',
      'count {np} by {group}',
      '{np} by {group}',
      'how many {np} are there in each {group}',
      'how many {np} does each {group} have',
      'for each {group} the number of {np}',
      'break down {np} by {group}',
      '{np} per {group}',
      'show the count of {np} for every {group}',
      'how are {np} distributed over {groups}',
      'distribution of {np} by {group}',
      '{group} wise count of {np}',
      'give me the number of {np} for each {group}',
      'how do the {np} split by {group}',
      'number of {np} grouped by {group}',
    ],
  },
  build: (context) => {
    const facts = anyTable(context);
    const group = pickGroup(context, facts);
    if (group === undefined) return undefined;
    const phrase = nounPhrase(context, facts, {
      avoid: group.avoid,
      noJoins: group.joins.length > 0,
      filterCount: context.random.chance(0.5) ? 1 : 0,
    });
    const sql = renderSelect({
      columns: [...group.columns, 'COUNT(*)'],
      from: facts.table.name,
      joins: [...group.joins, ...phrase.joins],
      where: phrase.where,
      groupBy: group.by,
    });
    return {
      variant: 'plain',
      slots: { ...phraseSlots(phrase), group: group.noun, groups: group.plural },
      sql,
      front: phrase.front,
    };
  },
};

export const aggregatePerGroup: Intent = {
  name: 'aggregate-per-group',
  weight: 6,
  frames: {
    sum: [
      '{agg} per {group} for {np}',
      '{agg} of {np} by {group}',
      'what is the {agg} of {np} per {group}',
      'how much {noun} do {np} have per {group}',
      'sum of {noun} of {np} for each {group}',
      'break down the {agg} of {np} by {group}',
      'show the {agg} of {np} for every {group}',
      '{agg} by {group} of {np}',
      'for each {group} what is the {agg} of {np}',
      'sum up {noun} of {np} per {group}',
      '{group} wise {agg} of {np}',
    ],
    average: [
      '{agg} per {group} for {np}',
      '{agg} of {np} by {group}',
      'what is the {agg} of {np} per {group}',
      'mean {noun} of {np} for each {group}',
      'on average what {noun} do {np} have per {group}',
      'show the {agg} of {np} in each {group}',
      'compare the {agg} of {np} across {groups}',
      'avg {noun} of {np} per {group}',
      'for every {group} the {agg} of {np}',
    ],
    highest: [
      'highest {noun} of {np} per {group}',
      'maximum {noun} of {np} in each {group}',
      'largest {noun} of {np} by {group}',
      'what is the highest {noun} of {np} in every {group}',
      'max {noun} per {group} among {np}',
    ],
    lowest: [
      'lowest {noun} of {np} per {group}',
      'minimum {noun} of {np} in each {group}',
      'smallest {noun} of {np} by {group}',
      'what is the lowest {noun} of {np} in every {group}',
      'min {noun} per {group} among {np}',
    ],
    range: [
      'lowest and highest {noun} of {np} per {group}',
      'range of {noun} of {np} by {group}',
      'min and max {noun} of {np} for each {group}',
      'minimum and maximum {noun} of {np} in each {group}',
    ],
    bare: [
      '{agg} per {group}',
      '{agg} by {group}',
      'what is the {agg} per {group}',
      'what is the {agg} in each {group}',
      'show the {agg} for each {group}',
      'give me {agg} by {group}',
      '{agg} of every {group}',
      'how high is the {agg} in every {group}',
      'list the {agg} for all {groups}',
      'compare {agg} between {groups}',
    ],
  },
  build: (context) => {
    const chosen = tableWithMeasures(context);
    if (chosen === undefined) return undefined;
    const { facts, measure } = chosen;
    const group = pickGroup(context, facts);
    if (group === undefined) return undefined;
    const { random } = context;
    const avoid = [...group.avoid, ...(measure.column === undefined ? [] : [measure.column.name])];
    const phrase = nounPhrase(context, facts, {
      avoid,
      noJoins: group.joins.length > 0,
      filterCount: random.chance(0.45) ? 1 : 0,
    });
    const aggregate = aggregateOf(context, measure);
    const sql = unwrap(
      renderSelect({
        columns: [...group.columns, aggregate.sql],
        from: facts.table.name,
        joins: [...group.joins, ...phrase.joins],
        where: phrase.where,
        groupBy: group.by,
      }),
    );
    // Without its noun, a figure names its table only if no other table has a figure of that name.
    const isBare =
      phrase.filters.length === 0 &&
      (aggregate.variant === 'sum' || aggregate.variant === 'average') &&
      random.chance(0.7);
    const slots = {
      ...phraseSlots(phrase),
      noun: random.pick(measure.nouns),
      agg: aggregate.agg,
      group: group.noun,
      groups: group.plural,
    };
    return { variant: isBare ? 'bare' : aggregate.variant, slots, sql, front: phrase.front };
  },
};

/** HAVING: groups with more than n rows, or whose total is above something. */
export const having: Intent = {
  name: 'having',
  weight: 4,
  frames: {
    count: [
      'which {groups} have {cmp} {np}',
      '{groups} with {cmp} {np}',
      'list {groups} that have {cmp} {np}',
      'show me {groups} having {cmp} {np}',
      'find {groups} with {cmp} {np}',
      'what {groups} have {cmp} {np}',
      'name the {groups} with {cmp} {np}',
      'for which {groups} do we have {cmp} {np}',
    ],
    sum: [
      'which {groups} have a {agg} of {cmp} {value} for {np}',
      '{groups} whose {agg} of {np} is {cmp} {value}',
      '{groups} with {cmp} {value} {agg} of {np}',
      'list {groups} where the {agg} of {np} is {cmp} {value}',
      'show {groups} with a {agg} {cmp} {value} over {np}',
    ],
  },
  build: (context) => {
    const { random } = context;
    const byCount = random.chance(0.6);
    const chosen = byCount ? undefined : tableWithMeasures(context);
    const facts = chosen?.facts ?? anyTable(context);
    const group = pickGroup(context, facts);
    if (group === undefined) return undefined;
    const phrase = nounPhrase(context, facts, {
      avoid: group.avoid,
      noJoins: true,
      ownOnly: true,
      filterCount: random.chance(0.4) ? 1 : 0,
    });
    const base = {
      columns: group.columns,
      from: facts.table.name,
      joins: [...group.joins, ...phrase.joins],
      where: phrase.where,
      groupBy: group.by,
    };
    const more = random.chance(0.7);
    const cmp = more
      ? random.pick(['more than', 'over', 'above', 'more than'])
      : random.pick(['less than', 'fewer than', 'under', 'below']);
    const operator = more ? '>' : '<';
    const slots = { ...phraseSlots(phrase), groups: group.plural };
    if (chosen === undefined) {
      const n = 1 + random.int(random.chance(0.5) ? 8 : 60);
      const atLeast = random.chance(0.25);
      const sql = renderSelect({ ...base, having: [`COUNT(*) ${atLeast ? '>=' : operator} ${n}`] });
      return {
        variant: 'count',
        slots: { ...slots, cmp: `${atLeast ? 'at least' : cmp} ${n === 1 ? 'one' : sayNumber(random, n)}` },
        sql,
      };
    }
    const { measure } = chosen;
    const useSum = measure.canSum && random.chance(0.6);
    const top = Number(measure.column?.max ?? 100_000) * (useSum ? 8 : 0.7);
    const value = roundBetween(random, Number(measure.column?.min ?? 0), top);
    const sql = unwrap(
      renderSelect({ ...base, having: [`${useSum ? 'SUM' : 'AVG'}(${measure.sql}) ${operator} ${value}`] }),
    );
    const agg = random.pick(useSum ? measure.sumNouns : measure.averageNouns);
    return {
      variant: 'sum',
      slots: {
        ...slots,
        cmp: cmp === 'fewer than' ? 'less than' : cmp,
        agg,
        value: sayNumber(random, value),
      },
      sql,
    };
  },
};

export const share: Intent = {
  name: 'share',
  weight: 2,
  frames: {
    percent: [
      'what percentage of {np} are {condition}',
      'what share of {np} is {condition}',
      'percentage of {np} that are {condition}',
      'how many percent of {np} are {condition}',
      'share of {np} {condition}',
      'what proportion of {np} are {condition}',
      'what fraction of {np} in percent are {condition}',
      '% of {np} {condition}',
      'out of all {np}, what percentage is {condition}',
    ],
    perGroup: [
      'percentage of {np} {condition} per {group}',
      'share of {np} that are {condition} by {group}',
      'what percentage of {np} are {condition} in each {group}',
      'for each {group} the share of {np} {condition}',
    ],
  },
  build: (context) => {
    const { random } = context;
    const facts = anyTable(context);
    const filter = ownFilter(context, facts);
    const condition = filter?.before ?? filter?.after ?? filter?.head?.[1];
    if (filter === undefined || condition === undefined) return undefined;
    const phrase = nounPhrase(context, facts, {
      avoid: filter.uses,
      ownOnly: true,
      filterCount: random.chance(0.3) ? 1 : 0,
    });
    const group = random.chance(0.3) ? pickGroup(context, facts) : undefined;
    const figure = `100.0 * COUNT(CASE WHEN ${filter.sql} THEN 1 END) / COUNT(*)`;
    const slots = {
      ...phraseSlots(phrase),
      condition: condition.replace(/^(that are|who are|which are) /, ''),
      group: group?.noun ?? '',
    };
    if (group === undefined)
      return { variant: 'percent', slots, sql: renderSelect({ columns: [figure], ...fromPhrase(phrase) }) };
    if (group.avoid.some((name) => filter.uses.includes(name))) return undefined;
    const sql = renderSelect({
      columns: [...group.columns, figure],
      from: facts.table.name,
      joins: [...group.joins, ...phrase.joins],
      where: phrase.where,
      groupBy: group.by,
    });
    return { variant: 'perGroup', slots, sql };
  },
};

/** "how many are active and how many completed". */
export const conditionalCounts: Intent = {
  name: 'conditional-counts',
  weight: 1,
  frames: {
    two: [
      'how many {np} are {a} and how many are {b}',
      'number of {np} that are {a} versus {b}',
      'count {np} {a} and {b} side by side',
      '{np}: {a} vs {b} count',
      'compare the number of {np} {a} with {b}',
    ],
  },
  build: (context) => {
    const facts = anyTable(context);
    const first = ownFilter(context, facts);
    const second = ownFilter(context, facts);
    const a = first?.before ?? first?.after;
    const b = second?.before ?? second?.after;
    if (
      first === undefined ||
      second === undefined ||
      a === undefined ||
      b === undefined ||
      first.sql === second.sql
    )
      return undefined;
    const columns = [first, second].map((filter) => `COUNT(CASE WHEN ${filter.sql} THEN 1 END)`);
    return {
      variant: 'two',
      slots: { np: pluralNoun(context, facts.table.name), a, b },
      sql: renderSelect({ columns, from: facts.table.name }),
    };
  },
};
